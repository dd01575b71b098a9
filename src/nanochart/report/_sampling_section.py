"""The sections on sampling and on inherent structures."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.report._energies import (
    caloric_curve,
    energy_distributions,
    energy_map,
    inherent_energy_curve,
)
from nanochart.report._exchange import TARGET_ACCEPTANCE, exchange_acceptance, temperature_walks
from nanochart.report._page import FigureCard, Gallery, Item, Missing, Section
from nanochart.report._pictures import Cluster, draw_clusters
from nanochart.report._run_data import RunData
from nanochart.report._statistics import acceptance, round_trips

__all__ = ["inherent_section", "number", "sampling_section"]

_N_LOWEST = 4
# Minima closer than this in energy (eV) are taken for the same one in the gallery.
_SAME_MINIMUM = 1e-2


def number(value: float, digits: int = 2) -> str:
    """Write a number with a real minus sign and thin groups of thousands."""
    return f"{value:,.{digits}f}".replace(",", " ").replace("-", "−")


def sampling_section(run: RunData, picture_size: int) -> Section:
    """Show by exchange, walks and energies how the ladder was sampled."""
    title = "Sampling"
    if not run.n_frames:
        return Section(
            title, "No frames are stored yet.", (Missing("Sample with", "nanochart sample CONFIG"),)
        )
    cards = [*_exchange_cards(run), *_energy_cards(run)]
    # Column-wide figures first, so that they stand in pairs.
    items = [*_starts(run, picture_size), *sorted(cards, key=lambda card: card.wide)]
    if run.is_imported:
        text = "The frames come from another program; what it recorded of them is shown here."
    else:
        text = (
            "Parallel tempering: every walker is a trajectory that moves up and down a ladder of "
            "temperatures, and neighbours on the ladder exchange by the Metropolis criterion."
        )
    unknown = Missing("Temperatures and energies of these frames are not known.")
    return Section(title, text, tuple(items) or (unknown,))


def _starts(run: RunData, picture_size: int) -> list[Item]:
    given = run.metadata.get("start_structures") or {}
    clusters = [Cluster(f"start: {name}", np.asarray(x, float)) for name, x in given.items()]
    if not clusters:
        return []
    draw = partial(draw_clusters, clusters, run.element, size=picture_size)
    return [Gallery(draw, "The structures that the walkers started from, all at one scale.")]


def _exchange_cards(run: RunData) -> list[FigureCard]:
    cards = []
    outcome = run.values("exchange_accepted")
    if outcome is not None and run.ladder is not None and len(run.ladder) == outcome.shape[1] + 1:
        result = acceptance(outcome)
        share = 100.0 * result.share[np.isfinite(result.share)]
        low, high = (100 * x for x in TARGET_ACCEPTANCE)
        below = int((share < low).sum())
        cards.append(
            FigureCard(
                "exchange-acceptance",
                partial(exchange_acceptance, outcome, run.ladder),
                f"Accepted exchanges of the {share.size} neighbouring pairs, each drawn between "
                f"its two temperatures (K): median {np.median(share):.0f} %, lowest "
                f"{share.min():.0f} %; {below or 'none'} of them below the target band of "
                f"{low:.0f}–{high:.0f} %. Bars: 68 % interval of {int(result.attempts.sum())} "
                "attempts in all.",
                "Acceptance of exchanges in percent against the temperatures of each neighbouring "
                f"pair, between {share.min():.0f} and {share.max():.0f} percent.",
                wide=False,
            )
        )
    if run.temperature is not None and run.values("rung") is not None and run.n_frames > 1:
        trips = round_trips(run.dataset["rung"].values)
        time, unit = run.time
        cards.append(
            FigureCard(
                "temperature-walks",
                partial(
                    temperature_walks,
                    run.temperature,
                    time=time,
                    time_unit=unit,
                    motifs=run.motifs,
                ),
                f"Temperature (K) of a few walkers against time ({unit}); faint lines are the "
                f"rungs of the ladder. {_trips(trips)}",
                "Step curves of the temperatures that a few walkers visit over time.",
            )
        )
    return cards


def _trips(trips: NDArray[Any]) -> str:
    if not trips.any():
        return f"None of the {trips.size} walkers made a round trip between its ends."
    return (
        f"The {trips.size} walkers together made {trips.sum()} round trips between its ends; "
        f"{int((trips > 0).sum())} of them made at least one."
    )


def _energy_cards(run: RunData) -> list[FigureCard]:
    if run.energy is None or run.temperature is None or not _paired(run, run.energy):
        return []
    unit = "eV, above the lowest minimum found" if run.reference else "eV"
    harmonic = " Dashed: a harmonic solid in that minimum." if run.reference else ""
    return [
        FigureCard(
            "caloric-curve",
            partial(
                caloric_curve,
                run.energy,
                run.temperature,
                reference=run.reference,
                n_atoms=run.n_atoms if run.reference else None,
            ),
            f"Mean potential energy ({unit}) against temperature (K). Errors: scatter of ten "
            "blocks in time; they are too small where the run is shorter than its slowest "
            f"relaxation.{harmonic}",
            "Curve of the mean potential energy against temperature, with error bars.",
            wide=False,
        ),
        FigureCard(
            "energy-distributions",
            partial(energy_distributions, run.energy, run.temperature, reference=run.reference),
            f"Distribution of the potential energy ({unit}) at each temperature. "
            "Neighbouring curves must overlap for exchanges to be accepted; two humps in one curve "
            "are two coexisting states.",
            "Smoothed histograms of the potential energy, one per temperature, moving to higher "
            "energy with temperature.",
        ),
    ]


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
    if run.temperature is not None and _paired(run, energies):
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
                "Energies of the inherent structures (eV, above the lowest found) at each "
                "temperature (K), one row each; the shade is the share of that temperature's "
                "frames in a bin, on a square-root scale. Dotted lines: known structures.",
                "Map of the share of frames by inherent energy and temperature.",
            ),
            FigureCard(
                "inherent-energy",
                partial(inherent_energy_curve, energies, run.temperature, reference=run.reference),
                "Mean energy of the inherent structures (eV, above the lowest found) against the "
                "temperature (K) of the configurations; errors from ten blocks in time, the band "
                "holds the middle 80 % of the structures.",
                "Mean inherent energy against temperature, with the band of the middle 80 percent.",
                wide=False,
            ),
        ]
    return Section(title, text + _convergence(run), tuple(items))


def _paired(run: RunData, energies: NDArray[Any]) -> bool:
    """Whether any configuration has both this energy and a temperature."""
    if run.temperature is None:
        return False
    return bool((np.isfinite(energies) & np.isfinite(run.temperature)).any())


def _convergence(run: RunData) -> str:
    if run.converged is None:
        return ""
    quenched = int((run.converged >= 0).sum())
    failed = int((run.converged == 0).sum())
    if not failed:
        return f" All {quenched} quenches reached their tolerance."
    frames = np.argwhere(run.converged == 0)[:5]
    named = ", ".join(f"frame {f} of walker {w}" for f, w in frames)
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
        walker_motif = np.array(run.motifs)
        clusters = []
        for name in names:
            here = np.broadcast_to(walker_motif == name, (run.n_frames, run.n_replicas))
            found = _describe(run, run.lowest(here))
            if found:
                clusters.append(Cluster(f"from the {name}", *found))
        if clusters:
            items.append(
                Gallery(
                    partial(draw_clusters, clusters, run.element, size=picture_size),
                    "The lowest minimum that the walkers of each start motif reached; they may "
                    "have left that motif long before. Energies relative to the lowest of all.",
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
