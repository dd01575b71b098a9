"""Up to which temperature mapped exchanges carry further than plain ones: where minima last."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.dynamics import State, initialize, join
from nanochart.parallel import map_in_order
from nanochart.potentials import Potential
from nanochart.shown import short_repr
from nanochart.tempering.ladder import Ladder
from nanochart.tempering.mapped import MappedExchange
from nanochart.tempering.sampler import Segment
from nanochart.tempering.tuning import mean_acceptance

__all__ = ["MappedReach", "mapped_reach"]

Floats = NDArray[np.float64]

#: Configurations of each rung, and times between two of them before the first.
_SAMPLES, _DISCARDED = 6, 3
#: Times between two configurations that the hottest rung runs before the others go on from there.
_HEATED = 30
#: Acceptance that the quenches of a mapped exchange must bring at least.
_COST = 0.1


@short_repr
@dataclass(frozen=True)
class MappedReach:
    """What short runs from the starts say of the exchanges of a ladder.

    Attributes
    ----------
    ladder
        Temperatures.
    plain, mapped
        Acceptance of each pair by the two kinds of exchange, (pair,).
    below
        Highest temperature in K of a pair to be mapped, 0 for none.
    """

    ladder: Ladder
    plain: Floats
    mapped: Floats

    @property
    def below(self) -> float:
        """Where the mapped exchanges of all pairs up to there gain most over plain ones."""
        gained = np.concatenate([[0.0], np.cumsum(self.mapped - self.plain - _COST)])
        return (0.0, *self.ladder.temperatures[1:])[int(np.argmax(gained))]


def mapped_reach(
    segment: Segment,
    start: ArrayLike,
    potential: Potential,
    ladder: Ladder,
    exchange: MappedExchange,
    n_steps: int,
    seed: int,
    executor: Executor | None = None,
) -> MappedReach:
    """Measure plain and mapped acceptance of each pair of a ladder in short runs.

    Each rung runs from a solid start, and from what that became at the hottest rung: near melting
    a ladder holds both. Configurations of neighbours are paired. The answer decides what an
    exchange costs and gains, never what it samples, so a rough one serves.

    Parameters
    ----------
    segment
        Dynamics of a replica.
    start
        Structure (atom, 3) in Å: one for all, because the depths of two would be compared.
    potential
        Gives the mass.
    ladder
        Temperatures.
    exchange
        The mapped exchange.
    n_steps
        Time steps between the configurations of a rung.
    seed
        Seed of the short runs and of nothing else.
    executor
        Executor that they run on.
    """
    hot = initialize(start, potential, [ladder.temperatures[-1]], seed)
    hot = _advanced(hot, segment, _HEATED * n_steps, executor)
    # Its minimum: heat of another temperature would explode what is cold.
    molten = exchange.minima(hot.positions, executor)[0][0]
    found = [
        _measured(initialize(x, potential, ladder.temperatures, seed + k), segment, ladder,
                  exchange, n_steps, executor)
        for k, x in enumerate((start, molten), start=1)
    ]  # fmt: skip
    plain, mapped = np.mean(found, axis=0)
    return MappedReach(ladder, plain, mapped)


def _measured(
    state: State,
    segment: Segment,
    ladder: Ladder,
    exchange: MappedExchange,
    n_steps: int,
    executor: Executor | None,
) -> tuple[Floats, Floats]:
    """Plain and mapped acceptance of each pair, from one state of all rungs on."""
    n = len(ladder)
    state = _advanced(state, segment, _DISCARDED * n_steps, executor)
    positions, energies = [], []
    for _ in range(_SAMPLES):
        state = _advanced(state, segment, n_steps, executor)
        positions.append(state.positions)
        energies.append(exchange.energies(state.positions))
    held, E = np.array(positions), np.array(energies)
    plain, mapped = np.zeros(n - 1), np.zeros(n - 1)
    for k in range(n - 1):
        T = ladder.temperatures[k], ladder.temperatures[k + 1]
        plain[k] = mean_acceptance(E[:, k], E[:, k + 1], *T)
        betas = np.tile(ladder.betas[k : k + 2], (_SAMPLES, 1))
        always = np.full(_SAMPLES, -np.inf)
        moves = exchange.attempt(held[:, k : k + 2], E[:, k : k + 2], betas, always, executor)
        mapped[k] = np.mean(np.exp(np.minimum(moves.log_ratio, 0.0)) * moves.accepted)
    return plain, mapped


def _advanced(state: State, segment: Segment, n_steps: int, executor: Executor | None) -> State:
    """All replicas a number of steps later."""
    work = partial(segment, n_steps=n_steps, sample_every=n_steps)
    states = [state[k] for k in range(len(state))]
    return join([after for after, _ in map_in_order(work, states, executor)])
