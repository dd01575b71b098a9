"""Thermodynamics of a ladder by MBAR, with errors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.progress import Progress, silent
from nanochart.statistics import Estimate, Weighted, make_blocks, slices_of, state_populations
from nanochart.tempering.tempered import TemperedSample
from nanochart.tempering.thermodynamics_result import Thermodynamics, ThermodynamicsConfig
from nanochart.units import BOLTZMANN

__all__ = ["peak_temperature", "thermodynamics"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Share of the frames above which the differences of a label are asked for.
_MATTERS = 0.01
#: Temperatures between words on how far it is.
_BATCH = 8


def thermodynamics(
    sample: TemperedSample,
    n_atoms: int,
    config: ThermodynamicsConfig | None = None,
    *,
    labels: ArrayLike | None = None,
    label_names: Mapping[int, str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Thermodynamics:
    r"""Compute averages at any temperature of a ladder from the frames of all rungs, by MBAR.

    .. math::

        C(T) = \frac{\langle E^2 \rangle - \langle E \rangle^2}{k T^2} + \frac{3N}{2} k, \qquad
        p_a(T) = \langle 1_a \rangle, \qquad F_b - F_a = -kT \ln \frac{p_b}{p_a}

    Every frame is used: correlated frames bias no average, and leaving some out would only widen
    the errors. Errors are those of `nanochart.statistics.Weighted`: nothing is known of a ladder
    that is broken, not mixed or not equilibrated, and of one that is, only what its replicas saw
    often enough. The curves begin where all neighbours overlap from there on; the energy at the
    rungs has the colder ones of a mapped ladder, too.

    Parameters
    ----------
    sample
        Frames of the ladder, from `tempered_sample`.
    n_atoms
        Number of atoms N.
    config
        Number of temperatures and of resamples.
    labels
        Label of each frame, such as its motif, as a non-negative integer, (frame, replica).
    label_names
        Name of each label by its integer; the integers themselves where left out.
    seed
        Seed of the resamples of the peak.
    progress
        Function that is called every few temperatures.

    Raises
    ------
    ValueError
        If the labels do not fit.
    """
    asked = config or ThermodynamicsConfig()
    labelled, ladder = _checked(sample.energies, labels), sample.ladder
    names = {int(k): (label_names or {}).get(int(k), str(k)) for k in np.unique(labelled)}
    inside = np.moveaxis(np.stack([labelled == k for k in names]), 0, -1) if names else None
    T = np.linspace(sample.joined_from, ladder.temperatures[-1], asked.n_temperatures)
    # Of each to the one seen most: others follow from these, and of many families the pairs are
    # hundreds.
    seen = [float((labelled == x).mean()) for x in names]
    most = int(np.argmax(seen)) if seen else 0
    pairs = [(most, k) for k, share in enumerate(seen) if k != most and share >= _MATTERS]
    found = []
    for k, temperature in enumerate(T):
        found.append(_at(sample, float(temperature), n_atoms, inside, tuple(names.values()), pairs))
        if k % _BATCH == 0 or k + 1 == len(T):
            progress("thermo", k + 1, len(T))
    rung_energy = Estimate.stacked(
        [sample.at(t).mean(sample.energies) for t in ladder.temperatures]
    )
    capacity = Estimate.stacked([each.capacity for each in found])
    melting, notes = _peak(sample, T, capacity, found, asked.n_resamples, seed)
    shares = [Estimate.stacked([f.shares[a] for f in found]) for a in range(len(names))]
    gaps = [Estimate.stacked([f.gaps[p] for f in found]) for p in range(len(pairs))]
    called = list(names.values())
    why = (
        (sample.reservation,)
        if sample.reservation
        else _unknown(dict(zip(called, shares, strict=True)), T)
    )
    return Thermodynamics(
        temperatures=T,
        energy=Estimate.stacked([each.energy for each in found]),
        heat_capacity=capacity,
        ladder=np.array(ladder.temperatures),
        rung_energy=rung_energy,
        melting_temperature=melting,
        populations=dict(zip(called, shares, strict=True)),
        free_energy_differences={
            (called[a], called[b]): gap for (a, b), gap in zip(pairs, gaps, strict=True)
        },
        acceptance=sample.acceptance,
        n_frames=len(sample.energies),
        warnings=why + sample.warnings + notes,
    )


@dataclass(frozen=True, eq=False)
class _Point:
    """What is found at one temperature; ``slices`` (slice, replica) are of the heat capacity."""

    energy: Estimate
    capacity: Estimate
    shares: Estimate
    gaps: Estimate
    slices: Floats


def _at(
    sample: TemperedSample,
    T: float,
    n_atoms: int,
    inside: NDArray[np.bool_] | None,
    names: tuple[str, ...],
    pairs: list[tuple[int, int]],
) -> _Point:
    weighted: Weighted = sample.at(T)
    w, E = weighted.weights, sample.energies
    mean = float((w * E).sum())
    square = (E - mean) ** 2
    variance = float((w * square).sum())
    unit = BOLTZMANN * T**2
    influence = np.stack([w * (E - mean), w * (square - variance) / unit], axis=-1)
    both = weighted.judged([mean, variance / unit + 1.5 * n_atoms * BOLTZMANN], influence)
    slices = slices_of(weighted.carried(influence[..., 1:]))[..., 0]
    nothing = Estimate.unknown(np.zeros(0), "")
    if inside is None:
        return _Point(both[0], both[1], nothing, nothing, slices)
    populations = state_populations(inside, weighted, T, names)
    gaps = populations.differences(pairs) if pairs else nothing
    return _Point(both[0], both[1], populations.shares, gaps, slices)


def _unknown(populations: Mapping[str, Estimate], T: Floats) -> tuple[str, ...]:
    """Which populations are not known, and where."""
    sentences = []
    for name, share in populations.items():
        lacking = T[~np.asarray(share.known)]
        if lacking.size:
            sentences.append(
                f"the population of {name} is unknown at {lacking.size} of {T.size} "
                f"temperatures from {lacking[0]:.0f} to {lacking[-1]:.0f} K: {share.reason}"
            )
    return tuple(sentences)


def _checked(E: Floats, labels: ArrayLike | None) -> Ints:
    if labels is None:
        return np.empty((0, 0), np.int64)
    known = np.asarray(labels).astype(np.int64)
    if known.shape != E.shape:
        raise ValueError(
            "labels must have the shape of the energies, (frame, replica); got "
            f"{known.shape} and {E.shape}"
        )
    if known.min() < 0:
        raise ValueError(
            f"labels must not be negative; got {int((known < 0).sum())} of {known.size} that are: "
            "label all frames first"
        )
    return known


def _peak(
    sample: TemperedSample, T: Floats, capacity: Estimate, found: list[_Point], n: int, seed: int
) -> tuple[Estimate, tuple[str, ...]]:
    """Melting temperature with its interval, from resamples of the heat capacity's curve."""
    value = peak_temperature(T, capacity.value)
    if np.isnan(value):
        why = (
            "no melting peak: the heat capacity is highest at an end of the ladder; extend it, or "
            "sample longer"
        )
        return Estimate.unknown(np.nan, why), (why,)
    place = int(np.argmax(capacity.value))
    if not capacity.known[place]:
        why = f"the melting peak is not known: {capacity.reason}"
        return Estimate.unknown(value, why), (() if sample.reservation else (why,))
    slices = np.stack([point.slices for point in found], axis=-1)
    blocks = make_blocks(slices[..., place], "replicas").decisive(slices[..., place])
    draws = capacity.value + blocks.draws(blocks.sums(slices), n, seed)
    peaks = np.array([peak_temperature(T, curve) for curve in draws])
    rank = max(int(0.025 * (n + 1)), 1)
    low = float(np.sort(np.where(np.isnan(peaks), T[0], peaks))[rank - 1])
    high = float(np.sort(np.where(np.isnan(peaks), T[-1], peaks))[-rank])
    step = T[1] - T[0]
    if T[0] < low - step and high + step < T[-1]:
        error = float(np.nanstd(peaks, ddof=1))
        return Estimate(value, error, low, high, known=np.array(True)), ()
    lost = 100.0 * float(np.isnan(peaks).mean())
    why = (
        f"no resolved melting peak: its interval reaches {T[0]:g} or {T[-1]:g} K, an end of the "
        f"ladder, where the heat capacity is highest in {lost:.0f} % of the resamples; sample "
        "longer, or extend the ladder"
    )
    return Estimate.unknown(value, why), (why,)


def peak_temperature(temperatures: Floats, heat_capacity: Floats) -> float:
    """Temperature in K of the highest heat capacity, between grid points by a parabola.

    NaN where it is highest at an end of the grid, which is no peak.
    """
    k = int(np.argmax(heat_capacity))
    if k in {0, len(heat_capacity) - 1}:
        return float("nan")
    left, top, right = heat_capacity[k - 1 : k + 2]
    shift = 0.5 * (left - right) / (left - 2.0 * top + right)
    return float(temperatures[k] + shift * (temperatures[1] - temperatures[0]))
