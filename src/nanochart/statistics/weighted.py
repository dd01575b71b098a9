"""Weighted samples, and the three questions that are asked of them: mean, share, ratio."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr
from nanochart.statistics.agreement import window_agreement
from nanochart.statistics.blocks import Blocks, Independence, make_blocks
from nanochart.statistics.estimate import Estimate
from nanochart.statistics.mbar import Mixture
from nanochart.statistics.slices import equal_parts, slices_of

__all__ = ["Weighted", "at_once"]

Floats = NDArray[np.float64]

#: Slices of time of a walker, of equal weight, that what is known of a state must be worth.
_FEWEST_SLICES = 8.0
#: Numbers of what is asked of all samples at a time, at most: 64 MB, of which several are needed.
_MOST_NUMBERS = 8_000_000
#: Visits of two samples or more that a state must have had.
_VISITS = 4


def at_once(n_samples: int) -> int:
    """How many questions are asked of so many samples at a time, for the memory they take."""
    return max(1, _MOST_NUMBERS // n_samples)


@short_repr
@dataclass(frozen=True, eq=False)
class Weighted:
    r"""Samples of walkers with weights in one ensemble.

    The error of every estimate comes from the influence of each sample,
    :math:`z_n = \partial \hat\theta / \partial \ln w_n`, with :math:`\sum_n z_n = 0`: the variance
    of the estimate is that of the sum of z, by blocks (`make_blocks`). Weights from MBAR carry the
    uncertainty of the free energies of their ensembles along (`Mixture.carried`).

    Attributes
    ----------
    log_weights
        Logarithms of the weights, (time, walker); a sample with NaN or -inf counts nothing.
    independence
        Which series are independent of each other: "walkers", "replicas" that exchange, or
        "windows".
    windows
        Number of the umbrella window of each walker, (walker,), where the independent series are
        windows, or replicas that exchange within windows.
    mixture
        The mixture that the weights come from, with its samples in the order (time, walker); None
        where they are not from MBAR.
    reservation
        Why no estimate is known, whatever the samples say; empty if there is no such reason.
    memory
        What is known of states whatever the weights within a window are, by a digest of who is in
        them; shared by the weights of the same samples at other temperatures.
    again
        Function that solves the weights anew for a part of the run, from one time to before
        another; None where the weights of a part are those of the whole.
    """

    log_weights: Floats
    independence: Independence = "walkers"
    windows: tuple[int, ...] | None = None
    mixture: Mixture | None = None
    reservation: str = ""
    again: Callable[[int, int], "Weighted"] | None = None
    memory: dict[bytes, tuple[int, str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        logs = np.asarray(self.log_weights, dtype=np.float64)
        if logs.ndim != 2 or not np.isfinite(logs).any():
            raise ValueError(
                "log-weights must have the shape (time, walker) and at least one finite value; got "
                f"{logs.shape} with {int(np.isfinite(logs).sum())} finite ones (steered runs have "
                "none)"
            )
        object.__setattr__(self, "log_weights", logs)

    @cached_property
    def weights(self) -> Floats:
        """Weights of the samples, (time, walker), which sum to 1."""
        known = np.isfinite(self.log_weights)
        logs = np.where(known, self.log_weights, 0.0)
        weights = np.where(known, np.exp(logs - logs[known].max()), 0.0)
        total: Floats = weights / weights.sum()
        return total

    @property
    def effective(self) -> float:
        r"""Equally weighted samples that would be worth as much, (Σ w)² / Σ w² (Kish 1965)."""
        return equal_parts(self.weights)

    def tilted(self, logs: ArrayLike) -> Self:
        """The same samples with logarithms (time, walker) added to the weights."""
        added, again = np.asarray(logs, dtype=np.float64), self.again

        def tilted_again(first: int, last: int) -> "Weighted":
            assert again is not None  # noqa: S101  it is only set where there is one
            return again(first, last).tilted(added[first:last])

        parts = None if again is None else tilted_again
        return replace(self, log_weights=self.log_weights + added, again=parts)

    def part(self, first: int, last: int) -> "Weighted":
        """The samples from one time to before another, with their own weights."""
        if self.again is not None:
            return self.again(first, last)
        return replace(self, log_weights=self.log_weights[first:last])

    def carried(self, influence: ArrayLike) -> Floats:
        """Influences (time, walker, ...) with what the samples do to all weights."""
        z = np.asarray(influence, dtype=np.float64)
        if self.mixture is None:
            return z
        flat = z.reshape(-1, *z.shape[2:])
        return self.mixture.carried(flat).reshape(z.shape)

    def blocks(self, influence: ArrayLike) -> Blocks:
        """Blocks for the slowest of these influences (time, walker, ...)."""
        found = make_blocks(influence, self.independence, self.windows)
        if not self.reservation:
            return found
        return replace(found, known=False, why=self.reservation)

    def judged(self, value: ArrayLike, influence: ArrayLike) -> Estimate:
        """Estimates with their errors.

        Unknown where nothing changed, and all of them where a few parts of the run hold the weight.

        Parameters
        ----------
        value
            The estimates, (estimate,).
        influence
            Change of each estimate with the logarithm of the weight of a sample, without what that
            does to the weights of others, (time, walker, estimate).
        """
        z = self.carried(influence)
        v = np.asarray(value, dtype=np.float64)
        error, freedom = np.full(v.shape, np.inf), np.ones(v.shape)
        held = self._held(self.weights)
        few = f"all the weight is that of {held}" if held else ""
        why = []
        for k in range(len(v)):
            blocks = self.blocks(z[..., k])
            variance, freedom[k] = blocks.variance(z[..., k])
            error[k] = np.sqrt(variance)
            unchanged = "" if error[k] > 0.0 else "nothing changed in this run"
            why.append(blocks.why or few or unchanged)
        return Estimate.of(v, error, freedom, [not reason for reason in why], tuple(why))

    @staticmethod
    def _held(weights: Floats) -> str:
        """In what part of the run (time, walker) a weight is held, if that is too small a part."""
        by_slice = slices_of(weights)
        parts = equal_parts(by_slice)
        return f"{parts:.1f} of {by_slice.size} parts of the run" if parts < _FEWEST_SLICES else ""

    def mean(self, values: ArrayLike) -> Estimate:
        """Mean of (time, walker) or of columns (time, walker, ...) in the ensemble of the weights.

        Unknown where the quantity never changed.
        """
        v, w = np.asarray(values, dtype=np.float64), self.weights
        columns = np.where((w > 0)[..., None], v.reshape(*v.shape[:2], -1), 0.0)
        value = (w[..., None] * columns).sum(axis=(0, 1))
        found = self.judged(value, w[..., None] * (columns - value))
        return found[0] if v.ndim == 2 else found

    def log_ratios(self, a: ArrayLike, b: ArrayLike, names: Sequence[tuple[str, str]]) -> Estimate:
        r"""Logarithms of the ratios of the shares of pairs of states, :math:`\ln (p_a / p_b)`.

        A ratio is unknown where one of its states was hardly visited: each must have been for at
        least four times two samples or more in a row (a label that flickers has not changed), and
        not in a few blocks only.

        Parameters
        ----------
        a, b
            Whether a sample is in the first and in the second state of each pair, or which share of
            it, (time, walker, pair).
        names
            What the two states of each pair are called in the sentence.
        """
        most = at_once(self.log_weights.size)
        if len(names) > most:
            starts = range(0, len(names), most)
            one, other = np.asarray(a), np.asarray(b)
            return Estimate.joined([
                self.log_ratios(
                    one[..., k : k + most], other[..., k : k + most], names[k : k + most]
                )
                for k in starts
            ])  # fmt: skip
        w = self.weights[..., None]
        inside = [np.asarray(x, dtype=np.float64) for x in (a, b)]
        sums = [(w * x).sum(axis=(0, 1)) for x in inside]
        seen = (sums[0] > 0.0) & (sums[1] > 0.0)
        safe = [np.where(seen, total, 1.0) for total in sums]
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.log(sums[0]) - np.log(sums[1])
        z = w * (inside[0] / safe[0] - inside[1] / safe[1])
        found = self.judged(np.where(seen, value, 0.0), np.where(seen, z, 0.0))
        why = list(found.why) if isinstance(found.why, tuple) else [found.why] * len(value)
        for k, pair in enumerate(names):
            reason = self._lacks([x[..., k] for x in inside], [total[k] for total in sums], pair)
            if not seen[k]:
                why[k] = self.reservation or reason
            why[k] = why[k] or reason
        known = np.array([not reason for reason in why])
        return Estimate(
            value, np.where(known, found.error, np.inf), np.where(known, found.low, -np.inf),
            np.where(known, found.high, np.inf), known, tuple(why),
        )  # fmt: skip

    def _lacks(self, inside: list[Floats], sums: list[float], names: tuple[str, str]) -> str:
        """What is missing of one of two states."""
        for x, total, name in zip(inside, sums, names, strict=True):
            if total <= 0.0:
                return f"{name} was never visited"
            visits, unmixed = self._settled(x)
            if visits < _VISITS:
                return f"{name} was entered for longer than one frame less than {_VISITS} times"
            if unmixed:
                return f"as for {name}, {unmixed}"
            if held := self._held(self.weights * x):
                return f"all that is known of {name} comes from {held}"
        return ""

    def _settled(self, inside: Floats) -> tuple[int, str]:
        """How often a state was visited, and why walkers do not mix in it.

        Without the weights, which come and go while a structure stays what it is; but those of the
        windows, each of which counts as much as all of its samples.
        """
        hard = bool(((inside == 0.0) | (inside == 1.0)).all())
        told = np.packbits(inside > 0.5) if hard else inside
        counts = np.ones(1) if self.windows is None else self._of_window(self.weights)
        digest = hashlib.sha256(told.tobytes() + counts.tobytes()).digest()
        if digest not in self.memory:
            why = ""
            if self.independence != "windows":
                why = make_blocks(counts * (inside - self._of_window(inside))).why
            if self.windows is not None and self.mixture is not None and not why:
                why = window_agreement(self.mixture, inside.ravel(), self.windows, share=True)
            self.memory[digest] = self._visits(inside), why
        return self.memory[digest]

    def _of_window(self, values: Floats) -> Floats:
        """Mean of (time, walker) over all walkers, or over those of each walker's window."""
        if self.windows is None:
            return np.asarray(values.mean())
        _, own = np.unique(self.windows, return_inverse=True)
        means = np.bincount(own, values.mean(axis=0)) / np.bincount(own)
        return np.asarray(means[own])

    def _visits(self, inside: Floats) -> int:
        """How often walkers came into a state and stayed for two samples or more.

        Where they were in the beginning is what they were started with, and no visit; but of
        windows, which are where they are put. A sample that belongs to several states is in one
        if that has more than half of the largest share that it ever has.
        """
        there = inside > 0.5 * inside.max()
        stays = there[:-1] & there[1:]
        comes = stays.copy()
        comes[1:] &= ~there[:-2]
        if self.independence != "windows" and self.windows is None:
            comes[0] = False
        return int(comes.sum())
