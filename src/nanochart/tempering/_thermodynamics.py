"""Thermodynamics of a ladder: heat capacity, melting, populations, all with errors."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._progress import Progress, silent
from nanochart.tempering._ladder import Ladder
from nanochart.tempering._mbar import Mixture, solve_mixture
from nanochart.tempering._observables import Observables, observables
from nanochart.tempering._overlap import check_overlap
from nanochart.tempering._thermodynamics_result import (
    Estimate,
    Thermodynamics,
    ThermodynamicsConfig,
    interval,
)
from nanochart.tempering._time_blocks import (
    MIN_BLOCKS,
    TimeBlocks,
    resample,
    slowest_inefficiency,
    time_blocks,
)
from nanochart.units import BOLTZMANN

__all__ = ["thermodynamics"]

Floats = NDArray[np.float64]

_MIN_FRAMES = 20
#: Resamples that are weighted together: bounds the memory.
_BATCH = 16


def thermodynamics(
    energies: ArrayLike,
    rungs: ArrayLike,
    ladder: Ladder,
    n_atoms: int,
    config: ThermodynamicsConfig | None = None,
    *,
    labels: ArrayLike | None = None,
    label_names: Mapping[int, str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Thermodynamics:
    r"""Averages at any temperature of a ladder from the frames of all its rungs, by MBAR.

    .. math::

        C(T) = \frac{\langle E^2 \rangle - \langle E \rangle^2}{k T^2} + \frac{3N}{2} k, \qquad
        p_a(T) = \langle 1_a \rangle, \qquad F_b - F_a = -kT \ln \frac{p_b}{p_a}

    Every frame is used: correlated frames bias no average, and leaving some out would only widen
    the errors. Correlation belongs to the errors, which come from drawing blocks of time, across
    all replicas at once because exchanges correlate them. A block is five times the statistical
    inefficiency of the slowest of the frames' contributions to the averages at the rungs. Every
    draw solves the MBAR equations anew.

    Parameters
    ----------
    energies
        Potential energies in eV, (frame, replica), frames equally spaced in time.
    rungs
        (frame, replica) rung of each.
    ladder
        Temperatures.
    n_atoms
        Number of atoms N.
    config
        Grid, resamples, blocks.
    labels
        (frame, replica) non-negative integers, as those of motifs.
    label_names
        Integer -> name; the integers themselves where left out.
    seed
        Of the resamples.
    progress
        Told of every batch of resamples.

    Raises
    ------
    ValueError
        If the arrays do not fit, a rung is empty, neighbouring rungs do not overlap, or there are
        fewer than 20 frames.
    """
    asked = config or ThermodynamicsConfig()
    E, r, labelled = _checked(energies, rungs, ladder, labels)
    n_frames, n_replicas = E.shape
    acceptance, warnings = check_overlap(E, r, ladder)
    mixture = solve_mixture(E.ravel(), r.ravel(), ladder.betas)
    names = _named(labelled, label_names)
    indicators = np.stack([labelled.ravel() == k for k in names]).T if names else None

    contributions = _contributions(mixture, indicators, n_frames)
    blocks = time_blocks(n_frames, slowest_inefficiency(contributions), asked.block_length)
    T = np.linspace(ladder.temperatures[0], ladder.temperatures[-1], asked.n_temperatures)
    offset = float(E.mean())

    def average(counts: Floats, deltas: Floats) -> Observables:
        repeated = np.repeat(counts, n_replicas, axis=1)
        return observables(mixture, T, repeated, deltas, indicators, n_atoms, offset)

    once = np.ones((1, n_frames))
    point = average(once, np.zeros((1, len(ladder))))
    draws = []
    counted = resample(blocks, asked.n_resamples, np.random.default_rng(seed))
    for first in range(0, len(counted), _BATCH):
        counts = counted[first : first + _BATCH]
        deltas = np.array([mixture.shift(np.repeat(c, n_replicas)) for c in counts])
        draws.append(average(counts, deltas))
        progress("thermo", min(first + _BATCH, len(counted)), len(counted))
    spread = Observables.joined(draws)

    kT = BOLTZMANN * T
    differences = {
        (names[a], names[b]): interval(
            point.free_energy_difference(i, j, kT), spread.free_energy_difference(i, j, kT)
        )
        for (i, a), (j, b) in combinations(enumerate(names), 2)
    }
    melting = _peak(point, spread, T)
    resolved = bool(T[0] < melting.low - (T[1] - T[0]) and melting.high + (T[1] - T[0]) < T[-1])
    warnings += _block_warnings(blocks, n_frames) + _peak_warnings(
        melting, spread, T, resolved=resolved
    )
    return Thermodynamics(
        temperatures=T,
        energy=interval(point.energy, spread.energy),
        heat_capacity=interval(point.heat_capacity, spread.heat_capacity),
        ladder=np.array(ladder.temperatures),
        rung_energy=interval(point.rung_energy, spread.rung_energy),
        melting_temperature=melting,
        melting_resolved=resolved,
        populations={
            name: interval(point.populations[..., i], spread.populations[..., i])
            for i, name in enumerate(names.values())
        },
        free_energy_differences=differences,
        acceptance=acceptance,
        n_frames=n_frames,
        n_blocks=blocks.n_blocks,
        block_length=n_frames // blocks.n_blocks,
        intervals_reliable=blocks.n_blocks >= MIN_BLOCKS and not blocks.too_short,
        inefficiency=blocks.inefficiency,
        warnings=warnings,
    )


def _checked(
    energies: ArrayLike, rungs: ArrayLike, ladder: Ladder, labels: ArrayLike | None
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    E, r = np.asarray(energies, dtype=np.float64), np.asarray(rungs).astype(np.int64)
    known = np.zeros(E.shape, np.int64) if labels is None else np.asarray(labels).astype(np.int64)
    if E.ndim != 2 or r.shape != E.shape or known.shape != E.shape:
        raise ValueError(
            "energies, rungs and labels must have one shape (frame, replica); got "
            f"{E.shape}, {r.shape} and {known.shape}"
        )
    if len(E) < _MIN_FRAMES:
        raise ValueError(
            f"thermodynamics needs at least {_MIN_FRAMES} frames for its errors; got {len(E)}: "
            "sample longer or discard less"
        )
    if len(ladder) < 2:
        raise ValueError("thermodynamics needs a ladder of at least two temperatures; got one")
    missing = int((~np.isfinite(E)).sum())
    if missing:
        raise ValueError(
            f"every frame must have a finite energy; got {missing} of {E.size} that have none"
        )
    if r.min() < 0 or r.max() >= len(ladder):
        raise ValueError(
            f"rungs must lie between 0 and {len(ladder) - 1}, the last of the ladder; got "
            f"{r.min()} to {r.max()}"
        )
    empty = np.setdiff1d(np.arange(len(ladder)), r)
    if empty.size:
        raise ValueError(
            f"every rung must have frames; got none at {ladder.temperatures[empty[0]]:g} K: give "
            "the ladder that was sampled"
        )
    if labels is not None and known.min() < 0:
        raise ValueError(
            f"labels must not be negative; got {int((known < 0).sum())} of {known.size} that are: "
            "label all frames first"
        )
    return E, r, known if labels is not None else np.empty((0, 0), np.int64)


def _named(labels: NDArray[np.int64], given: Mapping[int, str] | None) -> dict[int, str]:
    return {int(k): (given or {}).get(int(k), str(k)) for k in np.unique(labels)}


def _contributions(mixture: Mixture, indicators: NDArray[np.bool_] | None, n_frames: int) -> Floats:
    """What each frame adds to the averages at the rungs, as (frame, quantity)."""
    W = mixture.weights
    E = mixture.energies
    columns = []
    for w in W.T:
        deviation = E - w @ E
        square = deviation**2
        values = [deviation, square - w @ square]
        if indicators is not None:
            values += [a - w @ a for a in indicators.T.astype(np.float64)]
        columns += [(w * v).reshape(n_frames, -1).sum(axis=1) for v in values]
    return np.array(columns).T


def _peak(point: Observables, spread: Observables, T: Floats) -> Estimate:
    """Melting temperature, with an interval that ends at most at the ends of the ladder."""
    found = interval(point.peak, spread.peak)
    return Estimate(found.value, np.maximum(found.low, T[0]), np.minimum(found.high, T[-1]))


def _block_warnings(blocks: TimeBlocks, n_frames: int) -> tuple[str, ...]:
    if blocks.n_blocks >= MIN_BLOCKS and not blocks.too_short:
        return ()
    shorter = ", shorter than the correlation asks for," if blocks.too_short else ""
    sentence = (
        f"too few independent blocks: {n_frames} frames make {blocks.n_blocks} blocks{shorter} "
        f"where {MIN_BLOCKS} blocks of {blocks.length} frames are needed, so the intervals do not "
        "hold 95 %: the true values can lie far outside; sample longer"
    )
    return (sentence,)


def _peak_warnings(
    melting: Estimate, spread: Observables, T: Floats, *, resolved: bool
) -> tuple[str, ...]:
    if np.isnan(melting.value):
        sentence = (
            "no melting peak: the heat capacity is highest at an end of the ladder; extend it, or "
            "sample longer"
        )
        return (sentence,)
    if resolved:
        return ()
    lost = 100.0 * float(np.isnan(spread.peak).mean())
    sentence = (
        f"no resolved melting peak: its interval reaches {T[0]:g} or {T[-1]:g} K, an end of the "
        f"ladder, where the heat capacity is highest in {lost:.0f} % of the resamples; sample "
        "longer, or extend the ladder"
    )
    return (sentence,)
