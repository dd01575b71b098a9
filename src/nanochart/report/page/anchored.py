"""The section on free energies of motifs that are anchored near 0 K."""

import numpy as np

from nanochart.report.figures.anchored import AnchoredNumbers, anchored_cards
from nanochart.report.page.page import Item, Missing, Section, Table
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN, kelvin

__all__ = ["anchored_section"]


def anchored_section(found: AnchoredNumbers) -> Section:
    """Populations of motifs against temperature, and the differences of their free energies."""
    text = (
        "Each motif has a ladder of its own, whose replicas keep to the motif; the coldest rung is "
        "anchored in the harmonic vibrations of its lowest minima. The free energies do not need "
        "replicas that change from one motif to another. Intervals hold 95 %. A number is unknown, "
        "and not printed, where the ladder of its motif is not mixed."
    )
    items: list[Item] = list(anchored_cards(found))
    if found.differences:
        items.append(_table(found))
    items += [Missing(f"{each[:1].upper()}{each[1:]}.") for each in found.warnings]
    return Section("Anchored free energies", text, tuple(items))


def _table(found: AnchoredNumbers) -> Table:
    """Differences by each way that knows any, and joined where both do."""
    n = len(found.temperatures)
    both = any(np.any(each.known) for each in found.compared.values())
    columns = ["temperature"]
    for name in found.differences:
        columns += (
            [f"{name} by anchors", f"{name} by the ladder", f"{name} joined"] if both else [name]
        )
    rows = []
    for k, T in enumerate((*found.temperatures, *found.hotter)):
        row = [f"{kelvin(T)} K"]
        for name, own in found.differences.items():
            row.append(_words(own[k], float(T)) if k < n else "–")
            if both:
                row += [_words(each[name][k], float(T)) for each in (found.compared, found.joined)]
        if k < n or any(found.joined[name][k].known for name in found.differences):
            rows.append(tuple(row))
    caption = f"Free energy of motifs less that of {found.reference} (kT), with 95 % intervals."
    if both:
        caption += (
            " By anchors: from ladders that keep to one motif each. By the ladder: from the run, "
            "whose replicas change from one motif to another. Joined: both together, where they "
            "agree."
        )
    return Table(tuple(rows), tuple(columns), caption)


def _words(found: Estimate, temperature: float) -> str:
    """Value and interval in kT; no digits where nothing is known."""
    if not found.known:
        return "unknown"
    kT = BOLTZMANN * temperature
    value, low, high = (float(part) / kT for part in (found.value, found.low, found.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
