"""Blocks of time of all walkers, and their bootstrap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._time_series import statistical_inefficiency

__all__ = ["Blocks", "make_blocks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Statistical inefficiencies that a block should be long, at least: the variance of its mean is
#: then too small by 1/16 (g / 2L for length L, where correlation decays exponentially).
_LONG = 8.0
#: Blocks of a walker at most, and of all walkers that make an honest error, at least.
_MOST, _FEWEST = 40, 12


@dataclass(frozen=True)
class Blocks:
    """Division of a run into blocks that are resampled.

    Attributes
    ----------
    index
        (time, walker), block of each sample.
    n
        Number of blocks.
    length
        Samples of a block.
    inefficiency
        Samples per independent sample, of the slowest variable.
    reliable
        Whether the blocks are long against the correlation and many enough.
    """

    index: Ints
    n: int
    length: int
    inefficiency: float
    reliable: bool

    def resamples(self, n: int, seed: int, *, by_walker: bool = False) -> Floats:
        """How often each block counts in each of ``n`` bootstrap samples, (n, block).

        Of the m blocks of all walkers together, or of each walker by itself, m - 1 are drawn and
        count m / (m - 1) times, which gives the variance of a mean without bias (Rao, Wu, J. Am.
        Stat. Assoc. 83, 231 (1988)).
        """
        rng = np.random.default_rng(seed)
        group = np.zeros(self.n, dtype=np.int64)
        if by_walker:
            group[self.index] = np.arange(self.index.shape[1])
        counts = np.ones((n, self.n))
        for k in np.unique(group):
            members = np.flatnonzero(group == k)
            m = len(members)
            if m > 1:
                drawn = rng.multinomial(m - 1, np.full(m, 1.0 / m), size=n)
                counts[:, members] = drawn * (m / (m - 1))
        return counts

    def sums(self, values: ArrayLike) -> Floats:
        """Sum of (time, walker, ...) over each block, (block, ...)."""
        v = np.asarray(values, dtype=np.float64)
        flat = v.reshape(-1, *v.shape[2:])
        out = np.zeros((self.n, *flat.shape[1:]))
        np.add.at(out, self.index.ravel(), flat)
        return out


def make_blocks(series: ArrayLike, *, independent_walkers: bool = True) -> Blocks:
    """Blocks at least eight statistical inefficiencies long, at most 40 of each walker.

    Parameters
    ----------
    series
        (time, walker, ...): what is slow, the variables or the family as numbers.
    independent_walkers
        Whether walkers are resampled apart; those that share a bias are correlated through it, but
        only so as to see each other's past.
    """
    values = np.asarray(series, dtype=np.float64)
    columns = values.reshape(*values.shape[:2], -1)
    n_times, n_walkers = columns.shape[:2]
    g = max(statistical_inefficiency(columns[..., k]) for k in range(columns.shape[2]))
    length = max(int(np.ceil(_LONG * g)), -(-n_times // _MOST), 1)
    per_walker = max(1, n_times // length)
    of_time = np.minimum(np.arange(n_times) * per_walker // n_times, per_walker - 1)
    walker = np.arange(n_walkers) if independent_walkers else np.zeros(n_walkers, dtype=np.int64)
    index = of_time[:, None] + per_walker * walker[None, :]
    n = int(index.max()) + 1
    enough = n >= _FEWEST and per_walker * _LONG * g <= n_times + 1
    return Blocks(index.astype(np.int64), n, n_times // per_walker, float(g), bool(enough))
