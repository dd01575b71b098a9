"""The confining sphere that keeps an evaporated atom with its cluster."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["confining_radius"]


def confining_radius(positions: ArrayLike, margin: float = 5.0) -> float:
    r"""Radius in Å of a sphere around the centre of mass with room for a cluster.

    .. math:: R = \max_i |x_i - \bar x| + m

    over all atoms of all clusters, with the unweighted mean position of each. Too small a margin
    presses on a hot cluster, too large a one lets an evaporated atom stay away for long.

    Parameters
    ----------
    positions
        Positions (..., atom, 3) in Å; leading dimensions are independent clusters.
    margin
        Free space m beyond the outermost atom, in Å.

    Raises
    ------
    ValueError
        If the shape is wrong, a coordinate is not finite, or the margin is negative.

    Examples
    --------
    >>> import nanochart as nc
    >>> nc.clusters.confining_radius([[0, 0, 0], [0, 0, 4]], margin=5.0)
    7.0
    """
    x = np.asarray(positions, dtype=np.float64)
    if x.ndim < 2 or x.shape[-1] != 3 or x.size == 0:
        raise ValueError(f"positions must have the shape (..., atom, 3); got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("positions must be finite numbers in Å; got NaN or infinite coordinates")
    if not (np.isfinite(margin) and margin >= 0):
        raise ValueError(f"the margin of a confining sphere must be 0 Å or more; got {margin!r}")
    from_centre = x - x.mean(axis=-2, keepdims=True)
    return float(np.linalg.norm(from_centre, axis=-1).max() + margin)
