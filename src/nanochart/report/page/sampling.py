"""The section on how the ladder was sampled."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.report.figures.bias import MOST_WALKERS, variable_walks
from nanochart.report.figures.energies import caloric_curve, energy_distributions
from nanochart.report.figures.exchange import (
    TARGET_ACCEPTANCE,
    exchange_acceptance,
    ladder_mixing,
    temperature_walks,
)
from nanochart.report.figures.thermodynamics import thermodynamics_cards
from nanochart.report.page.page import FigureCard, Gallery, Item, Missing, Section
from nanochart.report.page.run_data import RunData
from nanochart.report.page.run_results import method_words
from nanochart.report.structures.pictures import Cluster, draw_clusters
from nanochart.shown import counted
from nanochart.tempering import Exchanges, LadderDiagnostics

__all__ = ["sampling_section"]


def sampling_section(run: RunData, picture_size: int) -> Section:
    """Show by exchange, walks and energies how the ladder was sampled."""
    title = "Sampling"
    if not run.n_frames:
        return Section(
            title, "No frames are stored yet.", (Missing("Sample with", "nanochart sample CONFIG"),)
        )
    diagnostics = run.results.ladder
    cards = [
        *_walks_of_walkers(run),
        *_exchange_cards(run),
        *_mixing_card(diagnostics),
        *_energy_cards(run),
    ]
    found = _thermo_cards(run)
    if found:  # its caloric curve takes the place of the plain one
        cards = [*(card for card in cards if card.name != "caloric-curve"), *found]
    # Column-wide figures first, so that they stand in pairs.
    items = [*_starts(run, picture_size), *sorted(cards, key=lambda card: card.wide)]
    if run.ladder is not None and not found and run.results.no_thermodynamics:
        items.append(Missing(f"Heat capacity unknown: {run.results.no_thermodynamics}."))
    text = f"{_unfinished(run)}{run.results.verdict} {_how(run)}".strip()
    unknown = Missing("Temperatures and energies of these frames are not known.")
    return Section(title, text, tuple(items) or (unknown,))


def _unfinished(run: RunData) -> str:
    planned = run.results.planned
    if planned is None or planned <= run.n_frames:
        return ""
    return f"The run is not finished: {run.n_frames} of {planned} frames are stored. "


def _how(run: RunData) -> str:
    """How the frames came about."""
    bias = run.results.bias
    if run.is_imported:
        return "The frames come from another program; what it recorded of them is shown here."
    if bias is None:
        return (
            "Parallel tempering: every replica is a trajectory that moves up and down a ladder of "
            "temperatures, and neighbours on the ladder exchange by the Metropolis criterion."
        )
    both = zip(bias.variables, bias.units, strict=True)
    named = ", ".join(name if unit == "1" else f"{name} ({unit})" for name, unit in both)
    along = f" along {named}" if bias.method and bias.variables else ""
    through = f", by way of {', '.join(bias.places)}" if bias.places else ""
    what = method_words(bias.method)
    what = what[0].upper() + what[1:]
    return (
        f"{what}{along} {bias.at}{through}: {run.trajectories}, {bias.started}. "
        f"Chart and families are those of {bias.source}."
    )


def _walks_of_walkers(run: RunData) -> list[FigureCard]:
    """The variables of a biased run against time."""
    bias, values = run.results.bias, run.variables
    if bias is None or values is None or not bias.variables:
        return []
    time, unit = run.time
    shown = min(run.n_replicas, MOST_WALKERS)
    whose = "all walkers" if shown == run.n_replicas else f"the first {shown} walkers"
    return [
        FigureCard(
            "variable-walks",
            partial(
                variable_walks,
                values,
                time,
                unit,
                bias.variables,
                bias.units,
                bias.starts,
            ),
            f"The variables of {whose} against time ({unit}). Walkers that mix cross each other "
            "again and again.",
            "Curves of each variable against time, one for each walker.",
        )
    ]


def _thermo_cards(run: RunData) -> list[FigureCard]:
    """Heat capacity and caloric curve; none where the ladder is too short or has a gap.

    Populations are left to the sections on motifs and families.
    """
    found = run.results.thermodynamics
    cards = [] if found is None else thermodynamics_cards(found, run.n_atoms, run.reference)
    return [card for card in cards if card.name != "populations"]


def _mixing_card(diagnostics: LadderDiagnostics | None) -> list[FigureCard]:
    if diagnostics is None:
        return []
    ideal = diagnostics.ideal_time
    known = np.isfinite(ideal) and np.isfinite(diagnostics.trips.time)
    times = (
        f" One takes {diagnostics.time_of(diagnostics.trips.time)} on average; the exchanges alone "
        f"would need {diagnostics.time_of(ideal)}."
        if known
        else ""
    )
    return [
        FigureCard(
            "ladder-mixing",
            partial(ladder_mixing, diagnostics),
            "How the ladder mixes. a: share of the replicas at each temperature (K) that last "
            "visited the top end rather than the bottom; a step is a place that replicas do not "
            f"pass. b: round trips between the ends of each replica.{times} c: common area of the "
            "energy distributions of neighbours. d: stored frames per independent frame, of the "
            "energy along each temperature, and along each replica relative to its temperature "
            "(line: the median replica; band: from the least to the most).",
            "Four panels against temperature or replica: replica flow, round trips, overlap of "
            "neighbouring energy distributions, and statistical inefficiency of the energy.",
        )
    ]


def _starts(run: RunData, picture_size: int) -> list[Item]:
    given = run.results.start_structures
    clusters = [Cluster(f"start: {name}", np.asarray(x, float)) for name, x in given.items()]
    if not clusters:
        return []
    draw = partial(draw_clusters, clusters, run.element, size=picture_size)
    caption = f"The structures that the {run.trajectory}s started from, all at one scale."
    return [Gallery(draw, caption)]


def _kinds(found: Exchanges) -> str:
    if not found.n_mapped:
        return ""
    T = found.ladder.temperatures[found.n_mapped]
    return (
        f" Filled: the {found.n_mapped} pairs up to {T:g} K, each configuration scaled about its "
        "own minimum; open: plain exchanges."
    )


def _exchange_cards(run: RunData) -> list[FigureCard]:
    cards = []
    found = run.results.exchanges
    if found is not None and found.acceptance.attempts.any():
        result = found.acceptance
        share = 100.0 * result.share[np.isfinite(result.share)]
        low, high = (100 * x for x in TARGET_ACCEPTANCE)
        below = int((share < low).sum())
        cards.append(
            FigureCard(
                "exchange-acceptance",
                partial(exchange_acceptance, result, found.ladder.temperatures, found.n_mapped),
                f"Accepted exchanges of the {share.size} neighbouring pairs, each drawn between "
                f"its two temperatures (K): median {np.median(share):.0f} %, lowest "
                f"{share.min():.0f} %; {below or 'none'} of them below the target band of "
                f"{low:.0f}–{high:.0f} %.{_kinds(found)} Bars: 68 % interval of "
                f"{int(result.attempts.sum())} attempts in all.",
                "Acceptance of exchanges in percent against the temperatures of each neighbouring "
                f"pair, between {share.min():.0f} and {share.max():.0f} percent.",
                wide=False,
            )
        )
    ladder = run.results.ladder
    trips = ladder.trips.counts if ladder is not None else None if found is None else found.trips
    if run.temperature is not None and trips is not None:
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
                    noun=run.trajectory,
                ),
                f"Temperature (K) of a few {run.trajectory}s against time ({unit}); faint lines "
                f"are the rungs of the ladder. {_trips(trips, run.trajectory)}",
                f"Step curves of the temperatures that a few {run.trajectory}s visit over time.",
            )
        )
    return cards


def _trips(trips: NDArray[Any], what: str) -> str:
    if not trips.any():
        return f"None of the {trips.size} {what}s made a round trip between its ends."
    made = counted(int(trips.sum()), "round trip")
    return (
        f"The {trips.size} {what}s together made {made} between its ends; "
        f"{int((trips > 0).sum())} of them made at least one."
    )


def _energy_cards(run: RunData) -> list[FigureCard]:
    means = run.results.energies
    if run.energy is None or run.temperature is None or means is None:
        return []
    unit = "eV, above the lowest minimum found" if run.reference else "eV"
    harmonic = " Dashed: a harmonic solid in that minimum." if run.reference else ""
    shape = "Two humps in one curve are two coexisting states."
    levels = means.temperatures
    where = "at each temperature" if len(levels) > 1 else f"at {levels[0]:g} K"
    if run.ladder is not None:
        shape = f"Neighbouring curves must overlap for exchanges to be accepted. {shape}"
    if run.results.bias is not None:
        shape = f"The frames are those of the biased dynamics, without their weights. {shape}"
    cards = [
        FigureCard(
            "energy-distributions",
            partial(energy_distributions, run.energy, run.temperature, reference=run.reference),
            f"Distribution of the potential energy ({unit}) {where}. {shape}",
            "Smoothed histograms of the potential energy, one per temperature.",
        ),
    ]
    if len(means.temperatures) < 2:  # no curve against temperature
        return cards
    curve = FigureCard(
        "caloric-curve",
        partial(
            caloric_curve,
            means,
            reference=run.reference,
            n_atoms=run.n_atoms if run.reference else None,
        ),
        f"Mean potential energy ({unit}) against temperature (K); bars: 95 % intervals where "
        f"they are known.{harmonic}",
        "Curve of the mean potential energy against temperature, with error bars.",
        wide=False,
    )
    return [curve, *cards]
