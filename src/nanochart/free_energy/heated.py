"""Frames of biased rungs at several temperatures as one weighted sample, by MBAR."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.free_energy.overlap import LEAST_OVERLAP, disconnected
from nanochart.shown import counted
from nanochart.statistics import Mixture, Weighted, solve_mixture
from nanochart.tempering import Ladder, round_trips
from nanochart.units import BOLTZMANN, kelvin

__all__ = ["heated_weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Samples that a part of a run must have.
_FEWEST = 4
#: Round trips per walker below which what it saw still depends on where it started.
_FEW_TRIPS = 1.0


def heated_weights(
    energies: ArrayLike,
    log_weights: ArrayLike,
    rungs: ArrayLike,
    temperatures: Sequence[float],
    temperature: float,
    *,
    walks: ArrayLike | None = None,
) -> Weighted:
    r"""Weights of all samples of all rungs without bias, at one temperature, by MBAR.

    .. math:: w_n \propto \frac{e^{-\beta E_n}}{\sum_k N_k\, e^{f_k - u_k(n)}}, \qquad
        u_k(n) = \beta_k E_n + \ell_k(n)

    where :math:`\ell_k(n)` is the logarithm of the weight that the configuration had without the
    bias if it were a sample of rung k at its moment: :math:`\beta_k (V_k - c_k(t))` of
    metadynamics, :math:`\beta_k V_k` of OPES and of walls. So :math:`e^{-u_k}` is the biased
    density of that moment, of which the normalization does not change while the bias grows, and
    samples of all moments are those of one mixture. With one rung these are the weights of its
    method; without a bias, those of parallel tempering.

    Parameters
    ----------
    energies
        Potential energies in eV, (time, walker).
    log_weights
        :math:`\ell_k(n)`, (time, walker, rung).
    rungs
        Rung of each walker, (time, walker).
    temperatures
        Those of the rungs in K, rising.
    temperature
        The one that is asked for in K, from the lowest to the highest.
    walks
        Rungs at more times than there are samples of, (time, walker), by which round trips are
        counted; by default those of the samples.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the temperature is not within the ladder.
    ConvergenceError
        If neighbouring rungs do not overlap; names them and the remedy.
    """
    E, logs = (np.asarray(a, dtype=np.float64) for a in (energies, log_weights))
    r, ladder = np.asarray(rungs).astype(np.int64), Ladder(tuple(temperatures))
    T, K = np.array(ladder.temperatures), len(ladder)
    if E.ndim != 2 or logs.shape != (*E.shape, K) or r.shape != E.shape or len(E) < _FEWEST:
        raise ValueError(
            "samples of heated runs must have energies and rungs (time, walker) and log-weights "
            f"(time, walker, rung) of {K} rungs, at {_FEWEST} times or more; got {E.shape}, "
            f"{r.shape} and {logs.shape}"
        )
    if not T[0] <= temperature <= T[-1]:
        raise ValueError(
            f"the temperature must be one from {T[0]:g} to {T[-1]:g} K, those of the rungs; got "
            f"{temperature:g}"
        )
    # The zero of the energies is arbitrary: it is a constant factor of all weights.
    relative = E - E.mean()
    beta, reduced = 1.0 / (BOLTZMANN * temperature), ladder.betas * relative[..., None] + logs
    memory: dict[bytes, tuple[int, str]] = {}
    reservation = _unmixed(r if walks is None else np.asarray(walks), K)

    def weigh(first: int, last: int) -> Weighted:
        u, own = reduced[first:last], r[first:last]
        if len(np.unique(own)) < K:
            raise ConvergenceError("a rung has no samples in this part of the run")
        mixture = solve_mixture(u.reshape(-1, K).T, own.ravel(), f"the {K} rungs")
        _check_overlap(mixture, T)
        logarithms = -beta * relative[first:last] - mixture.log_mixture.reshape(own.shape)
        return Weighted(logarithms, "replicas", None, mixture, reservation, weigh, memory)

    return weigh(0, len(E))


def _unmixed(walks: NDArray[np.integer], n_rungs: int) -> str:
    """That walkers did not go up and down the ladder, in a sentence; empty if they did."""
    counts = round_trips(walks, n_rungs).counts
    if n_rungs == 1 or counts.mean() >= _FEW_TRIPS:
        return ""
    return (
        f"the ladder is not mixed: {counted(len(counts), 'walker')} made "
        f"{counted(int(counts.sum()), 'round trip')} between its ends, where one of each is "
        "needed: run longer, or place more temperatures between"
    )


def _check_overlap(mixture: Mixture, temperatures: Floats) -> None:
    """Refuse rungs that fall into groups between which nothing is shared."""
    parts = disconnected(mixture.overlap)
    if parts is None:
        return
    first, other = (", ".join(kelvin(float(t)) for t in temperatures[part]) for part in parts)
    raise ConvergenceError(
        f"the samples at {first} K share less than {LEAST_OVERLAP:.0%} with those at {other} K, so "
        "no free energy connects them: place temperatures between"
    )
