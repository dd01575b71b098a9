"""Plain sentences about a ladder: broken, not mixed, not equilibrated, or well."""

import numpy as np

from nanochart.shown import counted
from nanochart.tempering.diagnostics import Equilibration, LadderDiagnostics
from nanochart.tempering.tuning import EnergyDistributions, tuned_ladder
from nanochart.units import kelvin

__all__ = ["ladder_findings", "ladder_reservation", "ladder_summary", "ladder_verdict"]

#: A pair hardly exchanges if its acceptance lies below this, at the upper end of its interval.
_BROKEN = 0.05
#: Attempts before a pair is judged.
_FEWEST_ATTEMPTS = 20
#: Round trips per replica below which populations still remember where the replicas started.
_FEW_TRIPS = 1.0
#: Standard errors by which a beginning must differ to be called a drift. The beginning is chosen
#: where it differs most and there are many temperatures, so three would call noise a drift.
_DRIFT = 5.0
#: A drift over a smaller share of the run than this changes no average that can be seen.
_SHORT_DRIFT = 0.01
#: Independent frames at a temperature below which nothing can be said about it.
_FEWEST_INDEPENDENT = 10.0
#: Independent structures in the whole run below which populations rest on a few events.
_FEWEST_STRUCTURES = 50.0
#: Round trips this much slower than exchange alone are the cluster's doing.
_SLOW = 4.0
#: Sentences about pairs before the rest is only counted.
_N_PAIRS = 3
#: Share of the ladder within which the flow must rise for a sentence to name the place; even
#: diffusion takes four fifths.
_STEEP = 0.4
#: Acceptance that temperatures put into a gap are to give.
_REPAIRED = 0.2


def ladder_findings(diagnostics: LadderDiagnostics) -> tuple[str, ...]:
    """Say what is wrong with a ladder and what to do, in a sentence each; empty if nothing is.

    Parameters
    ----------
    diagnostics
        Diagnostics from :func:`diagnose_ladder`.
    """
    return (
        *_broken(diagnostics),
        *_unmixed(diagnostics),
        *_remembering(diagnostics),
        *_unequilibrated(diagnostics),
    )


def ladder_reservation(diagnostics: LadderDiagnostics) -> str:
    """Say why no average over the ladder is known: it is broken, not mixed or not equilibrated.

    Empty if there is no such reason. Whether the samples are enough for a quantity is for its own
    error to say.
    """
    found = (
        *_broken(diagnostics), *_unmixed(diagnostics), *_unequilibrated(diagnostics),
    )  # fmt: skip
    return found[0].rstrip(".") if found else ""


def ladder_verdict(diagnostics: LadderDiagnostics) -> str:
    """What is wrong with a ladder, or that nothing is, and its numbers; as `ladder_findings`."""
    well = ("The ladder is connected, mixed and equilibrated.",)
    findings = ladder_findings(diagnostics) or well
    return " ".join((*findings, ladder_summary(diagnostics))).rstrip()


def ladder_summary(diagnostics: LadderDiagnostics) -> str:
    """Sum up a ladder in one sentence: acceptance, round trips, independent frames."""
    parts = []
    T = diagnostics.ladder.temperatures
    if diagnostics.acceptance is not None and np.isfinite(diagnostics.acceptance.share).any():
        share = diagnostics.acceptance.share
        k = int(np.nanargmin(share))
        parts.append(
            f"neighbours exchange in {np.nanmedian(share):.0%} of the attempts "
            f"(the fewest, {share[k]:.0%}, between {kelvin(T[k])} and {kelvin(T[k + 1])} K)"
        )
        best = max(2, round(2 * diagnostics.barrier) + 1)
        parts.append(
            f"the communication barrier is {diagnostics.barrier:.1f}, for which {best} "
            f"temperatures would be best and {len(T)} are there"
        )
    if diagnostics.trips.crossings:
        parts.append(_travels(diagnostics))
    known = [round(e.n_independent) for e in diagnostics.equilibration if e is not None]
    if known:
        few, many = min(known), max(known)
        frames = counted(many, "frame") if few == many else f"{few} to {many} frames"
        parts.append(f"{frames} at each temperature {'is' if many == 1 else 'are'} independent")
    if not parts:
        return ""
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."


def _travels(diagnostics: LadderDiagnostics) -> str:
    """How many round trips there were, and how long one takes.

    The time is known from the passages between the ends, also where no trip was completed.
    """
    trips = diagnostics.trips
    replicas, total = counted(trips.counts.size, "replica"), int(trips.counts.sum())
    if total:
        made = f"{(trips.counts > 0).sum()} of {replicas} made {counted(total, 'round trip')}"
    else:
        were = "was" if trips.crossings == 1 else "were"
        made = (
            f"none of {replicas} made a round trip, and there {were} "
            f"{counted(trips.crossings, 'passage')} from one end to the other"
        )
    takes = f"a round trip takes {diagnostics.time_of(trips.time)} on average"
    return f"{made}; {takes}{_slow(diagnostics)}"


def _slow(diagnostics: LadderDiagnostics) -> str:
    """Whether round trips take much longer than the exchanges need."""
    if diagnostics.acceptance is None:
        return ""
    ratio = diagnostics.trips.time / diagnostics.ideal_time
    if not ratio > _SLOW:
        return ""
    return f", {ratio:.0f} times what exchange alone would need: the structure changes slowly"


