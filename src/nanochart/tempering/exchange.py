"""Replica exchange between neighbouring temperatures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr
from nanochart.tempering.ladder import Ladder

__all__ = ["Exchange", "exchange", "metropolis_criterion"]

Attempt = Callable[[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]


@short_repr
@dataclass(frozen=True)
class Exchange:
    """Outcome of one attempt to exchange neighbouring replicas.

    ``rungs`` (replica,): where each replica stands afterwards. ``accepted`` (pair,) int8, for the
    pair of rungs (k, k + 1): 1 exchanged, 0 refused, -1 not attempted.
    """

    rungs: NDArray[np.int64]
    accepted: NDArray[np.int8]


def metropolis_criterion(
    beta_i: float, beta_j: float, energy_i: float, energy_j: float, uniform: float
) -> bool:
    r"""Decide whether two configurations exchange their temperatures.

    The joint distribution :math:`e^{-\beta_i E_i - \beta_j E_j}` is kept by accepting with
    probability :math:`\min(1, e^{(\beta_i - \beta_j)(E_i - E_j)})`.
    """
    return bool(np.log(uniform) < (beta_i - beta_j) * (energy_i - energy_j))


def exchange(
    rungs: NDArray[np.int64],
    energies: NDArray[np.float64],
    ladder: Ladder,
    parity: int,
    rng: np.random.Generator,
    attempt: Attempt | None = None,
    n_mapped: int = 0,
) -> Exchange:
    """Attempt the exchanges (k, k + 1) with k of one parity.

    Pairs of one parity share no replica, so the attempts are independent; alternating the parity
    from attempt to attempt lets a replica travel the whole ladder.

    Parameters
    ----------
    rungs
        Rung of each replica, (replica,).
    energies
        Potential energies in eV, (replica,).
    ladder
        Temperatures of the ladder.
    parity
        Parity of k, 0 or 1.
    rng
        Random generator, of which one number is consumed for each pair.
    attempt
        Decides pairs that are exchanged in another way: given replicas (pair, 2), their 1/kT
        (pair, 2) and the logarithms of the random numbers (pair,), it says which are accepted.
        None leaves these pairs out.
    n_mapped
        Number of the lowest pairs of the ladder that ``attempt`` decides.
    """
    beta = ladder.betas
    new = rungs.copy()
    holder = np.argsort(rungs)
    accepted = np.full(max(len(ladder) - 1, 0), -1, dtype=np.int8)
    pairs = np.arange(parity, len(ladder) - 1, 2)
    uniform = rng.random(len(pairs))
    for k, number in zip(pairs, uniform, strict=True):
        i, j = holder[k], holder[k + 1]
        accepted[k] = metropolis_criterion(beta[k], beta[k + 1], energies[i], energies[j], number)
    other = pairs < n_mapped
    lower = pairs[other]
    if attempt is None:
        accepted[lower] = -1
    elif other.any():
        upper = lower + 1
        members = np.stack([holder[lower], holder[upper]], axis=1)
        betas = np.stack([beta[lower], beta[upper]], axis=1)
        accepted[lower] = attempt(members, betas, np.log(uniform[other]))
    for k in np.flatnonzero(accepted == 1):
        i, j = holder[k], holder[k + 1]
        new[i], new[j] = rungs[j], rungs[i]
    return Exchange(new, accepted)
