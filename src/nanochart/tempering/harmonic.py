r"""Averages from which the harmonic fluctuations are taken out, where minima last.

In a basin, with u the displacement from the own inherent structure m, laid onto the
configuration, and F the force,

.. math:: \langle E \rangle = \langle E + \tfrac12 F \cdot u
          + \tfrac{kT}{2} (3N - 6 + \partial_s \ln J) \rangle + \text{surface term}

follows by integration by parts over the length s of u, with the rotational Jacobian J of mapped
exchanges. Where the energy is harmonic the sum does not fluctuate at all. The identity misses what
is at the boundary of the basin, so it holds where minima last.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, vstack

from nanochart.clusters import superpose
from nanochart.parallel import chunks
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.tempering.mapped import rotational_matrix
from nanochart.tempering.replica_flow import walks
from nanochart.tempering.tempered import TemperedSample
from nanochart.units import AMU, BOLTZMANN

__all__ = ["HarmonicFrames", "MappedEnergies", "harmonic_frames", "mapped_energies"]

Floats = NDArray[np.float64]

#: Å that an atom of one and the same minimum may move from frame to frame.
_SAME = 0.3
#: Share of frames with another minimum than the one before, above which minima do not last.
_LASTING = 0.02
#: Numbers of a replica's path that are looked at together.
_AT_ONCE = 4_000_000
#: Turns in which the rates of changes are found, and the change of a share that ends them sooner.
_MOST_TURNS, _SETTLED = 500, 1e-6
#: Turns in which their errors are, each of which halves what is left.
_ERROR_TURNS = 10
#: Changes for each frame of time that a rung may have where all that is seen has changed.
_UNKNOWN_RATE = 100.0
#: Standard errors by which plain and mapped mean may differ before the mapped one is dropped.
_AGREE = 3.0


@short_repr
@dataclass(frozen=True, eq=False)
class HarmonicFrames:
    """What mapped averages need of frames.

    Attributes
    ----------
    shifts
        ½ F·u in eV, (frame, replica).
    freedom
        3N - 6 and the derivative of ln J, (frame, replica).
    lengths
        Norm of u in Å, (frame, replica).
    changed
        Whether the minimum is another than that of the frame before, (frame, replica); False in
        the first.
    """

    shifts: Floats
    freedom: Floats
    lengths: Floats
    changed: NDArray[np.bool_]


@short_repr
@dataclass(frozen=True, eq=False)
class MappedEnergies:
    """Harmonically mapped mean energies at the rungs.

    Attributes
    ----------
    energy
        Mean energy in eV, (rung,); unknown where minima do not last. Its error has the surface term
        that the observed changes of minimum make, as the systematic part.
    surface_term
        Plain less mapped mean of the same frames in eV, (rung,): what the identity misses, and
        noise.
    changes
        Share of frames whose minimum is another than that of the frame before, of a replica that
        stays at the rung in between, (rung,); with one standard error more, at least one event.
    """

    energy: Estimate
    surface_term: Estimate
    changes: Floats


def harmonic_frames(
    positions: Floats, minima: Floats, forces: Floats, before: Floats | None = None
) -> HarmonicFrames:
    """Prepare some frames for mapped averages.

    Parameters
    ----------
    positions, minima, forces
        (frame, replica, atom, 3): configurations and their inherent structures in Å, forces of
        the dynamics in eV/Å.
    before
        Minima of the frame before the first, (replica, atom, 3); None where there is none.
    """
    laid = superpose(minima, positions)
    u = positions - laid
    vibrations = max(3 * positions.shape[-2] - 6, 1)
    # d ln det M(s) / ds at s = 1 of M(s) = M(a) + s M(u).
    whole = rotational_matrix(laid - laid.mean(axis=-2, keepdims=True) + u, laid)
    slope = np.trace(np.linalg.solve(whole, rotational_matrix(u, laid)), axis1=-2, axis2=-1)
    first = minima[:1] if before is None else before[None]
    last = np.concatenate([first, minima[:-1]])
    moved = np.linalg.norm(superpose(last, minima) - minima, axis=-1).max(axis=-1)
    return HarmonicFrames(
        shifts=0.5 * (forces * u).sum(axis=(-2, -1)),
        freedom=vibrations + slope,
        lengths=np.linalg.norm(u, axis=(-2, -1)),
        changed=moved > _SAME,
    )


def mapped_energies(
    sample: TemperedSample,
    frames: HarmonicFrames,
    frame_time: float,
    mass: float,
    exchange_accepted: ArrayLike | None = None,
) -> MappedEnergies:
    r"""Mean energies at the rungs, mapped, with the surface term of the changes that were seen.

    A basin that is left at the rate k through boundaries at the distance |u| has the surface term
    :math:`\tfrac{kT}{2} |u|\, k / \sqrt{kT / 2 \pi m}`, for the flux through a boundary is the
    density there times the mean velocity across it.

    Parameters
    ----------
    sample
        Frames of the ladder.
    frames
        Of the same shape.
    frame_time
        Time between frames in fs.
    mass
        Of an atom, in amu.
    exchange_accepted
        Outcome of the attempts after each frame, (frame, attempt, pair): 1 where a pair exchanged.
        None where there is at most one to a frame, which the rungs of the frames tell as well.
    """
    rates, errors = _change_rates(frames.changed, sample, exchange_accepted)
    energies, terms, shares = [], [], []
    for k, T in enumerate(sample.ladder.temperatures):
        kT = BOLTZMANN * T
        weighted, here = sample.at(T), sample.rungs == k
        mapped = sample.energies + frames.shifts + 0.5 * kT * frames.freedom
        found = weighted.mean(mapped)
        term = weighted.mean(sample.energies - mapped)
        share = -np.expm1(-rates[k])
        rate = (rates[k] + errors[k]) / frame_time
        crossing = np.sqrt(kT / (2 * np.pi * mass * AMU))
        systematic = 0.5 * kT * float(frames.lengths[here].mean()) * rate / crossing
        reason = ""
        if share > _LASTING:
            reason = (
                f"minima do not last at {T:g} K: {share:.1%} of the frames have another one than "
                "the frame before"
            )
        elif not abs(float(term.value)) < _AGREE * float(term.error) + systematic:
            reason = f"plain and mapped mean energy differ at {T:g} K by more than their noise"
        unknown = Estimate.unknown(found.value, reason)
        energies.append(unknown if reason else found.widened(systematic))
        terms.append(term)
        shares.append(-np.expm1(-rates[k] - errors[k]))
    return MappedEnergies(Estimate.stacked(energies), Estimate.stacked(terms), np.array(shares))


def _change_rates(
    changed: NDArray[np.bool_], sample: TemperedSample, exchange_accepted: ArrayLike | None
) -> tuple[Floats, Floats]:
    r"""Changes of minimum for each frame of time at a rung and their standard errors, (rung,).

    Between two frames a replica is at several rungs, and where its minimum changed is not seen. Of
    rates :math:`\lambda_k` an interval i with the shares :math:`w_{ik}` of its time at the rungs
    has changed with probability :math:`1 - e^{-x_i}`, :math:`x_i = \sum_k w_{ik} \lambda_k`. The
    likeliest rates are the fixed point of expectation and maximization,

    .. math:: \lambda_k \leftarrow \frac{\lambda_k}{\sum_i w_{ik}}
              \sum_{i\ \text{changed}} \frac{w_{ik}}{1 - e^{-x_i}} ,

    and their errors those of the expected information where all rates are one error higher, so
    that the error of a rung at which nothing was seen to change is that of one event.
    """
    n_rungs = len(sample.ladder)
    weights = _time_at_rungs(sample, exchange_accepted)
    time = np.maximum(weights.sum(axis=0), 1.0)
    seen = weights[changed[1:].ravel()]
    rates = np.full(n_rungs, seen.shape[0] / time.sum())
    for _ in range(_MOST_TURNS if seen.shape[0] else 0):
        before = rates
        rates = before * (seen.T @ (-1.0 / np.expm1(-(seen @ before)))) / time
        if np.abs(np.exp(-rates) - np.exp(-before)).max() < _SETTLED:
            break
    errors = 1.0 / time
    for _ in range(_ERROR_TURNS):
        known = 1.0 / np.expm1(weights @ (rates + errors))
        information = (weights.T @ weights.multiply(known[:, None]).tocsr()).toarray()
        information += np.diag(np.full(n_rungs, _UNKNOWN_RATE**-2))
        errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return rates, errors


def _time_at_rungs(sample: TemperedSample, exchange_accepted: ArrayLike | None) -> csr_array:
    """Shares of the time from a frame to the next at the rungs, (frame and replica, rung)."""
    rungs, n_rungs = sample.rungs, len(sample.ladder)
    n_frames, n_replicas = rungs.shape
    if exchange_accepted is None:
        outcome = np.full((n_frames, 1, n_rungs - 1), -1)
    else:
        outcome = np.asarray(exchange_accepted)
    n, parts = outcome.shape[1], []
    # A frame is half-way in the round before its first attempt.
    spent = np.array([0.5, *np.ones(n - 1), 0.5]) / n
    for part in chunks(n_frames - 1, max(1, _AT_ONCE // ((n + 1) * n_replicas))):
        visited = walks(rungs[:-1][part], outcome[:-1][part]).reshape(-1, n, n_replicas)
        path = np.concatenate([visited, rungs[1:][part][:, None]], axis=1)
        columns = path.transpose(0, 2, 1).ravel()
        rows = np.arange(0, columns.size + 1, n + 1)
        size = len(path) * n_replicas
        weights = csr_array((np.tile(spent, size), columns, rows), shape=(size, n_rungs))
        weights.sum_duplicates()
        parts.append(weights)
    return vstack(parts, format="csr")
