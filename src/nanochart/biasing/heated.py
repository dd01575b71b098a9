r"""Biased dynamics on a ladder of temperatures, whose neighbours exchange.

Rung k has a temperature, and a bias of its own for each window w: one for all of its walkers, or
one for those of each window of umbrella sampling. A walker keeps its window and moves along the
rungs, so that all walkers sample the product of

.. math:: p_{wk}(x) \propto e^{-\beta_k (E(x) + V_{wk}(s(x)))} .

Walkers of one window, x on rung k and y on rung k + 1, exchange with the probability

.. math:: \min\{1, e^{u_k(x) + u_{k+1}(y) - u_k(y) - u_{k+1}(x)}\}, \qquad
    u_k = \beta_k (E + V_{wk}),

which keeps that product (Sugita, Kitao, Okamoto, J. Chem. Phys. 113, 6042 (2000)).
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.bias import Bias
from nanochart.biasing.rounds import (
    BiasedRound,
    BiasedSegment,
    BiasingState,
    Method,
    biased_round,
)
from nanochart.biasing.segment import BiasedState
from nanochart.shown import short_repr
from nanochart.tempering import Ladder

__all__ = ["Heated", "HeatedRound", "HeatedState", "exchange_walkers", "heated_round"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Outcomes = NDArray[np.int8]

#: Tells the random stream of the exchanges from that of the first velocities.
_EXCHANGES = 1


class HeatedState(NamedTuple):
    """State of the biases of a ladder: the rung of each walker, (walker,), and that of each bias.

    ``methods`` holds the state of the method of each rung, in their order.
    """

    rungs: Ints
    methods: tuple[Any, ...]


@short_repr
@dataclass(frozen=True)
class Heated:
    """A bias method on each rung of a ladder: to `biased_round`, a method.

    A walker is under the bias of the rung that it is on, and what it sees changes the method of
    that rung alone. Of umbrella sampling that is the bias of the walker's window, which it keeps.

    Attributes
    ----------
    ladder
        Temperatures of the rungs.
    methods
        Bias method of each rung, of its temperature.
    walkers
        Number of walkers on each rung, as many in each window.
    seed
        Seed of the exchanges.
    every
        Rounds between attempts to exchange.
    """

    ladder: Ladder
    methods: tuple[Method, ...]
    walkers: int
    seed: int
    every: int = 1

    def __post_init__(self) -> None:
        if len(self.methods) != len(self.ladder) or self.walkers < 1 or self.every < 1:
            raise ValueError(
                "a ladder of biases needs a method for each of its temperatures, a walker on each "
                f"rung or more, and a round between exchanges; got {len(self.ladder)} "
                f"temperatures, {len(self.methods)} methods, {self.walkers} walkers and "
                f"{self.every} rounds"
            )
        if {m.n_windows for m in self.methods} != {self.n_windows} or self.walkers % self.n_windows:
            raise ValueError(
                "the rungs of a ladder must have the same windows, with as many walkers in each; "
                f"got {', '.join(str(m.n_windows) for m in self.methods)} windows and "
                f"{self.walkers} walkers on a rung"
            )

    @property
    def n_windows(self) -> int:
        """Number of windows, one where all walkers of a rung share its bias."""
        return self.methods[0].n_windows

    @property
    def windows(self) -> Ints:
        """Window of each walker, (walker,)."""
        return np.arange(len(self.ladder) * self.walkers) % self.walkers % self.n_windows

    def initialize(self, n_variables: int) -> HeatedState:
        """Begin with the first walkers on the coldest rung, and so on."""
        rungs = np.repeat(np.arange(len(self.ladder)), self.walkers)
        return HeatedState(rungs, tuple(m.initialize(n_variables) for m in self.methods))

    def bias(self, state: HeatedState, walker: int, n_variables: int) -> Bias:
        """Give the bias of the rung that a walker is on, in its window."""
        rung = int(state.rungs[walker])
        return self._bias(state, rung, int(self.windows[walker]), n_variables)

    def _bias(self, state: HeatedState, rung: int, window: int, n_variables: int) -> Bias:
        return self.methods[rung].bias(state.methods[rung], window, n_variables)

    def update(self, state: HeatedState, values: Floats, energies: Floats) -> HeatedState:
        """Update the bias of each rung by what the walkers on it saw."""
        methods = []
        for k, (method, own) in enumerate(zip(self.methods, state.methods, strict=True)):
            here = state.rungs == k
            methods.append(method.update(own, values[here], energies[here]))
        return HeatedState(state.rungs, tuple(methods))

    def log_weights(self, state: HeatedState, energies: Floats) -> Floats:
        """Weights of each walker without the bias, at the temperature of its rung."""
        weights = np.empty(len(energies))
        for k, (method, own) in enumerate(zip(self.methods, state.methods, strict=True)):
            here = state.rungs == k
            weights[here] = method.log_weights(own, energies[here])
        return weights

    def bias_energies(self, state: HeatedState, values: ArrayLike) -> Floats:
        """Energies in eV of values (walker, m) under the bias of each rung, (walker, rung)."""
        s, windows = np.asarray(values, dtype=np.float64), self.windows
        energies = np.empty((len(s), len(self.ladder)))
        for window in range(self.n_windows):
            own = windows == window
            for k in range(len(self.ladder)):
                energies[own, k] = self._bias(state, k, window, s.shape[-1]).energy(s[own])[0]
        return energies


@short_repr
@dataclass(frozen=True)
class HeatedRound(BiasedRound):
    """Observations at the end of a round on a ladder, before the exchange; arrays run over walkers.

    Those of `BiasedRound`, where ``log_weights`` are those at the temperature of the walker's own
    rung; ``temperatures`` (walker,) in K and ``rungs`` (walker,) of the round; ``exchanged``
    (walker,) int8 of the attempt at its end, 1 exchanged, 0 refused, -1 not attempted; and
    ``rung_log_weights`` (walker, rung), the weights of the configuration if it were one of each
    rung. Weights are NaN of umbrella windows, which need all windows.
    """

    temperatures: Floats
    rungs: Ints
    exchanged: Outcomes
    rung_log_weights: Floats


def exchange_walkers(
    reduced: ArrayLike,
    rungs: Ints,
    parity: int,
    rng: np.random.Generator,
    windows: ArrayLike | None = None,
) -> tuple[Ints, Outcomes]:
    """Attempt the exchanges between rungs k and k + 1 with k of one parity.

    Each walker of the one rung is paired with one of the other in its window, drawn at random.

    Parameters
    ----------
    reduced
        Reduced potential of each walker on each rung, (walker, rung).
    rungs
        Rung of each walker, (walker,); as many walkers of each window on each.
    parity
        Parity of k, 0 or 1.
    rng
        Random generator, which is consumed.
    windows
        Window of each walker, (walker,); by default one of all.

    Returns
    -------
    rungs, outcome
        (walker,) afterwards, and (walker,) int8: 1 exchanged, 0 refused, -1 not attempted.
    """
    u = np.asarray(reduced, dtype=np.float64)
    new, outcome = rungs.copy(), np.full(len(rungs), -1, dtype=np.int8)
    own = np.zeros(len(rungs), dtype=np.int64) if windows is None else np.asarray(windows)
    for k, window in product(range(parity, u.shape[1] - 1, 2), np.unique(own)):
        x = np.flatnonzero((rungs == k) & (own == window))
        y = rng.permutation(np.flatnonzero((rungs == k + 1) & (own == window)))
        gain = u[x, k] + u[y, k + 1] - u[y, k] - u[x, k + 1]
        accepted = np.log(rng.random(len(x))) < gain
        outcome[x], outcome[y] = accepted, accepted
        new[x[accepted]], new[y[accepted]] = k + 1, k
    return new, outcome


def heated_round(
    state: BiasingState,
    segment: BiasedSegment,
    heated: Heated,
    n_steps: int,
    executor: Executor | None = None,
) -> tuple[BiasingState, HeatedRound]:
    """Run one round of every walker, update the biases, and attempt the exchanges that are due.

    Exchanges are decided by the biases that were in force. A walker that changes its rung keeps the
    direction of its velocities, which take the width of the new temperature.

    Parameters
    ----------
    state
        State to go on from, which is left unchanged; its method is a `HeatedState`.
    segment
        Dynamics of a walker, at the walker's own temperature.
    heated
        Ladder and biases.
    n_steps
        Number of time steps, the pace of the methods.
    executor
        As of `biased_round`, whose errors are raised.
    """
    before: HeatedState = state.method
    after, seen = biased_round(state, segment, heated, n_steps, executor)
    table = heated.bias_energies(before, seen.values)
    rungs = before.rungs
    exchanged = np.full(len(rungs), -1, dtype=np.int8)
    attempt, due = divmod(state.round + 1, heated.every)
    if not due:
        stream = np.random.SeedSequence(heated.seed, spawn_key=(_EXCHANGES, state.round))
        reduced = _reduced(heated.ladder, seen.energies, table)
        rng = np.random.default_rng(stream)
        rungs, exchanged = exchange_walkers(reduced, rungs, (attempt - 1) % 2, rng, heated.windows)
    walkers = after.walkers.walkers
    T = np.asarray(heated.ladder.temperatures)[rungs]
    scale = np.sqrt(T / walkers.temperatures)[:, None, None]
    moved = replace(walkers, temperatures=T, velocities=walkers.velocities * scale)
    weights = zip(heated.methods, before.methods, table.T, strict=True)
    observed = HeatedRound(
        **{name: getattr(seen, name) for name in seen.__dataclass_fields__},
        temperatures=walkers.temperatures,
        rungs=before.rungs,
        exchanged=exchanged,
        rung_log_weights=np.stack([m.log_weights(own, V) for m, own, V in weights], axis=-1),
    )
    method = HeatedState(rungs, after.method.methods)
    return BiasingState(BiasedState(moved, after.walkers.work), method, after.round), observed


def _reduced(ladder: Ladder, energies: Floats, bias_energies: Floats) -> Floats:
    """β_k (E + V_k) of each walker on each rung, in its window, (walker, rung)."""
    total: Floats = ladder.betas * (energies[:, None] + bias_energies)
    return total
