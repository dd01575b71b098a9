"""Positions as the kernels take them, and what to say about those that do not fit a grid."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors.kernels_direct import extreme_pairs

__all__ = ["check_positions", "extreme_distances", "off_grid_sentence"]

Floats = NDArray[np.float64]


def check_positions(positions: ArrayLike) -> Floats:
    """Positions (..., atom, 3) as a C-contiguous, writable float64 array, or one clear sentence."""
    try:
        x = np.asarray(positions)
    except ValueError:
        sizes = sorted({len(part) for part in positions})  # type: ignore[arg-type,union-attr]
        raise ValueError(
            "positions must be those of clusters of one number of atoms; got "
            f"{' and '.join(map(str, sizes))}: take each size by itself"
        ) from None
    if x.dtype.kind not in "fiu":
        raise TypeError(
            f"positions must be an array of real numbers in Å; got "
            f"{type(positions).__name__} of {x.dtype} (of an ase.Atoms, pass atoms.positions)"
        )
    if x.ndim < 2 or x.shape[-1] != 3:
        raise ValueError(f"positions must have the shape (..., atom, 3); got {x.shape}")
    if x.shape[-2] < 2:
        raise ValueError(
            f"positions must hold at least 2 atoms, because the RDF is made of pair distances; "
            f"got {x.shape[-2]}"
        )
    # Writable, because Numba compiles anew for read-only arrays.
    return np.require(x, np.float64, ("C", "A", "W"))


def check_finite(x: Floats) -> None:
    """Raise ValueError where a coordinate is not a finite number."""
    finite = np.isfinite(x)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"positions must be finite numbers in Å; got {x[where]} at index {where}")


def extreme_distances(x: Floats) -> tuple[float, float]:
    """Shortest and longest pair distance in Å of checked positions (..., atom, 3)."""
    check_finite(x)
    (shortest, longest), _ = extreme_pairs(x.reshape(-1, *x.shape[-2:]))
    return float(shortest), float(longest)


def off_grid_sentence(x: Floats, r_min: float, r_max: float) -> str:
    """Name the pair of atoms that lies off the grid and the grid that would hold all pairs.

    ``x`` (..., atom, 3) holds at least one such pair, or a coordinate that is not finite.
    """
    check_finite(x)
    distances, where = extreme_pairs(x.reshape(-1, *x.shape[-2:]))

    def pair(index: int) -> str:
        frame, i, j = (int(k) for k in where[index])
        return f"atoms {i} and {j}" + (f" of frame {frame}" if x.ndim > 2 else "")

    shortest, longest = (float(r) for r in distances)
    if longest > r_max:
        needed = math.ceil(longest * 10.0) / 10.0
        return (
            f"all pair distances must lie within the RDF grid, but the largest one is "
            f"{longest:.3f} Å ({pair(1)}) and r_max is {r_max:g} Å; choose r_max >= {needed:.1f}, "
            f"or leave out clusters that lost an atom"
        )
    if shortest < 0.1:
        return (
            f"{pair(0)} are {shortest:.3f} Å apart, on top of each other; check the positions and "
            f"that they are in Å"
        )
    needed = math.floor(shortest * 10.0) / 10.0
    return (
        f"all pair distances must lie within the RDF grid, but the smallest one is "
        f"{shortest:.3f} Å ({pair(0)}) and r_min is {r_min:g} Å; choose r_min <= {needed:.1f}, or "
        f"check that the positions are in Å"
    )
