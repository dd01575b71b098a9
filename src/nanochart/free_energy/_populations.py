"""Populations of states and the free-energy differences between them, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.free_energy._blocks import Blocks, make_blocks
from nanochart.free_energy._umbrella import UmbrellaWeights
from nanochart.free_energy._weights import log_weights_of, resampled_sums
from nanochart.units import BOLTZMANN

__all__ = ["Convergence", "Difference", "Populations", "convergence", "state_populations"]

Floats = NDArray[np.float64]

_N_BOOTSTRAP = 500


@dataclass(frozen=True)
class Difference:
    """F_b - F_a in eV with its standard error and 95 % interval."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Populations:
    """Shares of states.

    Attributes
    ----------
    value, error, low, high
        (state,): share, standard error and ends of the 95 % interval of the bootstrap.
    replicas
        (bootstrap, state).
    temperature
        K.
    blocks
        What was resampled.
    freedom
        Degrees of freedom of the errors: blocks less one; of umbrella windows those of two, since
        the few windows on a barrier make most of the error.
    """

    value: Floats
    error: Floats
    low: Floats
    high: Floats
    replicas: Floats
    temperature: float
    blocks: Blocks
    freedom: int

    def difference(self, a: int, b: int) -> Difference:
        r"""Free energy of state b minus that of a, :math:`-k_B T \ln (p_b / p_a)`.

        The interval is that of a normal distribution, which the logarithm follows better than the
        shares do; it is infinite where a state was not seen, or by too few blocks to tell.
        """
        kT = BOLTZMANN * self.temperature
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(-kT * np.log(self.value[b] / self.value[a]))
            spread = -kT * np.log(self.replicas[:, b] / self.replicas[:, a])
        known = np.isfinite(spread)
        if not np.isfinite(value) or known.mean() < 0.95:
            return Difference(value, np.inf, -np.inf, np.inf)
        error = float(spread[known].std(ddof=1))
        # Few blocks know their own spread badly: Student's t.
        from scipy.stats import t

        half = float(t.ppf(0.975, self.freedom)) * error
        return Difference(value, error, value - half, value + half)


