"""Up to which temperature mapped exchanges carry further than plain ones, and what they cost."""

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
from nanochart.tempering.mapped import MappedExchange, quench_evaluations
from nanochart.tempering.replica_flow import ideal_round_trip_time
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
#: Share of a run that mapped exchanges may take.
_SHARE = 0.15
#: What a mapped exchange costs in time steps: of each force evaluation of its quenches, and beside
#: them, for each of its members, in steps of one atom (Au38 and Au147, one core).
_PER_EVALUATION, _BESIDE = 1.2, 1_500.0
#: Acceptance that short runs can tell from none, of plain exchanges by energies of all pairs.
_LEAST_MAPPED, _LEAST_PLAIN = 0.01, 1e-4


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
    evaluations
        Force evaluations of a quench at each rung, (rung,).
    n_atoms
        Of the cluster.
    """

    ladder: Ladder
    plain: Floats
    mapped: Floats
    evaluations: Floats
    n_atoms: int

    @property
    def below(self) -> float:
        """Highest temperature in K up to which minima last, 0 for none.

        The mapped exchanges of all pairs up to there gain most over plain ones.
        """
        gained = np.concatenate([[0.0], np.cumsum(self.mapped - self.plain - _COST)])
        return self._highest(int(np.argmax(gained)))

    def cost(self, n_mapped: int) -> float:
        """Time steps of one replica that the mapped exchanges of a round are worth.

        Every pair has its turn in every second round. Both members are quenched, and once more
        where they would be accepted.

        Parameters
        ----------
        n_mapped
            Number of the lowest pairs that exchange so.
        """
        member = _PER_EVALUATION * self.evaluations
        pairs = (member[:-1] + member[1:]) * (1.0 + self.mapped) + 2.0 * _BESIDE / self.n_atoms
        return float(0.5 * pairs[:n_mapped].sum())

    def every(self, n_mapped: int, steps_per_round: int) -> int:
        """At one of how many of its turns a mapped pair is tried, to take 15 % of a run at most."""
        dynamics = len(self.ladder) * steps_per_round
        return max(1, int(np.ceil(self.cost(n_mapped) * (1.0 - _SHARE) / (_SHARE * dynamics))))

    def best(self, steps_per_round: int) -> tuple[float, int]:
        """What makes round trips shortest at this length of a round.

        Compared is the time of a round trip that exchanges alone hold up, quenches included, over
        the number of mapped pairs, as far as minima last. A cold pair that is tried at few of its
        turns is better than one that exchanges plainly, which is never; where plain exchanges are
        accepted it is the other way round.

        Parameters
        ----------
        steps_per_round
            Time steps between exchanges.

        Returns
        -------
        below, every
            Highest temperature in K of a pair to be mapped, 0 for none, and at one of how many of
            its turns such a pair is tried.
        """
        mapped, plain = np.maximum(self.mapped, _LEAST_MAPPED), np.maximum(self.plain, _LEAST_PLAIN)
        times = []
        for n in range(self.ladder.pairs_below(self.below) + 1):
            every = self.every(n, steps_per_round)
            p = np.concatenate([mapped[:n], plain[n:]])
            cost = self.cost(n) / every / (len(self.ladder) * steps_per_round)
            times.append(ideal_round_trip_time(p, n, every) * (1.0 + cost))
        n = int(np.argmin(times))
        return self._highest(n), self.every(n, steps_per_round)

    def _highest(self, n_mapped: int) -> float:
        return (0.0, *self.ladder.temperatures[1:])[n_mapped]


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
        Gives the mass, and what a quench costs.
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
        _measured(initialize(x, potential, ladder.temperatures, seed + k), segment, potential,
                  ladder, exchange, n_steps, executor)
        for k, x in enumerate((start, molten), start=1)
    ]  # fmt: skip
    plain, mapped, evaluations = (np.mean(each, axis=0) for each in zip(*found, strict=True))
    return MappedReach(ladder, plain, mapped, evaluations, molten.shape[0])


def _measured(
    state: State,
    segment: Segment,
    potential: Potential,
    ladder: Ladder,
    exchange: MappedExchange,
    n_steps: int,
    executor: Executor | None,
) -> tuple[Floats, Floats, Floats]:
    """Plain and mapped acceptance of each pair, and evaluations, from one state of all rungs on."""
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
    evaluations = quench_evaluations(potential, state.positions, executor)
    return plain, mapped, evaluations.astype(np.float64)


def _advanced(state: State, segment: Segment, n_steps: int, executor: Executor | None) -> State:
    """All replicas a number of steps later."""
    work = partial(segment, n_steps=n_steps, sample_every=n_steps)
    states = [state[k] for k in range(len(state))]
    return join([after for after, _ in map_in_order(work, states, executor)])
