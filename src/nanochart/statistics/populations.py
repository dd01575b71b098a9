"""Populations of states and the free-energy differences between them, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from nanochart.errors import ConvergenceError
from nanochart.shown import short_repr
from nanochart.statistics.estimate import Estimate
from nanochart.statistics.weighted import Weighted, at_once
from nanochart.units import BOLTZMANN

__all__ = [
    "Growth", "Populations", "StateShares", "growth", "lasting_changes", "state_populations",
]  # fmt: skip

Floats = NDArray[np.float64]

#: Share of the whole above which a state must be known for the run to be called converged.
_MATTERS = 0.01


@short_repr
@dataclass(frozen=True, eq=False)
class StateShares:
    """Shares of states, and whether they are known.

    Attributes
    ----------
    names
        Names of the states.
    temperature
        Temperature in K.
    shares
        Population of each state, an estimate of shape (state,).
    """

    names: tuple[str, ...]
    temperature: float
    shares: Estimate

    @property
    def matters(self) -> NDArray[np.bool_]:
        """Whether each state holds more than a hundredth of the samples' weight, (state,)."""
        return np.asarray(self.shares.value) >= _MATTERS

    @property
    def unknown(self) -> tuple[str, ...]:
        """States that matter and are not known."""
        lacking = self.matters & ~np.asarray(self.shares.known)
        return tuple(name for name, lacks in zip(self.names, lacking, strict=True) if lacks)

    @property
    def converged(self) -> bool:
        """Whether every state that matters is known."""
        return bool(self.matters.any()) and not self.unknown

    @property
    def verdict(self) -> str:
        """Whether the run is converged, and if not which states are unknown, in one sentence."""
        if self.converged:
            return "converged: the shares of all states above 1 % are known"
        if not self.matters.any():
            return "not converged: no sample is in any of the states"
        why = self.reason[:1].lower() + self.reason[1:]
        return f"not converged: unknown is the share of {', '.join(self.unknown)}; {why}"

    @property
    def reason(self) -> str:
        """Why the first state that matters is not known."""
        first = next(iter(np.flatnonzero(self.matters & ~np.asarray(self.shares.known))), None)
        return "run longer" if first is None else self.shares[int(first)].reason


@short_repr
@dataclass(frozen=True, eq=False)
class Populations:
    """Samples with their states, and what follows from them.

    Attributes
    ----------
    inside
        Whether a sample is in a state, or which share of it, (time, walker, state).
    weighted
        Weights of the samples.
    found
        Share of each state.
    beside
        Standard error of each population beside that of the sampling, (state,); None where there is
        none.
    """

    inside: Floats
    weighted: Weighted
    found: StateShares
    beside: Floats | None = None

    @property
    def temperature(self) -> float:
        """K."""
        return self.found.temperature

    @property
    def names(self) -> tuple[str, ...]:
        """Of the states."""
        return self.found.names

    @property
    def shares(self) -> Estimate:
        """Share of each state, of shape (state,)."""
        return self.found.shares

    @property
    def matters(self) -> NDArray[np.bool_]:
        """Whether each state holds more than a hundredth of the samples' weight, (state,)."""
        return self.found.matters

    @property
    def unknown(self) -> tuple[str, ...]:
        """States that matter and are not known."""
        return self.found.unknown

    @property
    def converged(self) -> bool:
        """Whether every state that matters is known."""
        return self.found.converged

    @property
    def verdict(self) -> str:
        """Whether the run is converged, and if not which states are unknown, in one sentence."""
        return self.found.verdict

    def difference(self, a: int, b: int) -> Estimate:
        r"""Free energy of state b minus that of a in eV, :math:`-k_B T \ln (p_b / p_a)`."""
        return self.differences([(a, b)])[0]

    def differences(self, pairs: Sequence[tuple[int, int]]) -> Estimate:
        """Free energies F_b - F_a in eV of pairs (a, b) of states, (pair,), perhaps none."""
        if not pairs:
            return Estimate.unknown(np.empty(0), "there are no two states to compare")
        most = at_once(self.weighted.log_weights.size)
        if len(pairs) > most:
            starts = range(0, len(pairs), most)
            return Estimate.joined([self.differences(pairs[k : k + most]) for k in starts])
        kT = BOLTZMANN * self.temperature
        first, last = [a for a, _ in pairs], [b for _, b in pairs]
        names = [(self.names[a], self.names[b]) for a, b in pairs]
        one, other = (_one_by_one([self.inside[..., k] for k in which]) for which in (first, last))
        found = self.weighted.log_ratios(one, other, names)
        if self.beside is not None:
            p = np.maximum(np.asarray(self.shares.value), 1e-12)
            found = found.widened(np.hypot((self.beside / p)[first], (self.beside / p)[last]))
        return found.scaled(kT)


