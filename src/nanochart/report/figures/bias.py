"""Where the walkers of a biased run went."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nanochart.report.figures.style import (
    OKABE_ITO,
    PAGE,
    axis_label,
    letter_panels,
    new_figure,
    styled,
    variable_label,
)

__all__ = ["MOST_WALKERS", "variable_walks"]

#: Walkers that can be told apart in a panel.
MOST_WALKERS = 7


@styled
def variable_walks(
    variables: ArrayLike,
    time: ArrayLike,
    time_unit: str,
    names: Sequence[str],
    units: Sequence[str],
    starts: Sequence[str] = (),
) -> Figure:
    """Draw the variables of the walkers against time, a panel for each variable.

    Walkers that mix cross each other again and again; those that do not keep to the value that
    they started from.

    Parameters
    ----------
    variables
        (frame, walker, variable); the first `MOST_WALKERS` walkers are drawn.
    time
        Of each frame, in ``time_unit``.
    time_unit
        Unit of the time axis.
    names, units
        Of the variables; the unit "1" is none.
    starts
        What each walker starts from, for the legend.
    """
    values = np.asarray(variables, dtype=np.float64)[:, :MOST_WALKERS]
    t = np.asarray(time, dtype=np.float64)
    colors = list(OKABE_ITO.values())
    figure = new_figure(PAGE, 0.6 + 1.1 * len(names))
    panels = list(figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0])
    for k, (panel, name, unit) in enumerate(zip(panels, names, units, strict=True)):
        for walker, color in zip(range(values.shape[1]), colors, strict=False):
            label = f"walker {walker}" + (f", from {starts[walker]}" if starts else "")
            panel.plot(t, values[:, walker, k], color=color, lw=0.7, label=label)
        panel.set_ylabel(variable_label(name, unit))
    panels[-1].set_xlabel(axis_label("time", time_unit))
    panels[-1].set_xlim(t[0], t[-1] if len(t) > 1 else t[0] + 1.0)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    letter_panels(panels)
    return figure
