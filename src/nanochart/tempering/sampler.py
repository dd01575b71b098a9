"""Parallel tempering: rounds of dynamics with an exchange attempt after each."""

import contextlib
from collections.abc import Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.dynamics import Langevin, Samples, State, initialize, join, run_segment
from nanochart.errors import DynamicsError
from nanochart.parallel import map_in_order
from nanochart.potentials import Potential, is_compiled
from nanochart.shown import short_repr
from nanochart.tempering.exchange import exchange
from nanochart.tempering.health import ReplicaError, check_health
from nanochart.tempering.ladder import Ladder
from nanochart.tempering.mapped import MappedExchange

__all__ = [
    "Round",
    "Segment",
    "TemperingConfig",
    "TemperingState",
    "initialize_tempering",
    "langevin_segment",
    "next_frame",
    "step",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Tells the random stream of the exchanges from that of the first velocities.
_EXCHANGES = 1


class Segment(Protocol):
    """Advances replicas: ``(state, n_steps, sample_every) -> (state, samples)``, purely."""

    def __call__(self, state: State, n_steps: int, sample_every: int) -> tuple[State, Samples]:
        """Advance every replica by ``n_steps``."""


@dataclass(frozen=True)
class TemperingConfig:
    """Settings of parallel tempering.

    ``ladder``; ``steps_per_round``: time steps between exchange attempts, even, because the
    configuration of a round is stored half-way; ``rounds_per_frame``: one round in so many gives a
    stored configuration.
    """

    ladder: Ladder
    steps_per_round: int
    rounds_per_frame: int = 1

    def __post_init__(self) -> None:
        if self.steps_per_round < 2 or self.steps_per_round % 2:
            raise ValueError(
                f"steps_per_round must be an even number of at least 2, because a configuration "
                f"is stored half-way between exchanges; got {self.steps_per_round!r}"
            )
        if self.rounds_per_frame < 1:
            raise ValueError(
                f"rounds_per_frame must be at least 1, because a frame is of one of its rounds; "
                f"got {self.rounds_per_frame!r}"
            )


@short_repr
@dataclass(frozen=True)
class TemperingState:
    """State of parallel tempering: replicas, their rungs, rounds done and the seed of exchanges.

    Each round draws its exchanges from a generator of its own, made of the seed and the number of
    the round, so no further random state has to be kept.
    """

    replicas: State
    rungs: NDArray[np.int64]
    round: int
    seed: int


@short_repr
@dataclass(frozen=True)
class Round:
    """Observations of one round of parallel tempering; arrays run over replicas, in constant order.

    ``positions`` (replica, atom, 3) in Å and potential ``energies`` (replica,) in eV, the
    confining sphere's included, half-way between two attempts, at ``temperatures`` (replica,) in K
    on ``rungs`` (replica,); then ``accepted`` (pair,) int8 of the attempt at the end: 1 exchanged,
    0 refused, -1 not attempted.
    """

    positions: Floats
    energies: Floats
    temperatures: Floats
    rungs: NDArray[np.int64]
    accepted: NDArray[np.int8]
    steps: int


def initialize_tempering(
    starts: ArrayLike, potential: Potential, config: TemperingConfig, seed: int
) -> TemperingState:
    """Make the first state of parallel tempering: a replica on each rung, at its temperature.

    Parameters
    ----------
    starts
        Starting structures (start, atom, 3) in Å; replica k begins from start k modulo their
        number.
    potential
        Potential, which gives the mass.
    config
        Ladder and length of a round.
    seed
        Seed of the velocities, of the replicas' noise and of the exchanges.
    """
    x = np.asarray(starts, dtype=np.float64)
    if x.ndim != 3 or len(x) == 0:
        raise ValueError(f"starts must have the shape (start, atom, 3); got {x.shape}")
    n = len(config.ladder)
    replicas = initialize(x[np.arange(n) % len(x)], potential, config.ladder.temperatures, seed)
    return TemperingState(replicas, np.arange(n), 0, seed)


def langevin_segment(potential: Potential, dynamics: Langevin) -> Segment:
    """Langevin dynamics as a segment; a `DynamicsError` ends it where a cluster is none any more.

    It is small and can be pickled, so that an executor may send it to another machine. Of a
    potential that is called from Python it takes all replicas at once, in this thread.
    """
    if is_compiled(potential):
        return partial(_run_langevin, potential, dynamics)
    return BatchSegment(potential, dynamics)


@dataclass(frozen=True, eq=False)
class BatchSegment:
    """Langevin dynamics of all replicas together, of a potential that is called from Python.

    ``restricted`` is a segment to advance them by that keeps to a part of the landscape, or None.
    """

    potential: Potential
    dynamics: Langevin
    restricted: Segment | None = None

    def __call__(self, state: State, n_steps: int, sample_every: int) -> tuple[State, Samples]:
        """Advance them; without a look at their health."""
        if self.restricted is not None:
            return self.restricted(state, n_steps, sample_every)
        return run_segment(state, self.potential, self.dynamics, n_steps, sample_every)

    def by_replica(
        self, state: State, n_steps: int, sample_every: int
    ) -> Generator[tuple[State, Samples], None, None]:
        """Each replica's own part, after a look at its health."""
        try:
            after, seen = self(state, n_steps, sample_every)
        except DynamicsError:  # one after another, to tell which it was
            for k in range(len(state)):
                yield self(state[k], n_steps, sample_every)
            return
        for k in range(len(state)):
            here = slice(k, k + 1)
            samples = Samples(
                seen.positions[:, here], seen.potential_energies[:, here],
                seen.kinetic_energies[:, here],
            )  # fmt: skip
            check_health(state[k], samples, self.potential, self.dynamics, sample_every)
            yield after[k], samples


def _run_langevin(
    potential: Potential, dynamics: Langevin, state: State, n_steps: int, sample_every: int
) -> tuple[State, Samples]:
    after, samples = run_segment(state, potential, dynamics, n_steps, sample_every)
    check_health(state, samples, potential, dynamics, sample_every)
    return after, samples


def step(
    state: TemperingState,
    segment: Segment,
    config: TemperingConfig,
    executor: Executor | None = None,
    mapped: MappedExchange | None = None,
) -> tuple[TemperingState, Round]:
    """Run one round: dynamics of every replica, a stored configuration half-way, one exchange.

    Parameters
    ----------
    state
        State to go on from, which is left unchanged.
    segment
        Dynamics of a replica, as from :func:`langevin_segment`.
    config
        Ladder and length of a round.
    executor
        Executor that the replicas run on; None is one thread for each core. The result does not
        depend on it.
    mapped
        How the cold pairs of the ladder exchange; None is plainly, as all others do.

    Raises
    ------
    ReplicaError
        If a replica left the physical region. The whole round is void then, because a ladder that
        lacks a rung exchanges no longer what its temperatures were chosen for.
    """
    half = config.steps_per_round // 2
    # The hottest first: their lists are rebuilt most often, and a late long task leaves cores idle.
    order = np.argsort(-state.rungs, kind="stable")
    if isinstance(segment, BatchSegment):
        ordered = join([state.replicas[int(k)] for k in order])
        outcomes = segment.by_replica(ordered, 2 * half, half)
    else:
        work = partial(segment, n_steps=2 * half, sample_every=half)
        items = [state.replicas[int(k)] for k in order]
        outcomes = map_in_order(work, items, executor)
    results = _collect(outcomes, state, order)
    by_replica = [results[int(k)] for k in np.argsort(order)]
    replicas = join([s for s, _ in by_replica])
    positions = np.stack([samples.positions[0, 0] for _, samples in by_replica])
    energies = np.array([samples.potential_energies[:, 0] for _, samples in by_replica])

    stream = np.random.SeedSequence(state.seed, spawn_key=(_EXCHANGES, state.round))
    rng = np.random.default_rng(stream)
    moved = replicas.positions.copy()

    attempt, n_mapped = None, 0
    if mapped is not None:
        n_mapped = config.ladder.pairs_below(mapped.below)
        if (state.round // 2) % mapped.every == 0:  # a pair has its turn in every second round
            attempt = partial(_move, mapped, replicas.positions, energies[:, 1], moved, executor)
    outcome = exchange(
        state.rungs, energies[:, 1], config.ladder, state.round % 2, rng, attempt, n_mapped
    )
    T = np.asarray(config.ladder.temperatures)[outcome.rungs]
    # Velocities keep their direction and take the new temperature's width.
    scale = np.sqrt(T / replicas.temperatures)[:, None, None]
    replicas = replace(
        replicas, positions=moved, temperatures=T, velocities=replicas.velocities * scale
    )
    observed = Round(
        positions=positions,
        energies=energies[:, 0],
        temperatures=state.replicas.temperatures,
        rungs=state.rungs,
        accepted=outcome.accepted,
        steps=int(replicas.steps[0]) - half,
    )
    return TemperingState(replicas, outcome.rungs, state.round + 1, state.seed), observed


def next_frame(
    state: TemperingState,
    segment: Segment,
    config: TemperingConfig,
    executor: Executor | None = None,
    mapped: MappedExchange | None = None,
) -> tuple[TemperingState, Round]:
    """Run the rounds of one stored frame, of which the first gives its configuration.

    The numbers are those of `step` for as many rounds: only what is observed of them differs.

    Parameters
    ----------
    state, segment, config, executor, mapped
        As of `step`.

    Returns
    -------
    state, observed
        After the rounds, and the first of them; where a frame has several, ``accepted`` has the
        attempts of each, (attempt, pair).
    """
    state, observed = step(state, segment, config, executor, mapped)
    if config.rounds_per_frame == 1:
        return state, observed
    accepted = [observed.accepted]
    for _ in range(1, config.rounds_per_frame):
        state, later = step(state, segment, config, executor, mapped)
        accepted.append(later.accepted)
    return state, replace(observed, accepted=np.stack(accepted))


def _move(
    mapped: MappedExchange,
    positions: Floats,
    energies: Floats,
    moved: Floats,
    executor: Executor | None,
    members: Ints,
    betas: Floats,
    log_uniform: Floats,
) -> Bools:
    """Attempt mapped exchanges; accepted configurations are written to ``moved``."""
    moves = mapped.attempt(positions[members], energies[members], betas, log_uniform, executor)
    moved[members[moves.accepted]] = moves.positions[moves.accepted]
    return moves.accepted


def _collect(
    outcomes: Generator[tuple[State, Samples], None, None],
    state: TemperingState,
    order: NDArray[np.intp],
) -> list[tuple[State, Samples]]:
    """The replicas in an order; of several that fail, the first in it is named."""
    results: list[tuple[State, Samples]] = []
    with contextlib.closing(outcomes):
        for k in map(int, order):
            try:
                results.append(next(outcomes))
            except DynamicsError as error:
                rung = int(state.rungs[k])
                raise ReplicaError(
                    f"replica {k}, on rung {rung} of {len(order)}: {error}",
                    k,
                    rung,
                    state.replicas[k],
                ) from error
    return results
