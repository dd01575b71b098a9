"""How symmetric a cluster is: the order of its point group."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from nanochart.potentials import check_positions

__all__ = ["point_group_order"]

Floats = NDArray[np.float64]


def point_group_order(positions: ArrayLike, tolerance: float = 0.1) -> int:
    r"""Order of the point group of a cluster of equal atoms.

    The number of rotations and improper rotations R about the centre of the atoms for which each
    :math:`R x_i` is within ``tolerance`` of an atom. A regular icosahedron has 120, a truncated
    octahedron 48, a complete decahedron 20, a cluster without symmetry 1. A minimum has N!
    permutations of N atoms, twice as many with mirror images, and each distinct one ``2 N! /
    order`` times.

    Parameters
    ----------
    positions
        (atom, 3) in Å.
    tolerance
        Distance in Å, which must be far below that of neighbours.

    Raises
    ------
    ValueError
        If the atoms lie on a line, whose group has no order.

    Examples
    --------
    >>> import nanochart as nc
    >>> nc.search.point_group_order(nc.clusters.build("octahedron", "Au", 38).positions)
    48
    """
    x = check_positions(positions)
    if x.ndim != 2:
        raise ValueError(f"positions of one cluster must have the shape (atom, 3); got {x.shape}")
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise ValueError(f"the tolerance of a symmetry must be above 0 Å; got {tolerance!r}")
    x = x - x.mean(axis=0)
    if len(x) < 3 or np.linalg.matrix_rank(x, tol=tolerance) < 2:
        raise ValueError(
            f"the atoms of a cluster must not lie on a line for its point group to have an order; "
            f"got {len(x)} atoms on one"
        )
    radius = np.linalg.norm(x, axis=1)
    first, second, pairs = _reference(x, radius, tolerance)
    frame = _frame(x[first], x[second])
    tree = cKDTree(x)
    order = 0
    for a, b in pairs:
        image = _frame(x[a], x[b])
        for side in (1.0, -1.0):
            turn = (image * [1.0, 1.0, side]) @ frame.T
            distance, index = tree.query(x @ turn.T, distance_upper_bound=tolerance)
            order += bool(np.isfinite(distance).all() and len(np.unique(index)) == len(x))
    return order


def _reference(
    x: Floats, radius: Floats, tolerance: float
) -> tuple[int, int, list[tuple[int, int]]]:
    """Two atoms that fix an orientation, and the pairs that a symmetry can move them to."""
    off_centre = np.flatnonzero(radius > 2.0 * tolerance)
    alike = np.abs(radius[:, None] - radius) <= tolerance
    first = int(off_centre[np.argmin(alike[off_centre].sum(axis=1))])
    # Of the others the one furthest from the line through the first and the centre, among the few.
    across = np.linalg.norm(np.cross(x[first], x), axis=1) / radius[first]
    able = np.flatnonzero(across > 0.5 * across.max())
    second = int(able[np.argmin(alike[able].sum(axis=1))])
    apart = float(np.linalg.norm(x[first] - x[second]))
    distance = np.linalg.norm(x[:, None] - x, axis=2)
    a, b = np.nonzero(
        alike[first][:, None] & alike[second][None, :] & (np.abs(distance - apart) <= 2 * tolerance)
    )
    return first, second, [(int(i), int(j)) for i, j in zip(a, b, strict=True)]


def _frame(a: Floats, b: Floats) -> Floats:
    """Columns of an orthonormal frame: along a, towards b, across both."""
    u = a / np.linalg.norm(a)
    v = b - (b @ u) * u
    v /= max(float(np.linalg.norm(v)), 1e-12)
    return np.stack([u, v, np.cross(u, v)], axis=1)
