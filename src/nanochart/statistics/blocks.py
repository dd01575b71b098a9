"""Blocks: who is independent of whom, and the variance of a sum over all samples."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr
from nanochart.statistics.correlation import effective_walkers, statistical_inefficiency
from nanochart.statistics.slices import slice_number, slices_of, sum_slices, worth_of_sides

__all__ = ["Blocks", "Independence", "make_blocks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Who is independent of whom. "walkers": each of the others, all of one ensemble. "replicas": they
#: exchange, so that one remembers its structure and all share the moment; in windows, those of each
#: window by themselves. "windows": each walker has an ensemble of its own, and its mean is not that
#: of the others.
Independence = Literal["walkers", "replicas", "windows"]

#: Slices of time for what replicas do together, of which there is one series only.
_MOMENTS = 256
#: Inefficiencies that a block is long.
_LONG = 4.0
#: Independent slices below which an error is not known: those of all walkers, of a window, and of
#: all replicas of a ladder together.
_FEWEST, _FEWEST_OF_WINDOW, _FEWEST_MOMENTS = 40.0, 16.0, 12.0
#: Independent slices below which a walker has not come to equilibrium from where it started:
#: starts are chosen, not drawn, and many walkers cannot replace time.
_FEWEST_OF_WALKER = 4.0
#: Parts of equal weight that each side of what a window tells must be worth.
_FEWEST_OF_SIDE = 8.0
#: Probability that walkers or windows which agree are taken for ones that do not, in one run.
_FALSE_ALARM = 0.05


@short_repr
@dataclass(frozen=True, eq=False)
class Blocks:
    """Division of a run into blocks whose sums are taken as independent.

    Attributes
    ----------
    index
        Number of the block that each slice of each walker is in, (slice, walker).
    slices
        Number of the slice that each time is in, (time,).
    group
        Group of each block, (block,): blocks of a group have one expectation. The group is 0, or
        the umbrella window.
    deficit
        Share of the variance that blocks of this length miss, (group,).
    worth
        Number of walkers that carry the weight over the number of all walkers, (group,).
    moments
        Number of the block of time over all replicas at once, of each window, that each time is in,
        from 0, (time,); empty unless replicas exchange.
    inefficiency
        Samples per independent sample, in the slowest group; at least the length of a slice.
    independent
        Number of independent slices in the group that has fewest.
    known
        Whether the independent slices are enough for an error.
    why
        Why they are not enough, in one sentence; empty where they are.
    """

    index: Ints
    slices: Ints
    group: Ints
    deficit: Floats
    worth: Floats
    moments: Ints
    inefficiency: float
    independent: float
    known: bool
    why: str = ""

    @property
    def size(self) -> Ints:
        """Number of samples in each block, (block,)."""
        lengths = np.bincount(self.slices)
        n_walkers = self.index.shape[1]
        weights = np.repeat(lengths, n_walkers)
        return np.bincount(self.index.ravel(), weights, self.n).astype(np.int64)

    @property
    def n(self) -> int:
        """Number of blocks."""
        return len(self.group)

    @property
    def of_samples(self) -> Ints:
        """Number of the block that each sample is in, (time, walker)."""
        return self.index[self.slices]

    def sums(self, values: ArrayLike) -> Floats:
        """Sum of (time, walker, ...) over each block, (block, ...)."""
        cut = sum_slices(np.asarray(values, dtype=np.float64), self.slices)
        flat = cut.reshape(-1, *cut.shape[2:])
        out = np.zeros((self.n, *flat.shape[1:]))
        np.add.at(out, self.index.ravel(), flat)
        return out

    def variance(self, influence: ArrayLike) -> tuple[Floats, Floats]:
        """Variance of the sum of (time, walker, ...) over all samples, and its degrees of freedom.

        As `spread`. Of replicas that exchange it is the larger of this and the same of blocks of
        time over all replicas at once: the one knows what a replica remembers, the other what
        replicas do together.
        """
        values = np.asarray(influence, dtype=np.float64)
        found, freedom = self.spread(self.sums(values))
        if not self.moments.size:
            return found, freedom
        by_time = self._by_time()
        other, its_freedom = by_time.spread(by_time.sums(values))
        larger = other > found
        return np.where(larger, other, found), np.where(larger, its_freedom, freedom)

    def decisive(self, influence: ArrayLike) -> "Blocks":
        """These blocks, or those of time over all replicas if the influences vary more by them."""
        if not self.moments.size:
            return self
        values = np.asarray(influence, dtype=np.float64)
        own, _ = self.spread(self.sums(values))
        larger, _ = self.variance(values)
        return self._by_time() if (larger > own).any() else self

    def _by_time(self) -> "Blocks":
        n, n_groups = int(self.moments.max()) + 1, len(self.deficit)
        of_walker = self.group[self.index[0]]
        index = np.arange(n)[:, None] + n * of_walker
        group = np.repeat(np.arange(n_groups), n)
        return replace(
            self, index=index, slices=self.moments, group=group, deficit=np.zeros(n_groups),
            worth=np.ones(n_groups), moments=self.moments[:0],
        )  # fmt: skip

    def spread(self, sums: ArrayLike) -> tuple[Floats, Floats]:
        r"""Variance of the total of sums over blocks (block, ...), and its degrees of freedom.

        .. math:: \mathrm{Var} = \sum_g \frac{m_g}{m_g - 1} \sum_{b \in g}
            \frac{(S_b - n_b\, \bar z_g)^2}{1 - d_g}

        over the :math:`m_g` blocks of each group, with the mean :math:`\bar z_g` of a sample of the
        group and the size :math:`n_b` of the block, where the deficit :math:`d = (g - 1) / 2 L` is
        what blocks of length L miss of an exponential correlation. Degrees of freedom are
        Satterthwaite's.
        """
        deviation, number = self._deviation(np.asarray(sums, dtype=np.float64))
        square = deviation**2
        total = np.zeros(square.shape[1:])
        uncertain = np.zeros(square.shape[1:])
        for k, m in enumerate(number):
            if m > 1:  # one block knows no spread; `known` is false then
                part = square[self.group == k].sum(axis=0)
                total = total + part
                uncertain = uncertain + part**2 / max(1.0, self.worth[k] * m - 1.0)
        freedom = np.divide(total**2, uncertain, out=np.ones_like(total), where=uncertain > 0)
        return total, np.maximum(freedom, 1.0)

    def _deviation(self, sums: Floats) -> tuple[Floats, list[int]]:
        """Sums of blocks less what they should be, scaled so that their squares add to `spread`."""
        size = self.size.reshape(-1, *[1] * (sums.ndim - 1)).astype(np.float64)
        out, number = np.zeros_like(sums), []
        for k, missed in enumerate(self.deficit):
            members = self.group == k
            m = int(members.sum())
            number.append(m)
            if m > 1:
                mean = sums[members].sum(axis=0) / size[members].sum()
                scale = np.sqrt(m / (m - 1) / (1.0 - missed))
                out[members] = scale * (sums[members] - size[members] * mean)
        return out, number

    def merged(self, most: int) -> "Blocks":
        """Join blocks of a group at random, until about so many are left."""
        if self.n <= most:
            return self
        rng = np.random.default_rng(0)
        new = np.empty(self.n, dtype=np.int64)
        group: list[int] = []
        for k in range(len(self.deficit)):
            members = np.flatnonzero(self.group == k)
            m = max(2, most * len(members) // self.n)
            new[rng.permutation(members)] = len(group) + np.arange(len(members)) % m
            group += [k] * m
        return replace(self, index=new[self.index], group=np.array(group))

    def draws(self, sums: ArrayLike, n: int, seed: int) -> Floats:
        """Changes of the total of sums over blocks (block, ...) in resamples, (resample, ...).

        Each block's deviation counts with a normal multiplier of its own, which is the bootstrap of
        what is linear in the blocks, with the variance of `spread`.
        """
        values = np.asarray(sums, dtype=np.float64)
        deviation, _ = self._deviation(values.reshape(len(values), -1))
        multipliers = np.random.default_rng(seed).normal(size=(n, self.n))
        return np.asarray((multipliers @ deviation).reshape(n, *values.shape[1:]))


def make_blocks(
    influence: ArrayLike,
    independence: Independence = "walkers",
    windows: ArrayLike | None = None,
) -> Blocks:
    """Divide a run into blocks four statistical inefficiencies long, of its slowest quantity.

    The run is cut into 64 slices of time; inefficiency and blocks are counted in slices, so that a
    slow process is seen even where single frames are mostly noise. With fewer than 40 independent
    slices of all walkers (16 of a window, 12 of all replicas of a ladder together), or 4 of each
    walker, an error is not known. Walkers of small weight count as little as they contribute.

    A window must also have been on both sides of its mean for eight slices' worth. One that saw a
    state for a single while has the share, the memory and the error of that while, and each of
    them looks well known.

    Parameters
    ----------
    influence
        What each sample contributes to the quantities, (time, walker, ...).
    independence
        Which series are independent of each other: "walkers", "replicas" that exchange, or
        "windows".
    windows
        Number of the umbrella window of each walker, (walker,); by default each walker has its own,
        and replicas have none.
    """
    values = np.asarray(influence, dtype=np.float64)
    n_times, n_walkers = values.shape[:2]
    slices = slice_number(n_times)
    cut = sum_slices(values, slices)
    n_slices = len(cut)
    cut = cut.reshape(n_slices, n_walkers, -1)
    divided = independence == "windows" or windows is not None
    if divided:
        names = np.arange(n_walkers) if windows is None else np.asarray(windows)
        groups = [np.flatnonzero(names == k) for k in np.unique(names)]
        fewest = _FEWEST_OF_WINDOW
    else:
        groups, fewest = [np.arange(n_walkers)], _FEWEST
    index = np.zeros((n_slices, n_walkers), dtype=np.int64)
    owner: list[int] = []
    deficit, worth, slowest, independent, why = [], [], 1.0, np.inf, ""
    lengths = np.bincount(slices)[:, None, None]
    for k, members in enumerate(groups):
        mean = cut[:, members].sum(axis=(0, 1)) / (n_times * len(members))
        own = cut[:, members] - lengths * mean
        g = max(
            statistical_inefficiency(own[..., q], _FALSE_ALARM / len(groups))
            for q in range(cut.shape[2])
        )
        per_walker = max(1, int(n_slices / (_LONG * g)))
        place = np.arange(n_slices) * per_walker // n_slices
        index[:, members] = len(owner) + place[:, None] + per_walker * np.arange(len(members))
        owner += [k] * (per_walker * len(members))
        deficit.append(min(0.5, 0.5 * (g - 1.0) * per_walker / n_slices))
        counted = min(effective_walkers(own[..., q]) for q in range(cut.shape[2]))
        worth.append(counted / len(members))
        mine = n_slices * counted / g
        slowest, independent = max(slowest, g), min(independent, mine)
        of_each = n_slices / g
        if not why and (mine < fewest or of_each < _FEWEST_OF_WALKER):
            weight = (
                "" if counted > 0.8 * len(members)
                else f", and {counted:.1f} of {len(members)} walkers carry the weight"
            )  # fmt: skip
            why = (
                f"of {n_slices * len(members)} slices of time about {mine:.0f} are independent, "
                f"{of_each:.2g} of each walker{weight}, where {fewest:.0f} and "
                f"{_FEWEST_OF_WALKER:.0f} of each are needed: the walkers hardly mix"
            )
        if not why and divided:
            in_time, at_random = worth_of_sides(values[:, members], slices)
            once = in_time < np.minimum(_FEWEST_OF_SIDE, 0.5 * at_random)
            if once.any():
                side = float(in_time[once].min())
                why = (
                    f"window {k + 1} was on one side of its mean for {side:.1f} of its "
                    f"{n_slices * len(members)} slices only, where {_FEWEST_OF_SIDE:.0f} are "
                    "needed: it changed too few times"
                )
    moments = np.zeros(0, dtype=np.int64)
    if independence == "replicas":
        moments, together = _moments(values, groups)
        if not why and together < _FEWEST_MOMENTS:
            why = (
                f"what the replicas do together is independent at about {together:.0f} moments, "
                f"where {_FEWEST_MOMENTS:.0f} are needed: run longer"
            )
    return Blocks(
        index, slices, np.array(owner), np.array(deficit), np.array(worth), moments,
        slowest * n_times / n_slices, float(independent), not why, why,
    )  # fmt: skip


def _moments(values: Floats, groups: list[Ints]) -> tuple[Ints, float]:
    """Blocks of time over all replicas of each group, and how many moments are independent."""
    n_times = len(values)
    sums = np.stack([values[:, members].sum(axis=1) for members in groups], axis=1)
    together = slices_of(sums, _MOMENTS)
    n = len(together)
    together = together.reshape(n, -1)
    g = max(statistical_inefficiency(column, _FALSE_ALARM / len(groups)) for column in together.T)
    n_blocks = max(1, int(n / (_LONG * g)))
    return np.arange(n_times) * n_blocks // n_times, n / g if n_blocks > 1 else 0.0
