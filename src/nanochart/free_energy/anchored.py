r"""Free energies of motifs that are anchored near 0 K, where minima are harmonic.

A ladder whose replicas keep to one motif goes from a temperature at which a few minima of it, each
nearly harmonic, are all there is, to where one wants to know. From rung to rung the partition
function of the motif follows by Bennett's acceptance ratio of mapped works: those of scaling each
configuration about its own inherent structure.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from nanochart.shown import short_repr
from nanochart.statistics import Estimate, Weighted, bennett
from nanochart.tempering import Ladder, MappedExchange
from nanochart.units import BOLTZMANN, kelvin

__all__ = [
    "Anchor", "AnchoredMotif", "Works", "anchored_differences", "anchored_populations",
    "carried_up", "joined_answers", "neighbour_works", "populations_of_differences",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Standard errors by which two independent answers to one question may differ.
_AGREE = 3.0
_DIFFER = "two independent answers differ by more than three errors: run both longer"


@short_repr
@dataclass(frozen=True, eq=False)
class Works:
    """Reduced works of frames to the next rung above and below, (frame, replica).

    Infinite where the map leads out of the basin; NaN where there is no such rung.
    """

    up: Floats
    down: Floats


@short_repr
@dataclass(frozen=True, eq=False)
class Anchor:
    r"""What relates the coldest rung to an ensemble whose partition function is known.

    Attributes
    ----------
    log_partition
        :math:`\ln Z` of that ensemble.
    draws
        Reduced works from independent draws of it to the coldest rung, (draw,).
    frames
        Reduced works from the frames of the coldest rung to it, in the order of the frames,
        (frame,); infinite for what is none of it.
    """

    log_partition: float
    draws: Floats
    frames: Floats


@short_repr
@dataclass(frozen=True, eq=False)
class AnchoredMotif:
    r"""Partition function of a motif at the rungs of its ladder.

    Attributes
    ----------
    temperatures
        Of the rungs in K, (rung,).
    log_partition
        :math:`\ln Z`, classical, in the units of `nanochart.free_energy.harmonic`, (rung,).
    log_quantum
        What quantum vibrations of the lowest minimum add to it, (rung,).
    log_harmonic
        :math:`\ln Z` of the harmonic superposition of the minima that are known, (rung,).
    overlap
        Overlap of neighbouring rungs, after mapping, from 0 to 1, (pair,).
    n_minima
        Number of minima that the superposition adds up.
    n_anchors
        Number of minima whose vibrations it is anchored in.
    listed
        Share of the frames at the coldest rung that are in these.
    """

    temperatures: Floats
    log_partition: Estimate
    log_quantum: Floats
    log_harmonic: Floats
    overlap: Floats
    n_minima: int
    n_anchors: int
    listed: float


def neighbour_works(
    exchange: MappedExchange,
    ladder: Ladder,
    positions: Floats,
    minima: Floats,
    energies: Floats,
    rungs: Ints,
    executor: Executor | None = None,
) -> Works:
    """Work of bringing each configuration to the neighbouring temperatures.

    Parameters
    ----------
    exchange
        How pairs of the ladder are mapped, and up to which one.
    ladder
        Temperatures.
    positions, minima
        Configurations and their inherent structures, (frame, replica, atom, 3) in Å.
    energies
        Of the configurations, those of the dynamics, (frame, replica) in eV.
    rungs
        Place in the ladder, (frame, replica).
    executor
        Executor that quenches run on.
    """
    n_mapped, betas = ladder.pairs_below(exchange.below), ladder.betas
    x, m = (each.reshape(-1, *each.shape[2:]) for each in (positions, minima))
    E, r = energies.ravel(), rungs.ravel()
    found = []
    for step in (1, -1):
        onto = r + step
        work = np.full(E.shape, np.nan)
        there = (onto >= 0) & (onto < len(ladder))
        work[there] = (betas[onto[there]] - betas[r[there]]) * E[there]
        mapped = np.flatnonzero(there & (np.minimum(r, onto) < n_mapped))
        if mapped.size:
            here, target = betas[r[mapped]], betas[onto[mapped]]
            move = exchange.scaled(x[mapped], m[mapped], E[mapped], here, target)
            freedom = 3 * x.shape[1] - 6
            reduced = move.work - 0.5 * freedom * np.log(here / target)
            can = np.isfinite(reduced)
            can[can] = exchange.in_basin(move.positions[can], move.minima[can], executor)
            work[mapped] = np.where(can, reduced, np.inf)
        found.append(work.reshape(energies.shape))
    return Works(*found)


def carried_up(
    works: Works, rungs: Ints, ladder: Ladder, anchor: Anchor, reservation: str = ""
) -> tuple[Estimate, Floats]:
    r"""Carry :math:`\ln Z` from an anchor to the coldest rung and from there to all others.

    Parameters
    ----------
    works, rungs
        (frame, replica), as from `neighbour_works`.
    ladder
        Temperatures.
    anchor
        What is known, and its works to the coldest rung and back.
    reservation
        Why nothing is known of averages over the ladder; empty where it is mixed.

    Returns
    -------
    log_partition, overlap
        (rung,) with its errors, and the overlap of each pair (pair,).

    Raises
    ------
    ConvergenceError
        If a pair of rungs has nothing in common.
    """
    T = ladder.temperatures
    coldest = rungs == 0
    first = bennett(anchor.draws, anchor.frames, f"the anchor and the rung at {kelvin(T[0])} K")
    values, overlaps = [anchor.log_partition + first.log_ratio], []
    influence = np.zeros((*rungs.shape, len(ladder)))
    # What is wrong with a step is wrong with all above it.
    influence[coldest] += first.backward[:, None]
    for k in range(len(ladder) - 1):
        here, there = rungs == k, rungs == k + 1
        what = f"the rungs at {kelvin(T[k])} and {kelvin(T[k + 1])} K"
        step = bennett(works.up[here], works.down[there], what)
        values.append(values[-1] + step.log_ratio)
        overlaps.append(step.overlap)
        influence[here, k + 1 :] += step.forward[:, None]
        influence[there, k + 1 :] += step.backward[:, None]
    weighted = Weighted(np.zeros(rungs.shape), "replicas", reservation=reservation)
    drawn = float(np.sqrt((first.forward**2).sum()))  # draws are independent
    return weighted.judged(np.array(values), influence).widened(drawn), np.array(overlaps)


def anchored_differences(
    motifs: Mapping[str, AnchoredMotif], pairs: list[tuple[str, str]], *, quantum: bool = False
) -> list[Estimate]:
    """Free energies F_b - F_a in eV of pairs (a, b) of motifs at the rungs, each (rung,)."""
    found = []
    for a, b in pairs:
        one, other = motifs[a], motifs[b]
        kT = BOLTZMANN * one.temperatures
        value = _logs(other, quantum=quantum) - _logs(one, quantum=quantum)
        ratio = _combined(value, [one.log_partition, other.log_partition], np.ones((2, len(kT))))
        found.append(Estimate(
            -kT * ratio.value, kT * ratio.error, -kT * ratio.high, -kT * ratio.low, ratio.known,
            ratio.why,
        ))  # fmt: skip
    return found


def anchored_populations(
    motifs: Mapping[str, AnchoredMotif], *, quantum: bool = False
) -> dict[str, Estimate]:
    """Share of each motif among these, at the rungs, each (rung,).

    The interval is that of the logarithm of the odds. Where one motif is unknown, all are, because
    they add up to the whole.
    """
    logs = np.array([_logs(each, quantum=quantum) for each in motifs.values()])
    parts = [each.log_partition for each in motifs.values()]
    lacking = [
        f"the free energy of {name} is unknown: {part.reason}"
        for name, part in zip(motifs, parts, strict=True)
        if not np.all(part.known)
    ]
    found = {}
    for k, name in enumerate(motifs):
        others = [j for j in range(len(parts)) if j != k]
        if not others:
            return {name: Estimate.unknown(np.ones(logs.shape[1]), "there is one motif alone")}
        rest = logsumexp(logs[others], axis=0)
        factors = np.exp(logs - rest)
        factors[k] = 1.0
        odds = _combined(logs[k] - rest, parts, factors)
        found[name] = _share(odds, lacking[0] if lacking else "")
    return found


def populations_of_differences(
    differences: Mapping[str, Estimate], first: str, temperatures: Floats
) -> dict[str, Estimate]:
    """Share of each motif among these from free energies less that of the first, each (element,).

    The differences in eV, each (element,), at temperatures in K (element,), count as independent.
    They share the error of the first motif, so intervals are rather too wide than too narrow.
    Where one is unknown, all shares are.
    """
    if not differences:
        return {first: Estimate.unknown(np.ones(len(temperatures)), "there is one motif alone")}
    kT = BOLTZMANN * temperatures
    logs = np.array([np.zeros(len(kT)), *(-np.asarray(d.value) / kT for d in differences.values())])
    parts = [
        Estimate(d.value / kT, d.error / kT, d.low / kT, d.high / kT, d.known, d.why)
        for d in differences.values()
    ]
    found = {}
    for k, name in enumerate((first, *differences)):
        rest = logsumexp(np.delete(logs, k, axis=0), axis=0)
        factors = np.exp(logs - rest)
        factors[k] = 1.0
        odds = _combined(logs[k] - rest, parts, factors[1:])
        found[name] = _share(odds, odds.reason)
    return found


def _share(odds: Estimate, why: str) -> Estimate:
    """The share whose logarithm of the odds this is, with the interval of that."""
    sure = np.asarray(odds.known)
    p = expit(odds.value)
    error = np.where(sure, p * (1.0 - p) * np.where(sure, odds.error, 0.0), np.inf)
    low, high = np.where(sure, expit(odds.low), -np.inf), np.where(sure, expit(odds.high), np.inf)
    return Estimate(p, error, low, high, sure, why)


def joined_answers(first: Estimate, second: Estimate) -> Estimate:
    """Two independent answers to one question as one, element by element, each (element,).

    Where both are known it is their mean, weighted by the inverse of the squared errors. It is
    unknown where they lie more than three of their joint standard errors apart, because one of both
    has not seen what there is. Where one is known it is that one.
    """
    parts = (first, second)
    known = np.array([np.asarray(part.known) for part in parts])
    value, error, high = (
        np.where(known, np.array([getattr(part, name) for part in parts]), fill)
        for name, fill in (("value", 0.0), ("error", 1.0), ("high", 0.0))
    )
    weights = known / error**2
    weights = weights / np.maximum(weights.sum(axis=0), 1e-300)
    mean = (weights * value).sum(axis=0)
    both = known.all(axis=0)
    apart = both & (np.abs(value[0] - value[1]) > _AGREE * np.hypot(*error))
    sure = known.any(axis=0) & ~apart
    total, half = (
        np.where(sure, np.sqrt(((weights * each) ** 2).sum(axis=0)), np.inf)
        for each in (np.where(known, error, 0.0), np.where(known, high - value, 0.0))
    )
    centre = np.where(sure, mean, 0.0)
    why = tuple(
        "" if sure[k] else _DIFFER if apart[k] else first[k].reason for k in range(len(mean))
    )
    return Estimate(mean, total, centre - half, centre + half, sure, why)


def _logs(motif: AnchoredMotif, *, quantum: bool) -> Floats:
    logs: Floats = np.asarray(motif.log_partition.value)
    return logs + motif.log_quantum if quantum else logs


def _combined(value: Floats, parts: list[Estimate], factors: Floats) -> Estimate:
    """A combination of independent estimates (rung,): errors and half-widths add in squares."""
    known = np.all([part.known for part in parts], axis=0)

    def together(widths: list[Floats]) -> Floats:
        sure = np.where(known, np.array(widths), 0.0)
        total: Floats = np.sqrt(((factors * sure) ** 2).sum(axis=0))
        return np.where(known, total, np.inf)

    error = together([part.error for part in parts])
    half = together([
        np.where(part.known, np.where(part.known, part.high, 0) - part.value, 0) for part in parts
    ])  # fmt: skip
    centre = np.where(known, value, 0.0)
    why = next((part.reason for part in parts if not np.all(part.known)), "")
    return Estimate(value, error, centre - half, centre + half, known, why)
