"""One chart of several metals: a panel for each, the others behind it in grey."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nanochart.report.figures.charts import Coloring, _legend, _prepared, _project
from nanochart.report.figures.style import PAGE, letter_panels, new_figure, styled

__all__ = ["shared_chart"]

# Lighter than the grey of unknown values: what stands behind is not data of this panel.
_BEHIND = "#e3e6ea"


@styled
def shared_chart(
    names: Sequence[str],
    charts: Sequence[ArrayLike],
    colorings: Sequence[Coloring],
    *,
    max_points: int = 50_000,
    seed: int = 0,
) -> Figure:
    """Draw the chart that several systems share, one panel for each.

    Every panel has the same axes. The points of its system are coloured; those of all the others
    are grey, so what only one of them visits, and what they have in common, can be told apart.

    Parameters
    ----------
    names
        Of the systems.
    charts
        Coordinates (dimensionless) of each system, shape (sample, latent), latent >= 2; of more
        than two axes the second row of panels shows the first and the third.
    colorings
        Of each system; the same quantity for all. The colour bar of a continuous one spans all.
    max_points, seed
        As in :func:`chart_projections`, for each system.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    latent = {np.shape(chart)[-1] for chart in charts}
    if len(latent) != 1 or not len(names) == len(charts) == len(colorings):
        raise ValueError(
            f"charts to lay on each other must be one for each name and have the same axes; got "
            f"{len(charts)} for {len(names)} names, with {sorted(latent)} axes"
        )
    colorings = _on_one_scale(colorings)
    drawn = [
        _prepared(chart, coloring, max_points, seed)
        for chart, coloring in zip(charts, colorings, strict=True)
    ]
    pairs = [(0, 1), (0, 2)][: min(latent) - 1]
    width = PAGE / len(names)
    figure = new_figure(PAGE, min(width, 0.5 * PAGE) * len(pairs) + 0.7)
    grid = figure.subplots(len(pairs), len(names), squeeze=False, sharex=True, sharey="row")
    for panels, pair in zip(grid, pairs, strict=True):
        for k, panel in enumerate(panels):
            for other, (points, _) in enumerate(drawn):
                if other != k:
                    panel.scatter(
                        *points[:, pair].T, c=_BEHIND, s=1.5, linewidths=0, rasterized=True
                    )
            _project(panel, *drawn[k], pair, inches=width)
            panel.label_outer()
    _legend(figure, list(grid.flat), _joined(colorings))
    letter_panels(list(grid.flat), [*names, *[""] * (grid.size - len(names))])
    return figure


def _on_one_scale(colorings: Sequence[Coloring]) -> list[Coloring]:
    """Continuous colourings that share the limits of all of their values together."""
    whole = _joined(colorings)
    if whole.categories:
        return list(colorings)
    return [
        Coloring(c.quantity, c.unit, c.values, colormap=c.colormap, limits=whole.span)
        for c in colorings
    ]


def _joined(colorings: Sequence[Coloring]) -> Coloring:
    first = colorings[0]
    values = np.concatenate([coloring.values for coloring in colorings])
    return Coloring(
        first.quantity, first.unit, values, first.categories, first.colormap, first.limits
    )
