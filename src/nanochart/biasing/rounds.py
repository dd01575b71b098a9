"""Biased dynamics in rounds: all walkers under a given bias, then one update of the bias.

A bias method is a frozen configuration with four pure functions:

``initialize(n_variables) -> state``, the state a NamedTuple or frozen dataclass of arrays;
``bias(state, walker, n_variables) -> Bias`` for the next round, of walker k and of walker
k + ``n_windows`` the same;
``update(state, values, energies) -> state`` from what all walkers saw at the end of it, in order;
and ``log_weights(state, energies)``, what each of these frames counts without the bias.

Nothing else is shared between rounds, so a lost segment is simply run again, and a run that was
stopped goes on with equal bits, wherever its walkers run.
"""

import contextlib
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias
from nanochart.biasing.segment import BiasedSamples, BiasedState
from nanochart.dynamics import join
from nanochart.parallel import map_in_order
from nanochart.shown import short_repr

__all__ = ["BiasedRound", "BiasedSegment", "BiasingState", "Method", "biased_round"]

Floats = NDArray[np.float64]


class BiasedSegment(Protocol):
    """Function that advances walkers under a bias, without side effects.

    `BiasedDynamics` is one for clusters; systems with exact answers are others.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""

    def __call__(
        self, state: BiasedState, bias: Bias, n_steps: int, sample_every: int
    ) -> tuple[BiasedState, BiasedSamples]:
        """Advance every walker by ``n_steps`` under a bias."""

    @property
    def threads(self) -> bool:
        """Whether walkers may run in threads at once."""


class Method(Protocol):
    """A bias method: how the bias follows from what the walkers saw."""

    @property
    def n_windows(self) -> int:
        """Number of biases that walkers are under in turns: one where all of them share it."""

    def initialize(self, n_variables: int) -> Any:
        """State before the first round, for so many collective variables."""

    def bias(self, state: Any, walker: int, n_variables: int) -> Bias:
        """Bias of a walker in the next round."""

    def update(self, state: Any, values: Floats, energies: Floats) -> Any:
        """State after a round, from variables and bias energies (eV) of all walkers at its end."""

    def log_weights(self, state: Any, energies: Floats) -> Floats:
        """Logarithms of the weights without the bias, from bias energies (eV) of all walkers."""


@dataclass(frozen=True)
class BiasingState:
    """State of biased dynamics: the walkers, the state of the method and the rounds done."""

    walkers: BiasedState
    method: Any
    round: int


@short_repr
@dataclass(frozen=True)
class BiasedRound:
    """Observations at the end of a round of biased dynamics; arrays run over walkers.

    ``positions`` (walker, atom, 3) in Å, potential ``energies``, ``kinetic_energies``,
    ``bias_energies`` and ``work`` in eV, ``values`` (walker, m), ``centres`` (walker, m) of
    restraints (NaN without), and ``log_weights`` (walker,) of the configurations in the unbiased
    ensemble, as far as the method knows them then.
    """

    positions: Floats
    energies: Floats
    kinetic_energies: Floats
    values: Floats
    bias_energies: Floats
    work: Floats
    centres: Floats
    log_weights: Floats
    steps: int


def biased_round(
    state: BiasingState,
    segment: BiasedSegment,
    method: Method,
    n_steps: int,
    executor: Executor | None = None,
) -> tuple[BiasingState, BiasedRound]:
    """Run one round of ``n_steps`` of every walker, then update the bias.

    Parameters
    ----------
    state
        State to go on from, which is left unchanged.
    segment
        Dynamics of a walker.
    method
        Bias method, which makes and updates the bias.
    n_steps
        Number of time steps, the pace of the method.
    executor
        Executor that the walkers run on; None is one thread for each core. The result does not
        depend on it.

    Raises
    ------
    DynamicsError
        If a walker left the physical region: the round is void.
    """
    n = len(state.walkers)
    m = len(segment.names)
    biases = [method.bias(state.method, k, m) for k in range(n)]
    work = partial(_run, segment, n_steps)
    items = [(state.walkers[k], biases[k]) for k in range(n)]
    outcomes = map_in_order(work, items, executor, threads=segment.threads)
    with contextlib.closing(outcomes):
        results = list(outcomes)
    walkers = BiasedState(
        join([moved.walkers for moved, _ in results]),
        np.concatenate([moved.work for moved, _ in results]),
    )
    seen = [samples for _, samples in results]
    values = np.concatenate([s.values[-1] for s in seen])
    energies = np.concatenate([s.bias_energies[-1] for s in seen])
    steps = int(walkers.walkers.steps[0])
    centres = np.stack(
        [
            np.full(values.shape[1], np.nan) if b.restraint is None else b.restraint.centre(steps)
            for b in biases
        ]
    )
    observed = BiasedRound(
        positions=np.concatenate([s.positions[-1] for s in seen]),
        energies=np.concatenate([s.potential_energies[-1] for s in seen]),
        kinetic_energies=np.concatenate([s.kinetic_energies[-1] for s in seen]),
        values=values,
        bias_energies=energies,
        work=walkers.work,
        centres=centres,
        log_weights=method.log_weights(state.method, energies),
        steps=steps,
    )
    updated = method.update(state.method, values, energies)
    return BiasingState(walkers, updated, state.round + 1), observed


def _run(
    segment: BiasedSegment, n_steps: int, item: tuple[BiasedState, Bias]
) -> tuple[BiasedState, BiasedSamples]:
    return segment(*item, n_steps, n_steps)
