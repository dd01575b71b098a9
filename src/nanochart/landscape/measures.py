"""How good a chart and its families are, in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

__all__ = [
    "NeighbourPurity",
    "continuity",
    "explained_by",
    "family_agreement",
    "neighbour_purity",
    "random_split",
    "trustworthiness",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class NeighbourPurity:
    """Mean ``purity`` over ``n`` frames; ``minima`` is the mean over their distinct minima."""

    purity: float
    minima: float
    n: int


def neighbour_purity(
    points: ArrayLike,
    labels: ArrayLike,
    queries: ArrayLike,
    units: ArrayLike,
    minima: ArrayLike,
    *,
    k: int = 15,
    leave_out: tuple[int, ...] = (),
) -> NeighbourPurity:
    """Share of the k nearest neighbours in the chart that have a frame's own label.

    Two things would make it look better than it is, and are shut out. A neighbour from the same
    stretch of trajectory is nearly a copy, so neighbours are taken from other units (replica and
    time block). The same minimum is found over and over, by many units, and is its own neighbour at
    no distance: so the neighbours are distinct minima other than the frame's own.

    Parameters
    ----------
    points
        Chart coordinates (frame, d).
    labels
        Motif of each frame, (frame,).
    queries
        Whether a frame is asked for its neighbours, (frame,): those held out of training.
    units
        Number of the stretch of trajectory that a frame is in, (frame,).
    minima
        Number of the distinct minimum that a frame is, (frame,).
    k
        Number of neighbours.
    leave_out
        Labels that are left out of frames and neighbours.

    Raises
    ------
    ValueError
        If no frame is asked, or there are fewer minima than neighbours.
    """
    s, label = np.asarray(points, dtype=np.float64), np.asarray(labels)
    unit, which = np.asarray(units), np.asarray(minima)
    usable = ~np.isin(label, leave_out) & (label >= 0)
    asked = np.flatnonzero(np.asarray(queries, dtype=bool) & usable)
    # One frame per (minimum, unit): enough to find a minimum wherever it does not share the unit.
    rows = np.flatnonzero(usable)
    _, first = np.unique(np.stack([which[rows], unit[rows]]), axis=1, return_index=True)
    known = rows[first]
    if not len(asked) or len(np.unique(which[known])) <= k:
        raise ValueError(
            f"purity needs frames that were held out and more than {k} distinct minima; got "
            f"{len(asked)} frames and {len(np.unique(which[known]))} minima: sample longer"
        )
    _, one = np.unique(np.stack([which[asked], unit[asked]]), axis=1, return_index=True)
    weights = _weights(which, unit, asked, asked[one])
    asked = asked[one]
    tree = cKDTree(s[known])
    purity = np.full(len(asked), np.nan)
    open_, wide = np.arange(len(asked)), min(8 * k, len(known))
    while len(open_):
        near = tree.query(s[asked[open_]], k=list(range(1, wide + 1)))[1]
        rest = []
        for row, frame, found in zip(open_, asked[open_], known[near], strict=True):
            other = found[(unit[found] != unit[frame]) & (which[found] != which[frame])]
            _, nearest = np.unique(which[other], return_index=True)
            other = other[np.sort(nearest)[:k]]
            if len(other) == k or wide == len(known):
                purity[row] = (label[other] == label[frame]).mean() if len(other) else np.nan
            else:
                rest.append(row)
        open_, wide = np.array(rest, dtype=np.int64), min(4 * wide, len(known))
    fine = np.isfinite(purity)
    _, distinct = np.unique(which[asked[fine]], return_index=True)
    return NeighbourPurity(
        float(np.average(purity[fine], weights=weights[fine])),
        float(purity[fine][distinct].mean()),
        int(weights[fine].sum()),
    )


def _weights(which: Ints, unit: Ints, frames: Ints, kept: Ints) -> Floats:
    """How many of the frames each kept one stands for."""
    pairs = np.stack([which[frames], unit[frames]])
    _, counts = np.unique(pairs, axis=1, return_counts=True)
    del kept  # np.unique gives both in the same order
    return counts.astype(np.float64)


def trustworthiness(space: ArrayLike, chart: ArrayLike, *, k: int = 15) -> float:
    r"""Measure whether neighbours in the chart are neighbours in the space that it charts.

    .. math:: T = 1 - \frac{2}{n k (2n - 3k - 1)} \sum_i \sum_{j \in N_k(i)} \max(0, r(i, j) - k)

    with the k nearest neighbours N of i in the chart and the rank r of j by distance from i in the
    space (Venna and Kaski 2001). 1 is best; a random chart gives about 0.5.

    Parameters
    ----------
    space
        Coordinates (point, D) of what was charted, such as distribution functions.
    chart
        Coordinates (point, d).
    k
        Number of neighbours, less than half of the points.
    """
    from sklearn.manifold import trustworthiness as of_sklearn

    a, b = _paired(space, chart, k)
    return float(of_sklearn(a, b, n_neighbors=k))


def continuity(space: ArrayLike, chart: ArrayLike, *, k: int = 15) -> float:
    """Measure whether neighbours in the space are neighbours in the chart; 1 is best.

    (Venna and Kaski 2001.)

    Parameters
    ----------
    space, chart, k
        Coordinates and number of neighbours, as for ``trustworthiness``.
    """
    return trustworthiness(chart, space, k=k)


def _paired(space: ArrayLike, chart: ArrayLike, k: int) -> tuple[Floats, Floats]:
    a, b = np.asarray(space, dtype=np.float64), np.asarray(chart, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or len(a) <= 2 * k:
        raise ValueError(
            f"space and chart must be (point, D) and (point, d) with more than {2 * k} points; got "
            f"{a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("space and chart must be finite; got NaN or infinity: leave those out")
    return a, b


def explained_by(labels: ArrayLike, values: ArrayLike) -> Floats:
    r"""Share of the variance of each column that membership explains.

    .. math:: \eta^2 = \frac{\sum_k n_k (\bar x_k - \bar x)^2}{\sum_i (x_i - \bar x)^2}

    the correlation ratio (Fisher 1925): 0 where all groups have the same mean, 1 where a group has
    one value.

    Parameters
    ----------
    labels
        Group of each structure, (structure,).
    values
        Values of the descriptors (structure, descriptor).

    Returns
    -------
    array (descriptor,)
        Share of each descriptor; NaN for one that does not vary.
    """
    groups = np.unique(np.asarray(labels), return_inverse=True)[1]
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(groups) or not len(x) or not np.isfinite(x).all():
        raise ValueError(
            f"values must be finite and of the shape ({len(groups)}, descriptor), at least one "
            f"structure; got {x.shape}"
        )
    counts = np.bincount(groups)
    centred = x - x.mean(axis=0)
    means = np.stack([np.bincount(groups, weights=c) / counts for c in centred.T], axis=1)
    between = (counts[:, None] * means**2).sum(axis=0)
    total = (centred**2).sum(axis=0)
    vary = total > 1e-12 * np.maximum(1.0, np.abs(x).max(axis=0) ** 2)
    return np.where(vary, between / np.where(vary, total, 1.0), np.nan)


def random_split(labels: ArrayLike, seed: int = 0) -> NDArray[np.int64]:
    """Draw groups of the same sizes at random, for comparison with ``explained_by``."""
    return np.random.default_rng(seed).permutation(np.asarray(labels).astype(np.int64))


def family_agreement(first: ArrayLike, second: ArrayLike, *, noise: int = 0) -> float:
    """Adjusted Rand index of two clusterings of the same frames (Hubert and Arabie 1985).

    1 where they agree in all pairs of frames, 0 as expected by chance. Frames that are noise in
    both are left out; those that are noise in one count as a group of that one.

    Parameters
    ----------
    first, second
        Codes of the families of the same frames.
    noise
        Code of noise.
    """
    from sklearn.metrics import adjusted_rand_score

    a, b = np.asarray(first).ravel(), np.asarray(second).ravel()
    if a.shape != b.shape or not a.size:
        raise ValueError(
            f"two clusterings must be of the same frames; got {a.size} and {b.size} codes"
        )
    kept = (a != noise) | (b != noise)
    return float(adjusted_rand_score(a[kept], b[kept])) if kept.any() else 1.0
