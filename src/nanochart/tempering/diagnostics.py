"""What a run says about its ladder: acceptance, overlap, correlation, equilibration, mixing."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from nanochart.shown import counted, short_repr
from nanochart.statistics import import_pymbar
from nanochart.tempering.ladder import Ladder
from nanochart.tempering.replica_flow import (
    RoundTrips,
    communication_barrier,
    ideal_round_trip_time,
    replica_flow,
    round_trips,
    walks,
)

__all__ = [
    "Acceptance",
    "Equilibration",
    "Exchanges",
    "LadderDiagnostics",
    "acceptance",
    "by_rung",
    "counted_acceptance",
    "detect_equilibration",
    "diagnose_ladder",
    "energy_overlap",
]

Floats = NDArray[np.float64]

#: Starts that the search for the end of the equilibration tries: more cost more and say no more.
_N_STARTS = 50
#: A series shorter than this says nothing about its correlation.
_SHORTEST = 10


@short_repr
@dataclass(frozen=True)
class Acceptance:
    """Share of accepted exchanges of each neighbouring pair, with its interval of 68 %."""

    attempts: NDArray[np.int64]
    accepted: NDArray[np.int64]
    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Equilibration:
    """Beginning of the stationary part of a series, and what follows it.

    Attributes
    ----------
    start
        Number of samples before the stationary part.
    inefficiency
        Samples per independent sample from ``start`` on, at least 1.
    n_independent
        Number of independent samples from ``start`` on.
    drift
        Difference of the means before and after ``start``, in standard errors.
    """

    start: int
    inefficiency: float
    n_independent: float
    drift: float


@short_repr
@dataclass(frozen=True)
class Exchanges:
    """How replicas or walkers exchange along a ladder.

    Attributes
    ----------
    ladder
        Temperatures of the ladder.
    acceptance
        Of each pair.
    n_mapped
        Number of the lowest pairs that exchange mapped.
    trips
        Round trips of each replica, (replica,); None where they were not counted.
    """

    ladder: Ladder
    acceptance: Acceptance
    n_mapped: int = 0
    trips: NDArray[np.int64] | None = None


@short_repr
@dataclass(frozen=True)
class LadderDiagnostics:
    """Acceptance, replica flow, round trips, overlap and equilibration of a ladder.

    Attributes
    ----------
    ladder
        Temperatures of the ladder.
    n_frames
        Number of stored frames.
    acceptance
        Acceptance of exchanges of each pair; None where exchanges are not recorded.
    flow
        Share of replicas at each rung that come from the top, shape (rung,).
    trips
        Round trips of the replicas.
    overlap
        Common area of neighbouring energy distributions, shape (pair,); NaN without energies.
    equilibration
        Equilibration of the energy at each temperature; None for a series that is too short.
    replica_inefficiency
        Frames per independent frame along each replica, shape (replica,); NaN without energies.
    energies
        Energies in eV, shape (frame, rung).
    n_mapped
        Number of the lowest pairs that exchange mapped.
    attempts_per_frame
        Attempts to exchange between two stored frames.
    mapped_every
        At one of how many of their turns mapped pairs are tried.
    frame_time
        Time between stored frames in ns; None where it is not known.
    """

    ladder: Ladder
    n_frames: int
    acceptance: Acceptance | None
    flow: Floats
    trips: RoundTrips
    overlap: Floats
    equilibration: tuple[Equilibration | None, ...]
    replica_inefficiency: Floats
    energies: Floats
    n_mapped: int = 0
    attempts_per_frame: int = 1
    mapped_every: int = 1
    frame_time: float | None = None

    def time_of(self, frames: float) -> str:
        """How long some frames are, with the unit; in frames where the time is not known."""
        if self.frame_time is None:
            return counted(frames, "frame")
        ns = frames * self.frame_time
        return f"{ns:.3g} ns" if ns >= 0.1 else f"{1000 * ns:.3g} ps"

    @property
    def exchanges(self) -> Exchanges | None:
        """How its replicas exchange; None where that was not recorded."""
        if self.acceptance is None:
            return None
        return Exchanges(self.ladder, self.acceptance, self.n_mapped, self.trips.counts)

    @property
    def inefficiency(self) -> Floats:
        """Frames per independent frame along each temperature, shape (rung,)."""
        return np.array([np.nan if e is None else e.inefficiency for e in self.equilibration])

    @property
    def ideal_time(self) -> float:
        """Frames of a round trip if only the exchanges held it up; infinite if not recorded."""
        if self.acceptance is None:
            return np.inf
        rounds = ideal_round_trip_time(self.acceptance.share, self.n_mapped, self.mapped_every)
        return rounds / self.attempts_per_frame

    @property
    def barrier(self) -> float:
        """Communication barrier of the ladder, as `communication_barrier`; NaN if not recorded."""
        return np.nan if self.acceptance is None else communication_barrier(self.acceptance.share)


def acceptance(exchange_accepted: ArrayLike) -> Acceptance:
    """Count the exchanges of each neighbouring pair of rungs, as `counted_acceptance`.

    Parameters
    ----------
    exchange_accepted
        Outcome of each exchange, shape (frame, pair): -1 not attempted, 0 refused, 1 accepted.
    """
    outcome = np.asarray(exchange_accepted)
    return counted_acceptance((outcome >= 0).sum(axis=0), (outcome == 1).sum(axis=0))


def counted_acceptance(attempts: NDArray[np.int64], accepted: NDArray[np.int64]) -> Acceptance:
    """Acceptance of each pair from its attempts and exchanges, each (pair,).

    The interval is Wilson's at one sigma, which stays inside [0, 1] and does not vanish when none
    or all were accepted.
    """
    n = np.where(attempts > 0, attempts, np.nan)
    share = accepted / n
    centre = (share + 0.5 / n) / (1.0 + 1.0 / n)
    half = np.sqrt(share * (1.0 - share) / n + 0.25 / n**2) / (1.0 + 1.0 / n)
    return Acceptance(attempts, accepted, share, centre - half, centre + half)


def by_rung(values: ArrayLike, rungs: ArrayLike, n_rungs: int) -> Floats:
    """Order a quantity by rung: (frame, replica) -> (frame, rung), NaN where none stands."""
    held, place = np.asarray(values, float), np.asarray(rungs, np.int64)
    out = np.full((len(held), n_rungs), np.nan)
    out[np.arange(len(held))[:, None], place] = held
    return out


def energy_overlap(first: ArrayLike, second: ArrayLike) -> float:
    r"""Common area of two distributions of the energy, from 0 (apart) to 1 (equal).

    .. math:: o = \int \min\{p_1(E), p_2(E)\}\, dE

    with densities smoothed by a Gaussian of Silverman's width 0.9 σ n^(-1/5): bare histograms of
    equal distributions would differ by their noise. For normal distributions of width σ whose
    means are Δ apart it is erfc(Δ / (2√2 σ)).

    Parameters
    ----------
    first, second
        Energies in one unit, shape (sample,); NaN are left out.
    """
    samples = [x[np.isfinite(x)] for x in (np.asarray(first, float), np.asarray(second, float))]
    if min(x.size for x in samples) < 2:
        return np.nan
    widths = [max(0.9 * float(x.std()) * x.size**-0.2, 1e-12) for x in samples]
    reach = 4.0 * max(widths)
    low, high = min(x.min() for x in samples) - reach, max(x.max() for x in samples) + reach
    n_bins = int(np.clip(4.0 * (high - low) / min(widths), 64, 20_000))
    bin_width = (high - low) / n_bins
    shares = [
        gaussian_filter1d(np.histogram(x, n_bins, (low, high))[0] / x.size, h / bin_width)
        for x, h in zip(samples, widths, strict=True)
    ]
    return float(np.minimum(*shares).sum())


def detect_equilibration(series: ArrayLike) -> Equilibration | None:
    """Find the start from which a series holds the most independent samples.

    The start t0 is the one that maximizes (T - t0) / g(t0), with the statistical inefficiency g of
    what follows (Chodera, J. Chem. Theory Comput. 12, 1799 (2016)), by pymbar.

    Parameters
    ----------
    series
        Samples in time order, shape (sample,); NaN are left out.

    Returns
    -------
    Equilibration or None
        None below ten samples, and for a series that does not vary.
    """
    values = np.asarray(series, float)
    values = values[np.isfinite(values)]
    if values.size < _SHORTEST or np.ptp(values) == 0.0:
        return None
    skip = max(1, values.size // _N_STARTS)
    # Its fast mode skips lags and finds a fifth too much correlation in a short memory.
    start, g, n_independent = import_pymbar().timeseries.detect_equilibration(
        values, fast=False, nskip=skip
    )
    start, g = int(start), float(g)
    drift = 0.0
    if start:
        rest = values[start:]
        variance = float(rest.var()) * g * (1.0 / start + 1.0 / rest.size)
        difference = abs(float(values[:start].mean() - rest.mean()))
        drift = difference / np.sqrt(variance) if variance > 0 else np.inf
    return Equilibration(start, g, float(n_independent), float(drift))


def diagnose_ladder(
    ladder: Ladder,
    rungs: ArrayLike,
    energies: ArrayLike | None = None,
    exchange_accepted: ArrayLike | None = None,
    *,
    n_mapped: int = 0,
    mapped_every: int = 1,
    frame_time: float | None = None,
) -> LadderDiagnostics:
    """Diagnose a ladder from its run: acceptance, flow, round trips, overlap and equilibration.

    Parameters
    ----------
    ladder
        Temperatures of the ladder.
    rungs
        Rung of each replica, shape (frame, replica).
    energies
        Potential energies in eV, shape (frame, replica).
    exchange_accepted
        Outcome of each exchange, shape (frame, pair), or (frame, attempt, pair) where there were
        several after each frame: -1 not attempted, 0 refused, 1 accepted.
    n_mapped
        Number of the lowest pairs that exchange mapped.
    mapped_every
        At one of how many of their turns these are tried.
    frame_time
        Time between stored frames in ns.
    """
    places = np.asarray(rungs, np.int64)
    n = len(ladder)
    held = np.full(places.shape, np.nan) if energies is None else np.asarray(energies, float)
    if held.shape != places.shape:
        raise ValueError(
            "energies must have the shape of rungs, (frame, replica); got "
            f"{held.shape} and {places.shape}"
        )
    outcome = None
    if exchange_accepted is not None:
        outcome = np.asarray(exchange_accepted)
        if outcome.ndim not in (2, 3) or outcome.shape[-1] != n - 1:
            raise ValueError(
                f"exchange_accepted must have the shape (frame, {n - 1}), or (frame, attempt, "
                f"{n - 1}), for {n} temperatures; got {outcome.shape}"
            )
        outcome = outcome.reshape(len(outcome), -1, n - 1)
    attempts = 1 if outcome is None else outcome.shape[1]
    visited = places if outcome is None or attempts == 1 else walks(places, outcome)
    trips = round_trips(visited, n)
    ordered = by_rung(held, places, n)
    return LadderDiagnostics(
        ladder=ladder,
        n_frames=len(places),
        acceptance=None if outcome is None else acceptance(outcome.reshape(-1, n - 1)),
        flow=replica_flow(visited, n),
        trips=replace(trips, time=trips.time / attempts),
        overlap=np.array([energy_overlap(ordered[:, k], ordered[:, k + 1]) for k in range(n - 1)]),
        equilibration=tuple(detect_equilibration(ordered[:, k]) for k in range(n)),
        replica_inefficiency=_replica_inefficiency(held, places, ordered),
        energies=ordered,
        n_mapped=n_mapped,
        mapped_every=mapped_every,
        attempts_per_frame=attempts,
        frame_time=frame_time,
    )


def _replica_inefficiency(
    held: Floats, places: NDArray[np.int64], ordered: Floats
) -> NDArray[np.float64]:
    """Along each replica, of the energy less the mean at its temperature, over its width there.

    What a replica remembers of its structure it takes along to other temperatures; a series at
    one temperature, to which ever other replicas come, forgets it too early.
    """
    out = np.full(held.shape[1], np.nan)
    if len(held) < _SHORTEST or not np.isfinite(held).all():
        return out
    # A rung on which nothing varies has no width to count in; its energies are all the mean.
    width = np.where(ordered.std(axis=0) > 0, ordered.std(axis=0), 1.0)
    scaled = (held - ordered.mean(axis=0)[places]) / width[places]
    estimate = import_pymbar().timeseries.statistical_inefficiency
    for replica in range(held.shape[1]):
        if np.ptp(scaled[:, replica]) > 0:
            out[replica] = estimate(scaled[:, replica])
    return out
