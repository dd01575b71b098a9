"""The report's section on free energies."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nanochart.report.figures.free_energy import (
    draw_convergence,
    draw_gauges,
    draw_surface,
    draws_path,
    knows_difference,
)
from nanochart.report.page.page import FigureCard, Item, Missing, Section, Table
from nanochart.report.page.run_results import method_words
from nanochart.statistics import Estimate

if TYPE_CHECKING:
    from nanochart.free_energy import FreeEnergies

__all__ = ["free_energy_section"]

_MOST = 10


def free_energy_section(found: Sequence["FreeEnergies | str"]) -> Section:
    """Surfaces, populations and the judged difference of biased runs along a chart."""
    text = (
        "Biased dynamics along the chart, weighted back to the unbiased ensemble. Intervals hold "
        "95 %: they come from blocks of the walkers' time and from what smoothing may have "
        "changed. A number is unknown, and not printed, where the walkers hardly mix, or visited a "
        "state too seldom."
    )
    if not found:
        return Section(
            "Free energies", text, (Missing("No biased run was given:", "nanochart bias CONFIG"),)
        )
    items: list[Item] = []
    for each in found:
        items += (
            [Missing(f"{each}.", "nanochart fes RUN")] if isinstance(each, str) else _items(each)
        )
    return Section("Free energies", text, tuple(items))


def _items(found: "FreeEnergies") -> list[Item]:
    stem = found.run.removesuffix(".zarr")
    where = f"{found.temperature:g} K, {method_words(found.method)}"
    surface = found.surface
    known = not surface.why
    if known:
        errors = {
            1: "band: 95 % interval, dotted where it is unknown",
            2: "b: its standard error",
        }.get(surface.dimension, "")
        caption = f"Free energy at {where} (eV above its minimum){errors and f'; {errors}'}."
    else:
        caption = (
            f"Where the walkers were at {where}, by the weight of their frames. The free energy is "
            f"unknown: {surface.why}."
        )
    if surface.dimension < 3:
        caption += " Names are the states with the largest share of a basin."
    if surface.dimension == 2 and found.path is not None and draws_path(found):
        caption += " The line is the path of least resistance between the two states compared below"
        caption += ", the cross its highest point." if found.path.saddle is not None else "."
    if surface.dimension == 3:
        caption += " Each panel has the third variable summed out."
    if surface.dimension == 2:
        caption += (
            f" White was not seen{', or too seldom to be known' if known else ''}; grey was seen, "
            "but lies outside of what the model was trained on."
        )
    items: list[Item] = [
        FigureCard(
            f"surface-{stem}",
            partial(draw_surface, found),
            caption,
            "Free-energy surface over the chart, and its error."
            if known
            else "Map of where the walkers were in the chart.",
            wide=known or surface.dimension == 3,
        )
    ]
    if found.geometric is not None and found.geometric.dimension == 2:
        items.append(
            FigureCard(
                f"gauge-{stem}",
                partial(draw_gauges, found, found.geometric),
                "The plain surface (a) beside the geometric one (b), which does not depend on how "
                "the training has drawn the chart.",
                "Plain and gauge-invariant free-energy surfaces.",
            )
        )
    if found.growth is not None and knows_difference(found):
        both = draws_path(found)
        items.append(
            FigureCard(
                f"convergence-{stem}",
                partial(draw_convergence, found),
                "The free-energy difference from growing shares of the run, with 95 % intervals, "
                f"where it is known ({found.growth.changes} lasting changes between the two states "
                "in all walkers)." + (" b: free energy along the path." if both else ""),
                "Free-energy difference in time.",
                wide=both,
            )
        )
    shares, names = found.populations.shares, found.states.names
    order = sorted(range(len(names)), key=lambda k: -float(shares.value[k]))[:_MOST]
    rows = tuple((names[k], *_share(shares[k])) for k in order if shares.value[k] > 0)
    caption = (
        f"Populations at {where}, by the {found.states.definition}: {found.populations.verdict}."
    )
    if np.any(shares.known):
        items.append(Table(rows, ("state", "share / %", "95 % interval"), caption))
    else:
        seen = ", ".join(name for name, *_ in rows)
        items.append(Missing(f"{caption} Seen, with a share that is unknown: {seen}."))
    return items


def _share(share: Estimate) -> tuple[str, str]:
    """Share and interval in %; no digits where nothing is known."""
    if not share.known:
        return "unknown", "unknown"
    return (
        f"{100 * float(share.value):.2f}",
        f"{100 * float(share.low):.2f} to {100 * float(share.high):.2f}",
    )
