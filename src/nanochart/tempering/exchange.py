"""Replica exchange between neighbouring temperatures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr
from nanochart.tempering.ladder import Ladder

__all__ = ["Exchange", "exchange", "metropolis_criterion"]


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
    """
    beta = ladder.betas
    new = rungs.copy()
    holder = np.argsort(rungs)
    accepted = np.full(max(len(ladder) - 1, 0), -1, dtype=np.int8)
    for k in range(parity, len(ladder) - 1, 2):
        i, j = holder[k], holder[k + 1]
        swap = metropolis_criterion(beta[k], beta[k + 1], energies[i], energies[j], rng.random())
        accepted[k] = swap
        if swap:
            new[i], new[j] = rungs[j], rungs[i]
    return Exchange(new, accepted)
