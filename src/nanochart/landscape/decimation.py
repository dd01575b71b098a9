"""Which structures to show of more than can be shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr

__all__ = ["Decimation", "decimate"]

#: Share of all structures that count as extreme at each end that is asked for.
_EXTREME = 0.005

#: Structures of each family that are kept at least.
_PER_FAMILY = 50


@short_repr
@dataclass(frozen=True, eq=False)
class Decimation:
    """A choice of structures out of many, and why each is in it.

    Attributes
    ----------
    indices
        Indices of the structures that are kept, rising.
    n_total
        Number of structures to choose from.
    n_noise, n_noise_total
        Number of structures of noise, the family 0, that are kept, and of all of noise.
    n_extreme
        Number of structures that are kept because they are among the most extreme.
    per_family
        Number of structures of each family that are kept at least; a smaller family is kept whole.
    """

    indices: NDArray[np.intp]
    n_total: int
    n_noise: int = 0
    n_noise_total: int = 0
    n_extreme: int = 0
    per_family: int = 0

    @property
    def complete(self) -> bool:
        """Whether all structures are kept."""
        return len(self.indices) == self.n_total


def decimate(
    n_total: int,
    n_kept: int,
    *,
    families: ArrayLike | None = None,
    extremes: tuple[ArrayLike, ...] = (),
    seed: int = 0,
) -> Decimation:
    """Choose structures so that every family and every outlier stays.

    In this order, until ``n_kept`` are chosen:

    1. of each array in ``extremes`` the largest half per cent (at most a twentieth of the choice);
    2. of every family at least 50 structures, the whole family if it has fewer (fewer than 50
       where the families together would take more than half of the choice);
    3. all noise, which is the family 0, at most half of the choice;
    4. random structures of all the others.

    Parameters
    ----------
    n_total
        Number of structures.
    n_kept
        How many to choose; all are kept where there are no more than that.
    families
        Code of each structure's family (structure,); 0 is noise.
    extremes
        Arrays (structure,) whose largest values are kept, NaN where there is none: an energy and
        its negative keep both ends.
    seed
        Seed of the random choice; the same seed chooses the same structures.

    Raises
    ------
    ValueError
        If fewer than 20 are to be kept, or fewer than ten for each family.
    """
    if n_total <= n_kept:
        return Decimation(np.arange(n_total), n_total)
    codes = np.full(n_total, -1) if families is None else np.asarray(families)
    named, sizes = np.unique(codes[codes > 0], return_counts=True)
    least = max(20, 10 * len(named))
    if n_kept < least:
        raise ValueError(
            f"the number of structures to keep must be at least {least}, ten for each of "
            f"{len(named)} families; got {n_kept}"
            if len(named) > 1
            else f"the number of structures to keep must be at least {least}; got {n_kept}"
        )
    order = np.random.default_rng(seed).permutation(n_total)
    kept = np.zeros(n_total, dtype=bool)
    tail = max(1, min(round(_EXTREME * n_total), n_kept // 20))
    for values in extremes:
        kept[_largest(np.asarray(values, dtype=np.float64), tail)] = True
    n_extreme = int(kept.sum())
    per_family = _PER_FAMILY
    while per_family > 1 and np.minimum(sizes, per_family).sum() > n_kept // 2:
        per_family -= 1
    for code in named:
        members = order[codes[order] == code]
        kept[members[:per_family]] = True
    noise = order[codes[order] == 0]
    room = max(0, min(n_kept // 2, n_kept - int(kept.sum())))
    kept[noise[:room]] = True
    rest = order[~kept[order]]
    if len(noise) > room:  # noise has had its share
        rest = rest[codes[rest] != 0]
    kept[rest[: n_kept - int(kept.sum())]] = True
    return Decimation(
        np.flatnonzero(kept),
        n_total,
        n_noise=int(kept[codes == 0].sum()),
        n_noise_total=len(noise),
        n_extreme=n_extreme,
        per_family=per_family if len(named) else 0,
    )


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Places of the largest finite values."""
    finite = np.flatnonzero(np.isfinite(values))
    count = min(count, len(finite))
    if count == 0:
        return finite[:0]
    return finite[np.argpartition(values[finite], len(finite) - count)[-count:]]
