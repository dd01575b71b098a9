"""One clustering of a sample by each method, and the settings that are tried."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["bayesian_gain", "candidates", "group"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Shares of the sample that are tried as the least size of a family of HDBSCAN.
_SIZES = (0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05)
#: Cells of the chart from which mean shift climbs.
_STARTS = 150
_FEW = (2, 3, 4)
_NUMBERS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18)
#: Points of the sample below which a group is a coincidence.
_LEAST = 10
#: Neighbours that smooth the density of HDBSCAN.
_NEIGHBOURS = 10


def group(points: Floats, method: str, knob: float, seed: int, *, starts: int = 1) -> Ints:
    """Cluster number of each point (point,), -1 for noise.

    Parameters
    ----------
    points
        Sample (point, d).
    method, knob
        As in ``FamiliesConfig``; the size is in points of this sample.
    seed
        Of the mixture.
    starts
        Of the mixture, the best of which counts.
    """
    if method == "hdbscan":
        found = _hdbscan(points, max(2, round(knob)))
    elif method == "meanshift":
        found = _mean_shift(points, knob)
    else:
        found = _mixture(points, round(knob), seed, starts)
    return found.astype(np.int64)


def _hdbscan(points: Floats, size: int) -> Ints:
    from sklearn.cluster import HDBSCAN

    if len(points) < 2 * size or len(points) <= _NEIGHBOURS:
        return np.full(len(points), -1)
    neighbours = min(_NEIGHBOURS, size)
    return np.asarray(
        HDBSCAN(min_cluster_size=size, min_samples=neighbours, copy=True).fit_predict(points)
    )


def _mean_shift(points: Floats, bandwidth: float) -> Ints:
    from sklearn.cluster import MeanShift

    # The peaks are climbed to from the fullest cells of a grid, not from every point.
    cells, filled = np.unique(np.rint(points / bandwidth), axis=0, return_counts=True)
    fullest = np.argsort(-filled, kind="stable")[:_STARTS]
    starts = cells[fullest][filled[fullest] >= min(3, filled.max())] * bandwidth
    fit = MeanShift(bandwidth=bandwidth, seeds=starts, max_iter=100, cluster_all=False)
    labels = np.asarray(fit.fit_predict(points))
    sizes = np.bincount(labels + 1, minlength=2)[1:]
    large = sizes >= max(3, _SIZES[0] * len(points))
    numbers = np.where(large, np.cumsum(large) - 1, -1)
    return np.where(labels >= 0, numbers[labels], -1)


def _mixture(points: Floats, number: int, seed: int, starts: int) -> Ints:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(points) <= number:
        return np.full(len(points), -1)
    floor = 1e-4 * float(points.var()) + 1e-12
    fit = GaussianMixture(number, reg_covar=floor, tol=1e-3, n_init=starts, random_state=seed)
    with warnings.catch_warnings():
        # A mixture that is still moving slowly after a hundred steps is a clustering all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(fit.fit_predict(points))


def bayesian_gain(points: Floats, seed: int) -> float:
    """By how much two Gaussians have a lower Bayesian information criterion than one, per point."""
    from sklearn.mixture import GaussianMixture

    floor = 1e-4 * float(points.var()) + 1e-12
    one, two = (
        GaussianMixture(n, reg_covar=floor, n_init=n, random_state=seed).fit(points).bic(points)
        for n in (1, 2)
    )
    return float(one - two) / len(points)


def candidates(points: Floats, method: str, *, few: bool = False) -> Sequence[float]:
    """Settings to try, from many families to few; ``few`` for the parts of one family."""
    if method == "hdbscan":
        shares = _SIZES[3:] if few else _SIZES
        sizes = {max(_LEAST, round(share * len(points))) for share in shares}
        return sorted(float(s) for s in sizes if 2 * s <= len(points)) or [float(_LEAST)]
    if method == "mixture":
        numbers = _FEW if few else _NUMBERS
        return [float(n) for n in reversed(numbers) if 5 * n <= len(points)] or [1.0]
    near = cKDTree(points).query(points, k=min(_NEIGHBOURS + 1, len(points)))[0][:, -1]
    largest = max(0.7 * float(np.sqrt(points.var(axis=0).sum())), 1e-9)
    smallest = min(max(2.0 * float(np.median(near)), 0.1 * largest), largest)
    return [float(b) for b in np.geomspace(smallest, largest, 7)]
