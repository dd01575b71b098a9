"""Where to look from: orientations that show a cluster's order."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

__all__ = ["nearest_distance", "tilted", "zone_axis_view"]

# Bonds within about this angle (radians) of one another count as parallel.
_PARALLEL = 0.1


def nearest_distance(positions: ArrayLike) -> float:
    """Median over the atoms of the distance to the nearest other atom, in Å."""
    points = np.asarray(positions, float)
    return float(np.median(cKDTree(points).query(points, k=2)[0][:, 1]))


def zone_axis_view(positions: ArrayLike) -> NDArray[np.float64]:
    """Look along the direction to which most bonds are parallel: atoms stand behind one another.

    In fcc pieces this is a close-packed row [110], in a decahedron its axis, in an icosahedron one
    of its fivefold axes: the views in which a microscopist recognizes them. Up is towards the
    atom farthest from the axis.

    Parameters
    ----------
    positions
        Å, shape (atom, 3).

    Returns
    -------
    ndarray
        Rotation of shape (3, 3), determinant +1.
    """
    points = np.asarray(positions, float)
    points = points - points.mean(axis=0)
    if len(points) < 3:
        return np.eye(3)
    bonds = _bonds(points)
    if not len(bonds):
        return np.eye(3)
    best = _row_direction(bonds)
    flat = points - np.outer(points @ best, best)
    radius = np.linalg.norm(flat, axis=1)
    up = flat[int(np.argmax(radius >= 0.999 * radius.max()))]
    norm = np.linalg.norm(up)
    up = up / norm if norm > 1e-9 else np.cross(best, np.eye(3)[int(np.argmin(np.abs(best)))])
    up = up / np.linalg.norm(up)
    return np.stack([np.cross(up, best), up, best])


def tilted(view: NDArray[np.float64], degrees: float = 4.0) -> NDArray[np.float64]:
    """Turn a view about the screen's horizontal axis, then its vertical one: columns open."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    about_y = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    return np.asarray(about_y @ about_x @ view)


def _bonds(points: NDArray[Any]) -> NDArray[Any]:
    """Compute the unit vectors along the bonds, shape (bond, 3)."""
    pairs = cKDTree(points).query_pairs(1.25 * nearest_distance(points), output_type="ndarray")
    bonds = points[pairs[:, 1]] - points[pairs[:, 0]]
    return np.asarray(bonds / np.linalg.norm(bonds, axis=1)[:, None])


def _row_direction(bonds: NDArray[Any]) -> NDArray[Any]:
    """Find the direction to which most bonds are parallel: the mean of those that are.

    Each bond votes for the others by exp(-sin² / (2 w²)) of their angle.
    """
    votes = np.zeros(len(bonds))
    for start in range(0, len(bonds), 1024):
        cosine2 = (bonds[start : start + 1024] @ bonds.T) ** 2
        votes[start : start + 1024] = np.exp((cosine2 - 1.0) / (2.0 * _PARALLEL**2)).sum(axis=1)
    # Equivalent axes of a symmetric cluster tie but for rounding: keep the first of them.
    best = bonds[int(np.argmax(votes >= 0.999 * votes.max()))]
    cosine = bonds @ best
    near = np.abs(cosine) > np.cos(2.0 * _PARALLEL)
    mean = (bonds[near] * np.sign(cosine[near])[:, None]).sum(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))
