"""The section on the minima below the sampled configurations."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.report.figures.energies import energy_map, inherent_energy_curve
from nanochart.report.page.page import FigureCard, Gallery, Item, Missing, Section
from nanochart.report.page.run_data import RunData
from nanochart.report.structures.pictures import Cluster, draw_clusters

__all__ = ["inherent_section", "number"]

_N_LOWEST = 4
# Minima closer than this in energy (eV) are taken for the same one in the gallery.
_SAME_MINIMUM = 1e-2


def number(value: float, digits: int = 2) -> str:
    """Write a number with a real minus sign and thin groups of thousands."""
    return f"{value:,.{digits}f}".replace(",", " ").replace("-", "−")


def inherent_section(run: RunData, picture_size: int) -> Section:
    """Which minima lie below the sampled configurations."""
    title = "Inherent structures"
    text = (
        "Each configuration is quenched to the minimum of the basin that it lies in, its inherent "
        "structure: thermal motion is removed and what remains is the structure itself."
    )
    energies = run.inherent_energy
    if energies is None:
        return Section(
            title, text, (Missing("These frames are not quenched yet:", "nanochart quench RUN"),)
        )
    items: list[Item] = [*_gallery(run, picture_size)]
    means = run.results.inherent_energies
    rows = (
        "at each temperature (K), one row each; the shade is the share of that temperature's "
        "frames in a bin, on a square-root scale."
    )
    if means is not None and len(means.temperatures) == 1:
        rows = f"at {means.temperatures[0]:g} K."
    if run.temperature is not None and run.paired(energies):
        items += [
            FigureCard(
                "inherent-energy-map",
                partial(
                    energy_map,
                    energies,
                    run.temperature,
                    reference=run.reference,
                    marks={
                        **run.references,
                        **({} if run.references else {"lowest": run.reference}),
                    },
                ),
                f"Energies of the inherent structures (eV, above the lowest found) {rows} Dotted "
                "lines: known structures.",
                "Share of frames by inherent energy and temperature.",
            )
        ]
    if means is not None and len(means.temperatures) > 1:  # else there is no curve
        items.append(
            FigureCard(
                "inherent-energy",
                partial(inherent_energy_curve, means, reference=run.reference),
                "Mean energy of the inherent structures (eV, above the lowest found) against the "
                "temperature (K) of the configurations; bars: 95 % intervals where they are known, "
                "the band holds the middle 80 % of the structures that were sampled.",
                "Mean inherent energy against temperature, with the band of the middle 80 percent.",
                wide=False,
            )
        )
    return Section(title, text + _convergence(run), tuple(items))


def _convergence(run: RunData) -> str:
    if run.converged is None:
        return ""
    quenched = int((run.converged >= 0).sum())
    failed = int((run.converged == 0).sum())
    if not failed:
        return f" All {quenched} quenches reached their tolerance."
    frames = np.argwhere(run.converged == 0)[:5]
    named = ", ".join(f"frame {f} of {run.trajectory} {k}" for f, k in frames)
    more = " and others" if failed > len(frames) else ""
    return f" {failed} of {quenched} quenches did not reach their tolerance: {named}{more}."


def _gallery(run: RunData, picture_size: int) -> list[Item]:
    """Draw the lowest minima found, and the lowest one that each start motif led to."""
    items: list[Item] = []
    lowest = [Cluster(f"minimum {k + 1}", *found) for k, found in enumerate(_lowest(run))]
    if lowest:
        items.append(
            Gallery(
                partial(draw_clusters, lowest, run.element, size=picture_size),
                "The lowest minima found that differ in energy by more than "
                f"{1e3 * _SAME_MINIMUM:.0f} meV, along the direction to which most bonds are "
                "parallel. Energies relative to the lowest one, at "
                f"{number(run.reference, 4)} eV.",
            )
        )
    names = list(dict.fromkeys(run.motifs))
    if len(names) > 1:
        started = np.array(run.motifs)
        clusters = []
        for name in names:
            here = np.broadcast_to(started == name, (run.n_frames, run.n_replicas))
            found = _describe(run, run.lowest(here))
            if found:
                clusters.append(Cluster(f"from the {name}", *found))
        if clusters:
            items.append(
                Gallery(
                    partial(draw_clusters, clusters, run.element, size=picture_size),
                    f"The lowest minimum that the {run.trajectory}s of each start motif reached; "
                    "they may have left that motif long before. Energies relative to the lowest of "
                    "all.",
                )
            )
    return items


def _lowest(run: RunData) -> list[tuple[NDArray[Any], str]]:
    found: list[tuple[NDArray[Any], str]] = []
    energies = run.inherent_energy
    if energies is None:
        return found
    allowed = np.isfinite(energies)
    for _ in range(_N_LOWEST):
        place = run.lowest(allowed)
        described = _describe(run, place)
        if place is None or described is None:
            break
        found.append(described)
        allowed &= energies > energies[place] + _SAME_MINIMUM
    return found


def _describe(run: RunData, place: tuple[int, int] | None) -> tuple[NDArray[Any], str] | None:
    positions = None if place is None else run.structure(*place)
    if place is None or positions is None or run.inherent_energy is None:
        return None
    note = f"+{number(float(run.inherent_energy[place]) - run.reference, 3)} eV"
    if run.temperature is not None and np.isfinite(run.temperature[place]):
        note += f", seen at {run.temperature[place]:.0f} K"
    return positions, note
