"""Shares of motifs and families at the rungs of a ladder."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanochart.report.figures.style import (
    COLUMN,
    PAGE,
    axis_label,
    category_colors,
    new_figure,
    styled,
)
from nanochart.statistics import Estimate

__all__ = ["MOTIF_WORDS", "population_panel", "populations_figure"]

#: What motifs are called where there is room for a word.
MOTIF_WORDS = {
    "dh": "decahedra",
    "ih": "icosahedra",
    "fcc": "fcc",
    "twin": "twins",
    "mix": "mixed",
    "amorphous": "amorphous",
}


@styled
def populations_figure(
    ladder: NDArray[Any], found: Estimate, rows: list[int], names: list[str]
) -> Figure:
    """Draw shares with their intervals against temperature; see `population_panel`."""
    figure = new_figure(COLUMN if len(names) <= 6 else 0.62 * PAGE, 2.6)
    panel = figure.add_subplot()
    population_panel(panel, ladder, found, rows, names)
    return figure


def population_panel(
    panel: Axes, ladder: NDArray[Any], found: Estimate, rows: list[int], names: list[str]
) -> None:
    """Draw the shares of some labels (%) against the temperatures of a ladder (K).

    Parameters
    ----------
    panel
        Where.
    ladder
        Temperatures in K, (rung,).
    found
        Shares with their intervals (label, rung).
    rows, names
        Which labels, and what they are called.
    """
    for row, name, color in zip(rows, names, category_colors(names), strict=True):
        value, known = 100.0 * found.value[row], np.asarray(found.known[row])
        panel.plot(ladder, value, color=color, lw=0.8, ls="-" if known.all() else ":")
        panel.plot(ladder[~known], value[~known], "o", color=color, mfc="white", ms=2.2, mew=0.6)
        bars = 100.0 * np.stack(
            [found.value[row] - found.low[row], found.high[row] - found.value[row]]
        )
        panel.errorbar(
            ladder[known],
            value[known],
            bars[:, known],
            color=color,
            ls="none",
            elinewidth=0.7,
            marker="o",
            ms=2.2,
        )
        panel.plot([], [], "o-", color=color, lw=1.0, ms=2.2, label=MOTIF_WORDS.get(name, name))
    panel.set_ylim(0.0, None)
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(axis_label("population", "%"))
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
