"""Free energies and populations of motifs that are anchored near 0 K."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from nanochart.shown import short_repr
from nanochart.statistics import Estimate

__all__ = [
    "AnchoredNumbers",
    "anchored_cards",
    "anchored_differences_figure",
    "anchored_populations_figure",
]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class AnchoredNumbers:
    """What is shown of anchored free energies.

    Attributes
    ----------
    temperatures
        Of the rungs in K, (rung,).
    reference
        Motif whose free energy the others are compared with.
    differences
        Free energy of each other motif less that of the reference in eV, (rung,).
    populations
        Share of each motif among these from the joined differences, (temperature,).
    harmonic
        The same by harmonic superposition, (rung,).
    hotter
        Temperatures in K above these to which the ladder of the run itself goes, (hotter,).
    compared
        The differences in eV by that ladder, at the rungs and the hotter temperatures.
    joined
        The differences in eV by both together, at all of these.
    warnings
        What is not known, and why.
    """

    temperatures: Floats
    reference: str
    differences: Mapping[str, Estimate]
    populations: Mapping[str, Estimate]
    harmonic: Mapping[str, Floats]
    hotter: Floats
    compared: Mapping[str, Estimate]
    joined: Mapping[str, Estimate]
    warnings: tuple[str, ...] = ()


@styled
def anchored_populations_figure(found: AnchoredNumbers) -> Figure:
    """Draw the share of each motif with its interval, and the harmonic one."""
    temperatures = np.concatenate([found.temperatures, found.hotter])
    populations = found.populations
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    names = list(populations)
    for name, color in zip(names, category_colors(names), strict=True):
        share = populations[name].scaled(100.0)
        known = np.asarray(share.known)
        superposed = 100.0 * found.harmonic[name]
        panel.plot(found.temperatures, superposed, color=color, lw=0.8, ls=(0, (4, 2)))
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


@styled
def anchored_differences_figure(found: AnchoredNumbers) -> Figure:
    """Draw the free energy of each motif less that of the first, by both ways.

    In eV, and not in kT, by which the coldest rungs would hide all bars of the others.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    all_temperatures = np.concatenate([found.temperatures, found.hotter])
    names = list(found.differences)
    for name, color in zip(names, category_colors([found.reference, *names])[1:], strict=True):
        ways = (
            (found.temperatures, found.differences[name], {"marker": "o", "lw": 1.1}, color),
            (all_temperatures, found.compared[name], {"marker": "s", "ls": "none"}, "white"),
        )
        for T, each, look, face in ways:
            known = np.asarray(each.known)
            value, low, high = (
                np.asarray(part)[known] for part in (each.value, each.low, each.high)
            )
            panel.errorbar(
                T[known], value, yerr=[value - low, high - value], color=color, mfc=face, ms=3.2,
                elinewidth=0.8, **look,
            )  # fmt: skip
        panel.plot([], [], color=color, lw=1.1, label=name)
    panel.axhline(0.0, color="0.6", lw=0.6, zorder=0)
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(axis_label(f"free energy less that of {found.reference}", "eV"))
    panel.legend(loc="best")
    return figure


def anchored_cards(found: AnchoredNumbers) -> list[FigureCard]:
    """Cards of the populations, and of the differences where there is more than one motif."""
    cards = [
        FigureCard(
            "anchored-populations",
            partial(anchored_populations_figure, found),
            "Share of each motif among these (%) against temperature (K), from ladders that keep "
            "to one motif each and are anchored in harmonic minima at the coldest rung, joined "
            "with the ladder of the run where that tells. Bars: 95 % intervals; where there is no "
            "point, it is unknown. Dashed: the harmonic superposition "
            "of the minima that were found, which has no error bar.",
            "Lines of the population of each motif against temperature.",
        )
    ]
    if any(np.any(each.known) for each in (*found.differences.values(), *found.compared.values())):
        cards.append(
            FigureCard(
                "anchored-differences",
                partial(anchored_differences_figure, found),
                f"Free energy of each motif less that of {found.reference} (eV) against "
                "temperature (K). Circles: from the anchored ladders, each of which keeps to its "
                "motif. Open squares: from the ladder of the run, whose replicas change from one "
                "motif to another. Bars: 95 % intervals; what is unknown is not drawn.",
                "Points of the free energy differences of motifs against temperature.",
            )
        )
    return cards
