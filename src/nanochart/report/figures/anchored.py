"""Populations of motifs from anchored free energies."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nanochart.report.figures.style import (
    COLUMN,
    axis_label,
    category_colors,
    new_figure,
    styled,
)
from nanochart.report.page.page import FigureCard
from nanochart.statistics import Estimate

__all__ = ["anchored_cards", "anchored_populations_figure"]

Floats = NDArray[np.float64]


@styled
def anchored_populations_figure(
    temperatures: Floats, populations: Mapping[str, Estimate], harmonic: Mapping[str, Floats]
) -> Figure:
    """Draw the share of each motif at the rungs with its interval, and the harmonic one.

    Parameters
    ----------
    temperatures
        Of the rungs in K, (rung,).
    populations
        Share of each motif, (rung,).
    harmonic
        The same by harmonic superposition, (rung,).
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    names = list(populations)
    for name, color in zip(names, category_colors(names), strict=True):
        share = populations[name].scaled(100.0)
        known = np.asarray(share.known)
        panel.plot(temperatures, 100.0 * harmonic[name], color=color, lw=0.8, ls=(0, (4, 2)))
        if known.any():
            value, low, high = (
                np.asarray(part)[known] for part in (share.value, share.low, share.high)
            )
            panel.errorbar(
                temperatures[known], value, yerr=[value - low, high - value], color=color, lw=1.1,
                marker="o", ms=3.0, elinewidth=0.8, label=name,
            )  # fmt: skip
        else:
            panel.plot([], [], color=color, lw=0.8, ls=(0, (4, 2)), label=f"{name}, not known")
    panel.set_ylim(-3.0, 103.0)
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(axis_label("population", "%"))
    panel.legend(loc="best")
    return figure


def anchored_cards(
    temperatures: Floats, populations: Mapping[str, Estimate], harmonic: Mapping[str, Floats]
) -> list[FigureCard]:
    """Card of the populations; arguments are those of `anchored_populations_figure`."""
    return [
        FigureCard(
            "anchored-populations",
            partial(anchored_populations_figure, temperatures, populations, harmonic),
            "Share of each motif among these (%) against temperature (K), from ladders that keep "
            "to one motif each and are anchored in harmonic minima at the coldest rung. Bars: 95 % "
            "intervals; where there is no point, it is unknown. Dashed: the harmonic superposition "
            "of the minima that were found, which has no error bar.",
            "Lines of the population of each motif against temperature.",
        )
    ]
