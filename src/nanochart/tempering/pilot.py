"""Short runs that measure energies and exchanges of a ladder, to place its temperatures."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials import Potential
from nanochart.shown import short_repr
from nanochart.tempering.diagnostics import Acceptance, acceptance, by_rung
from nanochart.tempering.ladder import Ladder
from nanochart.tempering.mapped import MappedExchange
from nanochart.tempering.sampler import Segment, TemperingConfig, initialize_tempering, step

__all__ = ["Pilot", "run_pilot"]


@short_repr
@dataclass(frozen=True)
class Pilot:
    """A short run of a ladder.

    ``energies`` (round, rung) in eV and ``accepted`` (round, pair) int8 of the rounds that were
    kept; ``positions`` (rung, atom, 3) in Å at the end.
    """

    ladder: Ladder
    energies: NDArray[np.float64]
    accepted: NDArray[np.int8]
    positions: NDArray[np.float64]

    @property
    def acceptance(self) -> Acceptance:
        """Measured acceptance of each pair."""
        return acceptance(self.accepted)

    def starts(self, ladder: Ladder) -> NDArray[np.float64]:
        """Configurations for another ladder, (rung, atom, 3): those of the nearest temperatures."""
        here, there = np.asarray(self.ladder.temperatures), np.asarray(ladder.temperatures)
        nearest = np.abs(np.subtract.outer(there, here)).argmin(axis=1)
        return np.asarray(self.positions[nearest])


def run_pilot(
    segment: Segment,
    starts: ArrayLike,
    potential: Potential,
    config: TemperingConfig,
    n_discarded: int,
    n_rounds: int,
    seed: int,
    executor: Executor | None = None,
    told: Callable[[], None] = lambda: None,
    mapped: MappedExchange | None = None,
) -> Pilot:
    """Run a ladder for a few rounds, to measure its energies and acceptance.

    Parameters
    ----------
    segment
        Dynamics of a replica.
    starts
        Starting structures (start, atom, 3) in Å, dealt out over the rungs.
    potential
        Potential, which gives the mass.
    config
        Ladder and length of a round.
    n_discarded, n_rounds
        Number of rounds before the first that is kept, and of those that are kept.
    seed
        Seed of the velocities, the noise and the exchanges.
    executor
        Executor that the replicas run on.
    told
        Function that is called after every round.
    mapped
        How the cold pairs of the ladder exchange; None is plainly.
    """
    state = initialize_tempering(starts, potential, config, seed)
    energies, rungs, accepted = [], [], []
    for k in range(n_discarded + n_rounds):
        state, observed = step(state, segment, config, executor, mapped)
        if k >= n_discarded:
            energies.append(observed.energies)
            rungs.append(observed.rungs)
            accepted.append(observed.accepted)
        told()
    return Pilot(
        config.ladder,
        by_rung(np.array(energies), np.array(rungs), len(config.ladder)),
        np.array(accepted),
        state.replicas.positions[np.argsort(state.rungs)],
    )
