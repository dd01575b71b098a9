"""The ladder of a run: its frames as one weighted sample, what they say of it, and populations.

What is found is kept with the run, so that the equations of MBAR are solved once for its frames,
whatever is asked of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError, StoreError
from nanochart.statistics import Estimate
from nanochart.store import Frames, Run
from nanochart.tempering import (
    Acceptance,
    Equilibration,
    Exchanges,
    Ladder,
    LadderDiagnostics,
    LevelMeans,
    RoundTrips,
    TemperedSample,
    acceptance,
    by_rung,
    counted_acceptance,
    diagnose_ladder,
    ladder_verdict,
    level_means,
    round_trips,
    rung_means,
    rung_populations,
    tempered_sample,
)
from nanochart.workflow.results import kept
from nanochart.workflow.system import run_config

__all__ = [
    "energies_at_rungs", "exchanges", "ladder_diagnostics", "ladder_sample", "ladder_words",
    "mapped_below", "mapped_every", "minima_last_to", "populations_at_rungs", "restricted_to",
    "restriction", "rung_shares", "whole_frames",
]  # fmt: skip

_DIAGNOSTICS = (LadderDiagnostics, Ladder, Acceptance, RoundTrips, Equilibration)


def whole_frames(frames: Frames, run: Run) -> NDArray[np.bool_]:
    """Which frames hold every replica, with its energy and rung, (frame,).

    Raises
    ------
    StoreError
        If the run has no ladder.
    """
    energies, rungs = frames.thermal.energies, frames.thermal.rungs
    if frames.ladder is None or energies is None or rungs is None:
        raise StoreError(
            f"{run.path} has no ladder with energies and rungs, which thermodynamics is made of: "
            "sample with `nanochart sample`"
        )
    return np.asarray((np.isfinite(energies) & (rungs >= 0)).all(axis=1))


def mapped_below(run: Run) -> float:
    """Highest temperature in K of neighbours that exchange mapped, 0 for none."""
    return float(run.metadata.provenance.get("mapped_below", 0.0))


def mapped_every(run: Run) -> int:
    """At one of how many of its turns a pair that exchanges mapped is tried."""
    return int(run.metadata.provenance.get("mapped_every", 1))


def minima_last_to(run: Run) -> float:
    """Highest temperature in K up to which minima of a run last, 0 where it is not known."""
    return float(run.metadata.provenance.get("minima_last_to", mapped_below(run)))


def ladder_diagnostics(
    frames: Frames, run: Run, whole: NDArray[np.bool_] | None = None
) -> LadderDiagnostics | None:
    """What frames say of their ladder; None where they have none, or fewer than two frames.

    Parameters
    ----------
    frames, run
        Of the run.
    whole
        Which frames count, (frame,); by default those that hold every replica.
    """
    thermal, temperatures = frames.thermal, frames.ladder
    if temperatures is None or len(temperatures) < 2 or thermal.rungs is None:
        return None
    rungs, energies, exchanges = thermal.rungs, thermal.energies, thermal.exchanges
    if whole is None:
        whole = np.asarray((rungs >= 0).all(axis=1))
        whole &= True if energies is None else np.isfinite(energies).all(axis=1)
    chosen, n = whole, len(temperatures)
    if chosen.sum() < 2:
        return None
    held = None if energies is None else energies[chosen]
    paired = exchanges is not None and exchanges.shape[2] == n - 1
    outcome = exchanges[chosen] if exchanges is not None and paired else None
    ladder = Ladder(tuple(float(t) for t in temperatures))

    def diagnosed() -> LadderDiagnostics:
        n_mapped = ladder.pairs_below(mapped_below(run))
        config = run_config(run)
        found = diagnose_ladder(
            ladder, rungs[chosen], held, outcome, n_mapped=n_mapped, mapped_every=mapped_every(run),
            frame_time=None if config is None else 1e-3 * config.frame_interval,
        )  # fmt: skip
        return replace(found, energies=np.empty((0, n)))  # the run has them

    found = kept(
        run, "ladder", lambda: _key(frames, run, chosen), _DIAGNOSTICS, diagnosed
    )  # fmt: skip
    nothing = np.full(rungs[chosen].shape, np.nan)
    ordered = by_rung(nothing if held is None else held, rungs[chosen], n)
    return replace(found, energies=ordered)


def exchanges(run: Run) -> Exchanges | None:
    """How the replicas of parallel tempering, or the walkers of a heated run, exchanged so far."""
    frames = run.frames()
    if run.metadata.kind == "biased":
        return _of_heated(run)
    outcome, temperatures = frames.thermal.exchanges, frames.ladder
    if outcome is None or temperatures is None:
        return None
    ladder = Ladder(tuple(map(float, temperatures)))
    counts = acceptance(outcome.reshape(-1, outcome.shape[-1]))
    return Exchanges(ladder, counts, ladder.pairs_below(mapped_below(run)))


def _of_heated(run: Run) -> Exchanges | None:
    made, frames = run.metadata.provenance, run.frames()
    rungs, outcome = frames.thermal.rungs, frames.biased.exchanged
    if "ladder" not in made or rungs is None or outcome is None:
        return None
    ladder = Ladder(tuple(map(float, made["ladder"])))
    # Pairs alternate from attempt to attempt; each is counted at its colder walker.
    parity = ((np.arange(len(rungs)) + 1) // int(made["rounds_per_swap"]) - 1) % 2
    colder = rungs % 2 == parity[:, None]
    tried, accepted = (
        np.bincount(rungs[colder & chosen], minlength=len(ladder))[:-1]
        for chosen in (outcome >= 0, outcome == 1)
    )
    counts = round_trips(rungs, len(ladder)).counts
    return Exchanges(ladder, counted_acceptance(tried, accepted), trips=counts)


def ladder_words(run: Run, ladder: LadderDiagnostics | None = None) -> str:
    """What is wrong with the ladder of a run, or that nothing is; empty where there is none.

    Parameters
    ----------
    run
        Of parallel tempering, or any other.
    ladder
        Diagnostics of its ladder where they are known already.
    """
    found = ladder or ladder_diagnostics(run.frames(), run)
    if found is None:
        return ""
    return " ".join(filter(None, (ladder_verdict(found), *restriction(run))))


def restricted_to(run: Run) -> str | None:
    """The motif that all replicas of a run keep to, None for the whole landscape."""
    config = run_config(run)
    return None if config is None else config.tempering.within


def restriction(run: Run) -> tuple[str, ...]:
    """What the averages of a run are of, in a sentence, if its replicas keep to one motif."""
    within = restricted_to(run)
    if within is None:
        return ()
    sentence = (
        f"All replicas keep to {within} (tempering.within): averages of this run are those of "
        f"{within} alone, and say nothing of how often it occurs or of melting."
    )
    return (sentence,)


def ladder_sample(
    frames: Frames, run: Run, whole: NDArray[np.bool_] | None = None
) -> TemperedSample:
    """Frames of a run of parallel tempering as one weighted sample.

    Parameters
    ----------
    frames, run
        Of the run.
    whole
        Which frames count, (frame,); by default those that hold every replica.

    Raises
    ------
    StoreError
        If the run has no ladder.
    ValueError
        If a rung has no frames or neighbouring rungs do not overlap.
    """
    chosen = whole_frames(frames, run) if whole is None else whole
    thermal, temperatures = frames.thermal, frames.ladder
    energies, rungs, exchanges = thermal.energies, thermal.rungs, thermal.exchanges
    assert temperatures is not None  # noqa: S101  `whole_frames` has looked
    assert energies is not None  # noqa: S101
    assert rungs is not None  # noqa: S101
    ladder = Ladder(tuple(float(t) for t in temperatures))
    outcome = None if exchanges is None else exchanges[chosen]
    diagnostics = ladder_diagnostics(frames, run, chosen)
    E, r = energies[chosen], rungs[chosen]
    n_mapped = ladder.pairs_below(mapped_below(run))
    solved: list[TemperedSample] = []

    def solve() -> NDArray[np.float64]:
        made = tempered_sample(E, r, ladder, outcome, n_mapped=n_mapped, diagnostics=diagnostics)
        solved.append(made)
        return made.mixture.f

    f = kept(run, "mbar", lambda: _key(frames, run, chosen), (), solve)
    if solved:
        return solved[0]
    return tempered_sample(E, r, ladder, outcome, n_mapped=n_mapped, diagnostics=diagnostics, f=f)


def populations_at_rungs(frames: Frames, run: Run, of: str) -> tuple[Estimate, tuple[str, ...]]:
    """Share of each motif or family at each rung, (label, rung), as `thermo_run` has them.

    Parameters
    ----------
    frames, run
        Of parallel tempering.
    of
        "motif" or "family".

    Returns
    -------
    shares, names
        Unknown, without values, where the run has no ladder that joins, or frames without a label.
    """
    stage = "label" if of == "motif" else "families"
    if not frames.has(stage):
        return _nothing(f"some frames have no {of}"), ()
    labels = frames.motifs if of == "motif" else frames.families

    key = {"of": of, "frames": _digest(frames.numbers)}
    try:
        made = kept(
            run, "populations", lambda: {**key, "made_of": run.fingerprint("frames", stage)},
            (Estimate,), lambda: rung_shares(frames, run, labels.codes, labels.names),
        )  # fmt: skip
    except (StoreError, ValueError, ConvergenceError) as error:  # no rungs, or no overlap
        made = _nothing(str(error))
    return made, labels.names


def rung_shares(frames: Frames, run: Run, codes: ArrayLike, names: Sequence[str]) -> Estimate:
    """Share of each label at each rung, (label, rung), of labels that may not be stored yet.

    Parameters
    ----------
    frames, run
        Of parallel tempering.
    codes
        (frame, replica), index into the names.
    names
        Of the labels.

    Raises
    ------
    StoreError
        If the run has no ladder.
    ValueError
        If it does not join, or frames have no label.
    """
    whole = whole_frames(frames, run)
    chosen = np.asarray(codes)[whole]
    if not chosen.size or chosen.min() < 0:
        raise ValueError("some frames have no label")
    return rung_populations(ladder_sample(frames, run, whole), chosen, names)


def energies_at_rungs(frames: Frames, run: Run, of: str) -> LevelMeans | None:
    """Mean energies against temperature; None where energies or temperatures are not known.

    Those of a ladder that joins have errors by its theory; of other frames, nothing is known of
    the errors of their plain means.

    Parameters
    ----------
    frames, run
        Of the run.
    of
        "thermal" or "inherent".
    """
    T = frames.thermal.temperatures
    quenched = frames.so_far.has("quench")
    if of == "thermal":
        values = frames.thermal.energies
    else:
        values = frames.so_far.inherent.energies if quenched else None
    if values is None or T is None or not (np.isfinite(values) & np.isfinite(T)).any():
        return None
    energies = values

    def found() -> LevelMeans:
        whole = whole_frames(frames, run)
        if not np.isfinite(energies[whole]).all():
            raise ValueError("some frames are not quenched yet")
        return rung_means(ladder_sample(frames, run, whole), energies[whole])

    key = {"of": of, "frames": _digest(frames.numbers)}
    try:
        return kept(
            run, "energies", lambda: {**key, "made_of": run.fingerprint("frames", "quench")},
            (LevelMeans, Estimate), found,
        )  # fmt: skip
    except (StoreError, ValueError, ConvergenceError) as error:  # no rungs, or no overlap
        return level_means(T, energies, str(error))


def _nothing(why: str) -> Estimate:
    return Estimate.unknown(np.empty((0, 0)), why)


def _key(frames: Frames, run: Run, whole: NDArray[np.bool_]) -> dict[str, Any]:
    return {"frames": _digest(frames.numbers[whole]), "made_of": run.fingerprint("frames")}


def _digest(numbers: NDArray[np.int64]) -> str:
    """Hash of the numbers of frames."""
    return hashlib.sha256(numbers.tobytes()).hexdigest()[:16]
