"""Thermodynamics of a ladder: caloric curve, heat capacity with its peak, populations."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nanochart.report.figures.style import (
    COLUMN,
    INK,
    MUTED,
    OKABE_ITO,
    axis_label,
    category_colors,
    new_figure,
    styled,
)
from nanochart.report.page.page import FigureCard
from nanochart.statistics import Estimate
from nanochart.tempering import Thermodynamics
from nanochart.units import BOLTZMANN

__all__ = [
    "heat_capacity_curve",
    "population_curves",
    "reweighted_caloric_curve",
    "thermodynamics_cards",
]


@styled
def reweighted_caloric_curve(result: Thermodynamics, *, reference: float = 0.0) -> Figure:
    """Draw the mean potential energy against temperature: the MBAR band and the plain means.

    Parameters
    ----------
    result
        Of a ladder.
    reference
        Energy in eV that is called zero.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    _band(panel, result, result.energy.scaled(1.0, -reference), OKABE_ITO["blue"], "MBAR")
    rung = result.rung_energy.scaled(1.0, -reference)
    known = np.asarray(rung.known)
    panel.errorbar(
        result.ladder[known],
        rung.value[known],
        yerr=np.stack([rung.value - rung.low, rung.high - rung.value])[:, known],
        ls="none",
        marker="o",
        mfc="white",
        mew=0.8,
        ms=3.0,
        elinewidth=0.8,
        color=INK,
        label="the rungs" if known.any() else None,
    )
    panel.set_xlabel(axis_label("temperature", "K"))
    symbol = r"\langle E\rangle" + ("-E_0" if reference else "")
    panel.set_ylabel(axis_label(f"mean energy ${symbol}$", "eV"))
    zero = f"$E_0$ = {reference:.2f} eV".replace("-", "−") if reference else None
    panel.legend(loc="upper left", title=zero, title_fontsize=7, alignment="left")
    return figure


@styled
def heat_capacity_curve(result: Thermodynamics, n_atoms: int) -> Figure:
    """Draw the heat capacity per atom in units of k, with the melting temperature.

    Parameters
    ----------
    result
        Of a ladder.
    n_atoms
        Atoms of the cluster.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    per_atom = result.heat_capacity.scaled(1.0 / (n_atoms * BOLTZMANN))
    _band(panel, result, per_atom, OKABE_ITO["vermillion"], "MBAR")
    # All 3N momenta have their k/2, for the thermostat lets the cluster move and turn; of the
    # positions the 3N - 6 vibrations, for the sphere leaves place and orientation free.
    harmonic = 3.0 - 3.0 / n_atoms
    panel.axhline(
        harmonic,
        color=MUTED,
        ls=(0, (4, 2)),
        lw=0.9,
        label=f"harmonic, $(3-3/N)\\,k$ = {harmonic:.2f} $k$",
    )
    melting = result.melting_temperature
    if melting.known:
        low, high = float(melting.low), float(melting.high)
        panel.axvspan(low, high, color=OKABE_ITO["sky"], alpha=0.3, lw=0, zorder=0)
        panel.axvline(
            float(melting.value),
            color=OKABE_ITO["blue"],
            lw=0.8,
            label=f"peak, {_kelvin(melting)}",
        )
    panel.vlines(
        result.ladder, 0.0, 0.025, transform=panel.get_xaxis_transform(), color=MUTED, lw=0.6
    )
    panel.set_ylim(top=panel.get_ylim()[1] + 0.35 * np.ptp(panel.get_ylim()))
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(axis_label("heat capacity per atom", "$k$"))
    panel.legend(loc="upper left")
    return figure


@styled
def population_curves(result: Thermodynamics) -> Figure:
    """Draw the share of each label against temperature, with its band.

    Parameters
    ----------
    result
        Of a ladder whose frames are labelled.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    names = list(result.populations)
    for name, color in zip(names, category_colors(names), strict=True):
        _band(panel, result, result.populations[name].scaled(100.0), color, name)
    panel.set_ylim(0.0, 100.0)
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(axis_label("population", "%"))
    panel.legend(loc="best")
    return figure


def thermodynamics_cards(
    result: Thermodynamics, n_atoms: int, reference: float = 0.0
) -> list[FigureCard]:
    """Cards of heat capacity, caloric curve and, where frames are labelled, populations."""
    notes = "".join(f" {w[0].upper()}{w[1:]}." for w in result.warnings)
    melting = result.melting_temperature
    if melting.known:
        peak = f"Its peak, the melting temperature, is at {_kelvin(melting)}"
        interval = ", the 95 % interval shaded"
    else:
        peak, interval = "The melting temperature is unknown", ""
    blocks = (
        "Bands: 95 % intervals. Dotted, without a band: what was sampled, of which too little is "
        "independent to know it."
    )
    cards = [
        FigureCard(
            "heat-capacity",
            partial(heat_capacity_curve, result, n_atoms),
            "Heat capacity per atom (k) against temperature (K), from the energies of all "
            f"temperatures by MBAR; ticks: the ladder. {peak}{interval}. Dashed: a harmonic "
            "cluster that moves and turns freely, k/2 for each of 3N momenta and 3N - 6 "
            f"vibrations. {blocks}{notes}",
            f"Curve of the heat capacity against temperature. {peak}.",
            wide=False,
        ),
        FigureCard(
            "caloric-curve-mbar",
            partial(reweighted_caloric_curve, result, reference=reference),
            "Mean potential energy (eV) against temperature (K) from all temperatures together; "
            f"circles: the means at the rungs alone, bars: their 95 % intervals. {blocks}",
            "Curve of the mean potential energy against temperature, with the means of the rungs.",
            wide=False,
        ),
    ]
    if any(np.any(p.known) for p in result.populations.values()):
        cards.append(
            FigureCard(
                "populations",
                partial(population_curves, result),
                f"Share of frames of each class (%) against temperature (K), by MBAR. {blocks}",
                "Curves of the populations of " + ", ".join(result.populations) + ".",
                wide=False,
            )
        )
    return cards


def _band(panel: Axes, result: Thermodynamics, y: Estimate, color: str, label: str) -> None:
    """A line with its interval where it is known, and dotted where it is not."""
    known = np.asarray(y.known)
    low, high = (np.where(known, end, np.nan) for end in (y.low, y.high))
    panel.fill_between(result.temperatures, low, high, color=color, alpha=0.22, lw=0)
    if not known.all():
        panel.plot(result.temperatures, y.value, color=color, lw=0.8, ls=":",
                   label=None if known.any() else f"{label}, not known")  # fmt: skip
    if known.any():
        panel.plot(result.temperatures, np.where(known, y.value, np.nan), color=color, lw=1.1,
                   label=label)  # fmt: skip


def _kelvin(estimate: Estimate) -> str:
    return f"{estimate.value:.0f} K ({estimate.low:.0f} to {estimate.high:.0f} K)"