def state_populations(
    states: ArrayLike,
    log_weights: ArrayLike | UmbrellaWeights,
    temperature: float,
    n_states: int | None = None,
    *,
    blocks: Blocks | None = None,
    seed: int = 0,
) -> Populations:
    """Share of each state in the unbiased ensemble.

    Parameters
    ----------
    states
        (time, walker), codes from 0; negative ones count to none but to the whole.
    log_weights
        (time, walker); of umbrella windows `umbrella_weights`.
    temperature
        K.
    n_states
        Number of states, by default as many as occur.
    blocks
        What is resampled; by default from the states and the log-weights, whichever is slower.
    seed
        Of the bootstrap.
    """
    codes, logs = np.asarray(states), log_weights_of(log_weights)
    if codes.ndim != 2 or codes.shape != logs.shape:
        raise ValueError(
            "states and log-weights must have the same shape (time, walker); got "
            f"{codes.shape} and {logs.shape}"
        )
    n = int(codes.max(initial=-1)) + 1 if n_states is None else n_states
    if n < 1:
        raise ValueError("no sample is in any state, so there are no populations")
    if blocks is None:
        blocks = make_blocks(_slow(codes, logs, n))
    places = np.where(codes < 0, n, codes).astype(np.int64)
    sums, resamples = resampled_sums(log_weights, blocks, places, n + 1, _N_BOOTSTRAP, seed)
    value = sums[:n] / sums.sum()
    with np.errstate(invalid="ignore"):
        replicas = resamples[:, :n] / resamples.sum(axis=1, keepdims=True)
    of_windows = isinstance(log_weights, UmbrellaWeights)
    freedom = 2 * (blocks.n // codes.shape[1] - 1) if of_windows else blocks.n - 1
    freedom = max(1, freedom)
    low, high = np.quantile(replicas, [0.025, 0.975], axis=0)
    return Populations(
        value, replicas.std(axis=0, ddof=1), low, high, replicas, temperature, blocks,
        freedom,
    )  # fmt: skip


def _slow(codes: NDArray[np.int64], logs: Floats, n: int) -> Floats:
    """What may be slow: membership of each state, and the weights, as their logarithms."""
    member = (codes[..., None] == np.arange(n)).astype(np.float64)
    known = np.isfinite(logs)
    filled = np.where(known, logs, logs[known].min() if known.any() else 0.0)
    return np.concatenate([member, filled[..., None]], axis=-1)


def _between(
    weights: ArrayLike | UmbrellaWeights, first: int, last: int
) -> Floats | UmbrellaWeights:
    if isinstance(weights, UmbrellaWeights):
        return weights.between(first, last)
    return log_weights_of(weights)[first:last]


@dataclass(frozen=True)
class Convergence:
    """Whether a free-energy difference can be trusted.

    Attributes
    ----------
    halves
        The difference from the first and from the second half of the run.
    fractions, values, errors
        The difference from the first so many shares of the run.
    transitions
        Times that a walker went from one state to the other.
    converged
        The halves agree within their errors, there were at least ten transitions, and the blocks
        are long and many enough.
    advice
        One sentence.
    """

    halves: tuple[Difference, Difference]
    fractions: tuple[float, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    transitions: int
    converged: bool
    advice: str


_FEWEST_TRANSITIONS = 10


def convergence(
    states: ArrayLike,
    log_weights: ArrayLike | UmbrellaWeights,
    temperature: float,
    a: int,
    b: int,
    seed: int = 0,
) -> Convergence:
    """Judge F_b - F_a by halves, transitions and blocks; arguments as `state_populations`.

    Umbrella windows, which overlap, connect the states without transitions; those are counted, but
    not asked for.
    """
    codes = np.asarray(states)
    n = len(codes)
    n_states = max(int(codes.max()), a, b) + 1

    def part(first: int, last: int) -> tuple[Difference, bool]:
        try:
            weights = _between(log_weights, first, last)
        except ConvergenceError:  # windows that do not overlap in a part of the run
            return Difference(np.nan, np.inf, -np.inf, np.inf), False
        found = state_populations(codes[first:last], weights, temperature, n_states, seed=seed)
        return found.difference(a, b), found.blocks.reliable

    fractions = (0.25, 0.5, 0.75, 1.0)
    growing = [part(0, max(8, round(f * n)))[0] for f in fractions]
    halves = (part(0, n // 2)[0], part(n // 2, n)[0])
    _, reliable = part(0, n)
    crossings = 0
    for walker in codes.T:
        visited = walker[(walker == a) | (walker == b)]
        crossings += int((np.diff(visited) != 0).sum())
    gap = abs(halves[0].value - halves[1].value)
    spread = float(np.hypot(halves[0].error, halves[1].error))
    agree = bool(np.isfinite(gap) and np.isfinite(spread) and gap <= 2.0 * spread)
    enough = isinstance(log_weights, UmbrellaWeights) or crossings >= _FEWEST_TRANSITIONS
    if agree and enough and reliable:
        advice = "converged: halves agree within their errors"
    elif not enough:
        advice = (
            f"not converged: {crossings} transitions between the two states, where "
            f"{_FEWEST_TRANSITIONS} are needed; run longer, or raise the barrier that the bias "
            "crosses"
        )
    elif not np.isfinite(spread):
        advice = (
            "not converged: a half of the run has too few blocks to know its own error; run longer"
        )
    elif not agree:
        advice = (
            f"not converged: the halves of the run differ by {gap:.3g} eV, more than their errors "
            f"allow ({spread:.2g} eV); run longer"
        )
    else:
        advice = "not converged: fewer blocks than an honest error needs; run longer"
    return Convergence(
        halves,
        fractions,
        tuple(g.value for g in growing),
        tuple(g.error for g in growing),
        crossings,
        agree and enough and reliable,
        advice,
    )