def state_populations(
    states: ArrayLike,
    weighted: Weighted,
    temperature: float,
    names: tuple[str, ...] | None = None,
    *,
    beside: ArrayLike | None = None,
) -> Populations:
    r"""Estimate the population of each state in the ensemble of the weights.

    Where the share of a state above 1 % is unknown, all shares are, because they add up to the
    whole. The interval is that of the logarithm of the odds, :math:`\ln p / (1 - p)`, which is
    more nearly normal than p and keeps within 0 and 1.

    Parameters
    ----------
    states
        Code of the state of each sample from 0, (time, walker), where a negative code counts to no
        state but to the whole; or the share of each state in each sample, (time, walker, state).
    weighted
        Weights of the samples.
    temperature
        Temperature in K.
    names
        Names of the states; by default the codes that occur.
    beside
        Standard error of each population beside that of the sampling, (state,), as the membership
        of samples may have one.
    """
    given = np.asarray(states)
    if given.shape[:2] != weighted.log_weights.shape:
        raise ValueError(
            "states and log-weights must have the same shape (time, walker); got "
            f"{given.shape[:2]} and {weighted.log_weights.shape}"
        )
    if given.ndim == 2:
        n = int(given.max(initial=-1)) + 1 if names is None else len(names)
        inside = _one_by_one([given == k for k in range(n)])
    else:
        n = given.shape[2]
        inside = _one_by_one([given[..., k] for k in range(n)])
    if n < 1:
        raise ValueError("no sample is in any state, so there are no populations")
    called = tuple(str(k) for k in range(n)) if names is None else names
    odds = weighted.log_ratios(inside, 1.0 - inside, [(k, f"anything but {k}") for k in called])
    value = (weighted.weights[..., None] * inside).sum(axis=(0, 1))
    more = None if beside is None else np.asarray(beside, dtype=np.float64)
    if more is not None:
        odds = odds.widened(more / np.maximum(value * (1.0 - value), 1e-12))
    lacking = [
        name
        for name, p, known in zip(called, value, odds.known, strict=True)
        if p >= _MATTERS and not known
    ]
    if lacking and np.any(odds.known):
        # Shares add up to the whole, and of that a part is unknown; differences may be known.
        rest = f"the share of {', '.join(lacking)} is unknown, and with it what all add up to"
        why = tuple(odds[k].reason or rest for k in range(n))
        odds = replace(Estimate.unknown(odds.value, ""), why=why)
    low, high = (expit(x) for x in (odds.low, odds.high))
    error = np.where(
        odds.known, value * (1.0 - value) * np.where(odds.known, odds.error, 0), np.inf
    )
    shares = Estimate(value, error, low, high, odds.known, odds.why)
    return Populations(inside, weighted, StateShares(called, temperature, shares), more)


def _one_by_one(states: Sequence[ArrayLike]) -> Floats:
    """States (time, walker) as (time, walker, state), each of which lies together in memory.

    All that follows asks one state after the other, of which there may be dozens.
    """
    together = np.array(states, dtype=np.float64)
    return np.moveaxis(together, 0, -1) if len(together) else np.empty((0, 0, 0))


@short_repr
@dataclass(frozen=True)
class Growth:
    """A free-energy difference from a growing part of a run, and how often walkers changed state.

    ``fractions`` of the run with the ``estimates`` from them; ``changes``: times that a walker went
    from one state to the other and stayed for two samples or more.
    """

    fractions: tuple[float, ...]
    estimates: tuple[Estimate, ...]
    changes: int


def growth(populations: Populations, a: int, b: int) -> Growth:
    """Follow the free-energy difference F_b - F_a in eV as more of the run is used."""
    n = len(populations.inside)
    fractions = (0.25, 0.5, 0.75, 1.0)
    found = []
    for fraction in fractions:
        last = max(8, round(fraction * n))
        try:
            weighted = populations.weighted.part(0, last)
        except (ConvergenceError, ValueError):  # no overlap of windows or no weight yet
            found.append(Estimate.unknown(np.nan, "this part of the run has no weights"))
            continue
        part = replace(populations, inside=populations.inside[:last], weighted=weighted)
        found.append(part.difference(a, b))
    changes = lasting_changes(populations.inside[..., a], populations.inside[..., b])
    return Growth(fractions, tuple(found), changes)


def lasting_changes(a: ArrayLike, b: ArrayLike) -> int:
    """Count how often walkers went from one of two states to the other and stayed two samples.

    Parameters
    ----------
    a, b
        Whether a sample is in the first and in the second state, or which share of it, (time,
        walker).
    """
    where = np.where(np.asarray(a) > 0.5, 1, np.where(np.asarray(b) > 0.5, 2, 0))
    count = 0
    for walker in where.T:
        lasts = np.zeros(len(walker), dtype=bool)
        lasts[1:] = walker[1:] == walker[:-1]
        lasts[:-1] |= lasts[1:]
        visited = walker[lasts & (walker > 0)]
        count += int((np.diff(visited) != 0).sum())
    return count
