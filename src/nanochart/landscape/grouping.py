"""One clustering of a sample by each method, and the settings that are tried."""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Method", "bayesian_gain", "candidates", "group"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["hdbscan", "mixture"]

#: Shares of the sample that are tried as the least size of a family of HDBSCAN.
_SIZES = (0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.03, 0.05)
_FEW = (2, 3, 4)
_NUMBERS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18)
#: Points of the sample below which a group is a coincidence.
_LEAST = 10
#: Neighbours that smooth the density of HDBSCAN.
_NEIGHBOURS = 10


def group(points: Floats, method: Method, knob: float, seed: int, *, starts: int = 1) -> Ints:
    """Cluster number of each point (point,), -1 for noise.

    Parameters
    ----------
    points
        Sample (point, d).
    method
        "hdbscan": clusters that stay together over a range of densities, the rest is noise
        (Campello et al. 2013). "mixture": components of a Gaussian mixture.
    knob
        Least size of a cluster in points of this sample; number of components.
    seed
        Of the mixture.
    starts
        Of the mixture, the best of which counts.
    """
    if method == "hdbscan":
        found = _hdbscan(points, max(2, round(knob)))
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


def candidates(points: Floats, method: Method, *, few: bool = False) -> Sequence[float]:
    """Settings to try, from many families to few; ``few`` for the parts of one family."""
    if method == "hdbscan":
        shares = _SIZES[3:] if few else _SIZES
        sizes = {max(_LEAST, round(share * len(points))) for share in shares}
        return sorted(float(s) for s in sizes if 2 * s <= len(points)) or [float(_LEAST)]
    numbers = _FEW if few else _NUMBERS
    return [float(n) for n in reversed(numbers) if 5 * n <= len(points)] or [1.0]
