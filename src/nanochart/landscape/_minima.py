"""The distinct minima behind the frames of a run, and a sample of them to cluster.

A low-temperature replica quenches into the same minimum thousands of times, a molten one never into
the same twice. A clustering of frames would see the first as a point of infinite density and the
second as the bulk of the data; one of distinct minima would not see how often a place is visited.
The sample stands between: a minimum that was found n times is there about sqrt(n) times, spread
over the distance to its neighbours, because it has no width of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

__all__ = ["Minima", "Sample", "distinct_minima", "draw_sample"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Side of a cell of the chart within which frames of one energy are one minimum, in units of the
#: standard deviation of the chart.
_CELL = 0.02
#: Neighbour whose distance is the spacing of minima.
_NEIGHBOUR = 5


@dataclass(frozen=True)
class Minima:
    """``points`` (minimum, d); ``counts`` (minimum,), frames of each; ``index`` (frame,)."""

    points: Floats
    counts: Ints
    index: Ints


@dataclass(frozen=True)
class Sample:
    """``points`` (sample, d) to cluster; ``minimum`` (sample,), which minimum each stands for."""

    points: Floats
    minimum: Ints


def distinct_minima(
    points: Floats, energies: ArrayLike | None = None, tolerance: float = 1e-4
) -> Minima:
    """Tell which frames are the same minimum: equal energy and place in the chart.

    Energies alone do not tell: among ten thousand minima many differ by less than 0.1 meV by
    chance. Both are rounded, so a minimum on a border may be counted as two, which does no harm.

    Parameters
    ----------
    points
        Chart coordinates (frame, d).
    energies
        Of the minima in eV, (frame,); None tells them apart by their place alone.
    tolerance
        In eV.
    """
    scale = _CELL * np.sqrt(points.var(axis=0).mean())
    keys = [np.rint(column / scale) if scale > 0 else np.zeros(len(points)) for column in points.T]
    if energies is not None:
        keys.append(np.rint(np.asarray(energies, dtype=np.float64) / tolerance))
    order = np.lexsort(keys)
    table = np.stack(keys)[:, order]
    new = np.r_[True, (table[:, 1:] != table[:, :-1]).any(axis=0)]
    index = np.empty(len(points), dtype=np.int64)
    index[order] = np.cumsum(new) - 1
    counts = np.bincount(index)
    sums = [np.bincount(index, weights=column) for column in points.T]
    return Minima(np.stack(sums, axis=1) / counts[:, None], counts, index)


def draw_sample(minima: Minima, n_fit: int, rng: np.random.Generator) -> Sample:
    r"""Draw about sqrt(n) points for a minimum that was found n times, at most ``n_fit`` in all.

    Further copies are spread around the first by a normal distribution as wide as the distance
    r to the fifth nearest other minimum (at most its median over all). Where there are too many,
    points are drawn with a probability that grows as r^(d/2), which halves the contrast of
    density (on a logarithmic scale), so that places with few minima keep theirs; density-dependent
    sampling as in Qiu et al., Nature Biotechnology 29, 886 (2011).
    """
    n, d = minima.points.shape
    spacing = np.zeros(n)
    if n > 1:
        k = min(_NEIGHBOUR, n - 1)
        spacing = cKDTree(minima.points).query(minima.points, k=[k + 1])[0][:, 0]
    width = np.minimum(spacing, np.median(spacing))
    copies = np.rint(np.sqrt(minima.counts)).astype(np.int64)
    minimum = np.repeat(np.arange(n), copies)
    if len(minimum) > n_fit:
        chance = np.clip(spacing, 1e-12, np.percentile(spacing, 90)) ** (d / 2)
        drawn = rng.choice(
            len(minimum), n_fit, replace=False, p=chance[minimum] / chance[minimum].sum()
        )
        minimum = np.sort(drawn)
        minimum = np.repeat(np.arange(n), copies)[minimum]
    first = np.r_[True, minimum[1:] != minimum[:-1]]
    spread = rng.normal(size=(len(minimum), d)) * (width[minimum] / np.sqrt(d))[:, None]
    return Sample(minima.points[minimum] + np.where(first[:, None], 0.0, spread), minimum)
