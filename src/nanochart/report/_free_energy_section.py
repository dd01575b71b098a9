"""The report's section on free energies."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nanochart.report._free_energy import draw_convergence, draw_gauges, draw_surface
from nanochart.report._page import FigureCard, Item, Missing, Section, Table

if TYPE_CHECKING:
    from nanochart.workflow._fes import FreeEnergies

__all__ = ["free_energy_section"]

_MOST = 10


def free_energy_section(found: Sequence["FreeEnergies"]) -> Section:
    """Surfaces, populations and the judged difference of biased runs along a chart."""
    text = (
        "Biased dynamics along the chart, weighted back to the unbiased ensemble. Errors are "
        "standard errors from blocks of time; a difference is called converged only where the two "
        "halves of the run agree, the walkers went back and forth, and the blocks are long enough."
    )
    if not found:
        return Section(
            "Free energies", text, (Missing("No biased run was given:", "nanochart bias CONFIG"),)
        )
    items: list[Item] = []
    for each in found:
        items += _items(each)
    return Section("Free energies", text, tuple(items))


def _items(found: "FreeEnergies") -> list[Item]:
    stem = found.run.removesuffix(".zarr")
    where = f"{found.temperature:g} K, {found.method}"
    surface = found.surface
    known = bool(np.isfinite(surface.error).any())
    caption = f"Free energy at {where} (eV above its minimum)"
    caption += (
        " and its standard error."
        if known
        else f"; its {surface.blocks.n} blocks are too few for an error."
    )
    if surface.dimension < 3:
        caption += " Names are the states with the largest share of a basin."
    if surface.dimension == 2 and found.path is not None:
        caption += (
            " The line is the path of least resistance between the two states compared below, the "
            "cross its highest point."
        )
    if surface.dimension == 2:
        caption += (
            " White was not seen; grey was seen, but lies outside of what the model was trained on."
        )
    items: list[Item] = [
        FigureCard(
            f"surface-{stem}",
            partial(draw_surface, found),
            caption,
            "Free-energy surface over the chart" + (", and its error." if known else "."),
            wide=known or surface.dimension == 3,
        )
    ]
    if found.geometric is not None and found.geometric.dimension == 2:
        items.append(
            FigureCard(
                f"gauge-{stem}",
                partial(draw_gauges, found, found.geometric),
                "The plain surface beside the geometric one, which does not depend on how the "
                "training has drawn the chart.",
                "Plain and gauge-invariant free-energy surfaces.",
            )
        )
    if found.convergence is not None:
        items.append(
            FigureCard(
                f"convergence-{stem}",
                partial(draw_convergence, found),
                f"The free-energy difference from growing shares of the run (95 % intervals): "
                f"{found.convergence.advice}."
                + (" Right: along the path." if found.path is not None else ""),
                "Free-energy difference in time.",
                wide=found.path is not None,
            )
        )
    p = found.populations
    order = sorted(range(len(found.states.names)), key=lambda k: -p.value[k])[:_MOST]
    rows = tuple(
        (
            found.states.names[k],
            f"{100 * p.value[k]:.2f}",
            f"{100 * p.low[k]:.2f} to {100 * p.high[k]:.2f}" if p.blocks.reliable else "unknown",
        )
        for k in order
        if p.value[k] > 0
    )
    caption = (
        f"Populations at {where}: {found.surface.effective:.0f} effective samples in "
        f"{p.blocks.n} blocks"
        + ("" if p.blocks.reliable else ", too few for an honest interval")
        + "."
    )
    items.append(Table(rows, ("state", "share / %", "95 % interval"), caption))
    return items
