"""Plain loops over all pairs.

The sum of Gaussians as it is defined serves bandwidths far below the bin width: a Gaussian that
narrow touches a few bins only, and a spline that resolves it would need more knots than there are
pairs. The shortest and the longest distance serve error messages and the choice of a grid.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.lanes.functions import exp2
from nanochart.compiled.options import FUSED

__all__ = ["direct_density", "direct_gradient", "extreme_pairs"]


#: A Gaussian ends at this many bandwidths: exp(-9²/2) = 3e-18 of its peak is left out.
_REACH = 9.0
#: exp(-z²/2) is a power of two with this times z² as exponent.
_GAUSSIAN = -0.5 / math.log(2.0)


@njit(**FUSED)
def _touched(r, r_min, width, sigma, n_bins):
    """First and one past the last bin whose centre the Gaussian at r reaches."""
    place = (r - r_min) / width - 0.5
    reach = _REACH * sigma / width
    return max(0, math.ceil(place - reach)), min(n_bins, math.floor(place + reach) + 1)


@njit(**FUSED)
def direct_density(positions, r_min, r_max, width, sigma, g):
    """RDF (bin,) in 1/Å of positions (atom, 3); returns 1 if a distance is off the grid, or 0."""
    n = positions.shape[0]
    n_bins = g.shape[0]
    g[:] = 0.0
    for i in range(n - 1):
        for j in range(i + 1, n):
            a = positions[j, 0] - positions[i, 0]
            b = positions[j, 1] - positions[i, 1]
            c = positions[j, 2] - positions[i, 2]
            r = math.sqrt(a * a + b * b + c * c)
            if not (r >= r_min and r <= r_max):
                return 1
            low, high = _touched(r, r_min, width, sigma, n_bins)
            for k in range(low, high):
                z = (r_min + (k + 0.5) * width - r) / sigma
                g[k] += exp2(_GAUSSIAN * z * z)
    scale = 2.0 / (n * (n - 1) * sigma * math.sqrt(2.0 * math.pi))
    for k in range(n_bins):
        g[k] *= scale
    return 0


@njit(**FUSED)
def direct_gradient(positions, cotangent, r_min, r_max, width, sigma, out):
    """Gradient (atom, 3) of Σ_k cotangent[k] g[k]; returns as ``direct_density`` does."""
    n = positions.shape[0]
    n_bins = cotangent.shape[0]
    scale = 2.0 / (n * (n - 1) * sigma * sigma * math.sqrt(2.0 * math.pi))
    out[:, :] = 0.0
    for i in range(n - 1):
        for j in range(i + 1, n):
            a = positions[j, 0] - positions[i, 0]
            b = positions[j, 1] - positions[i, 1]
            c = positions[j, 2] - positions[i, 2]
            r = math.sqrt(a * a + b * b + c * c)
            if not (r >= r_min and r <= r_max):
                return 1
            low, high = _touched(r, r_min, width, sigma, n_bins)
            slope = 0.0
            for k in range(low, high):
                z = (r_min + (k + 0.5) * width - r) / sigma
                slope += cotangent[k] * z * exp2(_GAUSSIAN * z * z)
            slope *= scale / r
            out[i, 0] -= slope * a
            out[i, 1] -= slope * b
            out[i, 2] -= slope * c
            out[j, 0] += slope * a
            out[j, 1] += slope * b
            out[j, 2] += slope * c
    return 0


@njit(**FUSED)
def extreme_pairs(frames):
    """Shortest and longest pair distance of frames (frame, atom, 3), all finite.

    Returns
    -------
    distances
        (2,) shortest and longest, in Å.
    where
        (2, 3) frame and the two atoms of each.
    """
    squares = np.array([np.inf, -np.inf])
    where = np.zeros((2, 3), np.int64)
    n = frames.shape[1]
    for frame in range(frames.shape[0]):
        x = frames[frame]
        for i in range(n - 1):
            for j in range(i + 1, n):
                a = x[j, 0] - x[i, 0]
                b = x[j, 1] - x[i, 1]
                c = x[j, 2] - x[i, 2]
                square = a * a + b * b + c * c
                if square < squares[0]:
                    squares[0] = square
                    where[0, 0], where[0, 1], where[0, 2] = frame, i, j
                if square > squares[1]:
                    squares[1] = square
                    where[1, 0], where[1, 1], where[1, 2] = frame, i, j
    return np.sqrt(squares), where