def _broken(diagnostics: LadderDiagnostics) -> list[str]:
    result, T = diagnostics.acceptance, diagnostics.ladder.temperatures
    if result is None:
        return []
    judged = result.attempts >= _FEWEST_ATTEMPTS
    bad = np.flatnonzero(judged & (np.nan_to_num(result.high, nan=1.0) < _BROKEN))
    sentences = []
    for k in bad[:_N_PAIRS]:
        verb = "never exchanged" if result.accepted[k] == 0 else "hardly exchange"
        sentences.append(
            f"The ladder is broken between {kelvin(T[k])} and {kelvin(T[k + 1])} K, which {verb} "
            f"({result.accepted[k]} of {result.attempts[k]} attempts): "
            f"{_between(diagnostics, int(k))}, or place all temperatures anew with "
            "nanochart sample --tune-ladder."
        )
    if len(bad) > _N_PAIRS:
        sentences.append(f"So it is for {counted(len(bad) - _N_PAIRS, 'more pair')} of neighbours.")
    return sentences


def _between(diagnostics: LadderDiagnostics, k: int) -> str:
    """Where to put temperatures so that the pair k exchanges."""
    if k < diagnostics.n_mapped:  # energies say nothing of mapped exchanges
        return "add temperatures between them"
    T, energies = diagnostics.ladder.temperatures[k : k + 2], diagnostics.energies[:, k : k + 2]
    try:
        distributions = EnergyDistributions.from_samples(T, list(energies.T))
        added = tuned_ladder(distributions, T[0], T[1], _REPAIRED).ladder.temperatures[1:-1]
    except ValueError:
        return "add temperatures between them"
    if not 0 < len(added) <= 6:
        return f"add {len(added)} temperatures between them" if added else "sample longer"
    return f"add {', '.join(f'{t:.0f}' for t in added)} K"


def _unmixed(diagnostics: LadderDiagnostics) -> list[str]:
    trips, n = diagnostics.trips, len(diagnostics.ladder)
    if n < 2 or trips.counts.mean() >= _FEW_TRIPS:
        return []
    done, replicas = int(trips.counts.sum()), counted(trips.counts.size, "replica")
    made = (
        f"only {counted(done, 'round trip')} of {replicas}"
        if done
        else f"none of {replicas} went from one end to the other and back"
    )
    needed = diagnostics.ideal_time
    if trips.crossings:
        needed = max(needed if np.isfinite(needed) else 0.0, trips.time)
    if not np.isfinite(needed):
        remedy = "mend its gaps and run longer"
    else:
        by = "on average" if trips.crossings else "at least, at this acceptance"
        remedy = f"one takes {diagnostics.time_of(needed)} {by}, so run several times as long"
    length = diagnostics.time_of(diagnostics.n_frames)
    sentence = (
        f"The ladder is not mixed: {made} in {length}{_barrier(diagnostics)}, and populations "
        f"still depend on the structures that it started from; {remedy}."
    )
    return [sentence]


def _remembering(diagnostics: LadderDiagnostics) -> list[str]:
    """Replicas can travel and still carry the structure that they have along."""
    g = diagnostics.replica_inefficiency
    independent = float((diagnostics.n_frames / g).sum())
    if not independent < _FEWEST_STRUCTURES:
        return []
    sentence = (
        f"The replicas keep their structures for {diagnostics.time_of(float(np.median(g)))} of "
        f"{diagnostics.time_of(diagnostics.n_frames)}, which leaves about "
        f"{counted(round(independent), 'independent structure')} in the whole run, "
        f"where at least {_FEWEST_STRUCTURES:.0f} are needed; run longer "
        "(tempering.time_per_replica)."
    )
    return [sentence]


def _barrier(diagnostics: LadderDiagnostics) -> str:
    """Where replicas turn back: the flow rises there from a tenth to nine tenths."""
    flow, T = diagnostics.flow, diagnostics.ladder.temperatures
    if not np.isfinite(flow).all():
        return ""
    low = int(np.flatnonzero(flow <= 0.1)[-1])
    high = int(np.flatnonzero(flow >= 0.9)[0])
    if not 0 < high - low <= _STEEP * (len(T) - 1):
        return ""
    return f" (they turn back between {kelvin(T[low])} and {kelvin(T[high])} K)"


def _unequilibrated(diagnostics: LadderDiagnostics) -> list[str]:
    T, n = diagnostics.ladder.temperatures, diagnostics.n_frames
    known = [(t, e) for t, e in zip(T, diagnostics.equilibration, strict=True) if e is not None]
    drifting = [
        (t, e)
        for t, e in known
        if e.drift > _DRIFT and e.start >= max(3, _SHORT_DRIFT * n) and not _poor(e)
    ]
    sentences = []
    if drifting:
        t, worst = max(drifting, key=lambda found: found[1].start)
        others = f" (and at {len(drifting) - 1} more)" if len(drifting) > 1 else ""
        longer = " and run longer" if 2 * worst.start > n else ""
        sentences.append(
            f"The run is not equilibrated at its beginning: the energy at {kelvin(t)} K{others} "
            f"drifts over the first {diagnostics.time_of(worst.start)} of "
            f"{diagnostics.time_of(n)}; discard that much more "
            f"(tempering.discard){longer}."
        )
    poor = [(t, e) for t, e in known if _poor(e)]
    if poor:
        t, worst = min(poor, key=lambda found: found[1].n_independent)
        others = f" ({counted(len(poor) - 1, 'more temperature')} alike)" if len(poor) > 1 else ""
        sentences.append(
            "The run is too short to tell whether it is equilibrated: the energy at "
            f"{kelvin(t)} K holds {counted(round(worst.n_independent), 'independent frame')}"
            f"{others}, where at least {_FEWEST_INDEPENDENT:.0f} are needed; run longer "
            "(tempering.time_per_replica)."
        )
    return sentences


def _poor(found: Equilibration) -> bool:
    return found.n_independent < _FEWEST_INDEPENDENT
