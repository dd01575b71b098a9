"""The section on how the ladder was sampled."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.report._energies import caloric_curve, energy_distributions
from nanochart.report._exchange import (
    TARGET_ACCEPTANCE,
    exchange_acceptance,
    ladder_mixing,
    temperature_walks,
)
from nanochart.report._page import FigureCard, Gallery, Item, Missing, Section
from nanochart.report._pictures import Cluster, draw_clusters
from nanochart.report._run_data import RunData
from nanochart.report._thermodynamics import thermodynamics_cards
from nanochart.tempering import (
    Ladder,
    LadderDiagnostics,
    acceptance,
    diagnose_ladder,
    ideal_round_trip_time,
    ladder_findings,
    ladder_summary,
    round_trips,
)

__all__ = ["sampling_section"]


def sampling_section(run: RunData, picture_size: int) -> Section:
    """Show by exchange, walks and energies how the ladder was sampled."""
    title = "Sampling"
    if not run.n_frames:
        return Section(
            title, "No frames are stored yet.", (Missing("Sample with", "nanochart sample CONFIG"),)
        )
    diagnostics = _diagnostics(run)
    cards = [*_exchange_cards(run), *_mixing_card(diagnostics), *_energy_cards(run)]
    found = _thermo_cards(run)
    if found:  # its caloric curve takes the place of the plain one
        cards = [*(card for card in cards if card.name != "caloric-curve"), *found]
    # Column-wide figures first, so that they stand in pairs.
    items = [*_starts(run, picture_size), *sorted(cards, key=lambda card: card.wide)]
    if run.is_imported:
        text = "The frames come from another program; what it recorded of them is shown here."
    else:
        text = (
            "Parallel tempering: every walker is a trajectory that moves up and down a ladder of "
            "temperatures, and neighbours on the ladder exchange by the Metropolis criterion."
        )
    text = f"{_verdict(run, diagnostics)}{text}"
    unknown = Missing("Temperatures and energies of these frames are not known.")
    return Section(title, text, tuple(items) or (unknown,))


def _diagnostics(run: RunData) -> LadderDiagnostics | None:
    """What the run says about its ladder; None where it has none or rungs are not recorded."""
    rungs, outcome = run.rungs, run.exchanges
    if rungs is None or run.ladder is None or len(run.ladder) < 2 or run.n_frames < 2:
        return None
    whole = (rungs >= 0).all(axis=1)
    if outcome is not None:
        outcome = outcome[whole] if outcome.shape[1:] == (len(run.ladder) - 1,) else None
    energy = None if run.energy is None else run.energy[whole]
    ladder = Ladder(tuple(float(t) for t in run.ladder))
    return diagnose_ladder(ladder, rungs[whole], energy, outcome)


def _thermo_cards(run: RunData) -> list[FigureCard]:
    """Heat capacity and caloric curve; none where the ladder is too short or has a gap."""
    found = run.metadata.get("thermodynamics")
    if found is None:
        return []
    return thermodynamics_cards(found, run.n_atoms, run.reference)


def _frame_time(run: RunData) -> float | None:
    """Time between frames in ns."""
    time, unit = run.time
    return float(np.median(np.diff(time))) if unit == "ns" and time.size > 1 else None


def _verdict(run: RunData, diagnostics: LadderDiagnostics | None) -> str:
    """Say what is wrong with the ladder, or that nothing is."""
    if diagnostics is None:
        return ""
    findings = ladder_findings(diagnostics, _frame_time(run))
    summary = ladder_summary(diagnostics, _frame_time(run))
    if findings:
        return f"{' '.join(findings)} {summary} "
    return f"The ladder is connected, mixed and equilibrated. {summary} "


def _mixing_card(diagnostics: LadderDiagnostics | None) -> list[FigureCard]:
    if diagnostics is None:
        return []
    ideal = np.inf
    if diagnostics.acceptance is not None:
        ideal = ideal_round_trip_time(diagnostics.acceptance.share)
    known = np.isfinite(ideal) and np.isfinite(diagnostics.trips.time)
    times = (
        f" One takes {diagnostics.trips.time:.0f} frames on average; the exchanges alone would "
        f"need {ideal:.0f}."
        if known
        else ""
    )
    return [
        FigureCard(
            "ladder-mixing",
            partial(ladder_mixing, diagnostics),
            "How the ladder mixes. a: share of the walkers at each temperature (K) that last "
            "visited the top end rather than the bottom; a step is a place that walkers do not "
            f"pass. b: round trips between the ends of each walker.{times} c: common area of the "
            "energy distributions of neighbours. d: stored frames per independent frame, of the "
            "energy along each temperature, and along each walker relative to its temperature.",
            "Four panels against temperature or walker: replica flow, round trips, overlap of "
            "neighbouring energy distributions, and statistical inefficiency of the energy.",
        )
    ]


def _starts(run: RunData, picture_size: int) -> list[Item]:
    given = run.metadata.get("start_structures") or {}
    clusters = [Cluster(f"start: {name}", np.asarray(x, float)) for name, x in given.items()]
    if not clusters:
        return []
    draw = partial(draw_clusters, clusters, run.element, size=picture_size)
    return [Gallery(draw, "The structures that the walkers started from, all at one scale.")]


def _exchange_cards(run: RunData) -> list[FigureCard]:
    cards = []
    outcome = run.exchanges
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
    if run.temperature is not None and run.rungs is not None and run.n_frames > 1:
        trips = round_trips(np.maximum(run.rungs, 0)).counts
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
    if run.energy is None or run.temperature is None or not run.paired(run.energy):
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
