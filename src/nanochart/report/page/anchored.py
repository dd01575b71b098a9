"""The section on free energies of motifs that are anchored near 0 K."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.report.figures.anchored import anchored_cards
from nanochart.report.page.page import Item, Missing, Section, Table
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN, kelvin

__all__ = ["AnchoredNumbers", "anchored_section"]

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
        Share of each motif among these, (rung,).
    harmonic
        The same by harmonic superposition, (rung,).
    warnings
        What is not known, and why.
    """

    temperatures: Floats
    reference: str
    differences: Mapping[str, Estimate]
    populations: Mapping[str, Estimate]
    harmonic: Mapping[str, Floats]
    warnings: tuple[str, ...] = ()


def anchored_section(found: AnchoredNumbers) -> Section:
    """Populations of motifs against temperature, and the differences of their free energies."""
    text = (
        "Each motif has a ladder of its own, whose replicas keep to the motif; the coldest rung is "
        "anchored in the harmonic vibrations of its lowest minima. The free energies do not need "
        "replicas that change from one motif to another. Intervals hold 95 %. A number is unknown, "
        "and not printed, where the ladder of its motif is not mixed."
    )
    items: list[Item] = [*anchored_cards(found.temperatures, found.populations, found.harmonic)]
    if found.differences:
        rows = tuple(
            (
                f"{kelvin(T)} K",
                *(_words(each[k], float(T)) for each in found.differences.values()),
            )
            for k, T in enumerate(found.temperatures)
        )
        caption = f"Free energy of motifs less that of {found.reference} (kT), with 95 % intervals."
        items.append(Table(rows, ("temperature", *found.differences), caption))
    items += [Missing(f"{each[:1].upper()}{each[1:]}.") for each in found.warnings]
    return Section("Anchored free energies", text, tuple(items))


def _words(found: Estimate, temperature: float) -> str:
    """Value and interval in kT; no digits where nothing is known."""
    if not found.known:
        return "unknown"
    kT = BOLTZMANN * temperature
    value, low, high = (float(part) / kT for part in (found.value, found.low, found.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
