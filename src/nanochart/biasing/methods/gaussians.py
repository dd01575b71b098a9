"""Gaussians on the nodes of a bias grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["NODES_PER_WIDTH", "check_axes", "gaussian", "grid_shape", "nodes_per_width"]

Floats = NDArray[np.float64]

#: Nodes in a width below which the interpolated Gaussian is no Gaussian any more.
NODES_PER_WIDTH = 2.0
#: Nodes of a grid: 16 MB, which every update copies.
_MOST_NODES = 2_000_000
_FEWEST = 8

#: Widths beyond which a Gaussian is zero: 4e-9 of its height.
_REACH = 6.2


def gaussian(
    nodes: Sequence[Floats],
    centre: Floats,
    sigma: Floats,
    height: float,
    reach: float = _REACH,
) -> tuple[tuple[slice, ...], Floats]:
    """A Gaussian of a height on the product of ``nodes``: where it is not zero, and its values.

    It is exp(-½ Σ ((s - centre) / sigma)²) less its value at ``reach`` widths, and zero beyond, so
    that it is continuous.
    """
    factors, parts = [], []
    for axis, c, width in zip(nodes, centre, sigma, strict=True):
        first, last = np.searchsorted(axis, [c - reach * width, c + reach * width])
        parts.append(slice(int(first), int(last)))
        factors.append(np.exp(-0.5 * ((axis[first:last] - c) / width) ** 2))
    product = factors[0]
    for factor in factors[1:]:
        product = product[..., None] * factor
    return tuple(parts), height * np.maximum(product - np.exp(-0.5 * reach**2), 0.0)


def nodes_per_width(low: Sequence[float], high: Sequence[float], sigma: Sequence[float]) -> float:
    """Nodes in each width that a grid can have at most."""
    widths = np.subtract(high, low) / np.asarray(sigma)
    return float((_MOST_NODES / np.prod(widths)) ** (1.0 / len(widths)))


def grid_shape(
    low: Sequence[float], high: Sequence[float], sigma: Sequence[float], wanted: float
) -> tuple[int, ...]:
    """Nodes of each axis: so many in each width as are wanted, or as a grid can have."""
    density = min(wanted, nodes_per_width(low, high, sigma))
    widths = np.subtract(high, low) / np.asarray(sigma)
    return tuple(max(_FEWEST, int(np.ceil(w * density)) + 1) for w in widths)


def check_axes(
    low: Sequence[float], high: Sequence[float], sigma: Sequence[float], what: str
) -> None:
    """Refuse a grid that is empty or no grid of as many variables as there are widths."""
    if not 1 <= len(sigma) <= 3 or len(low) != len(sigma) or len(high) != len(sigma):
        raise ValueError(
            f"{what} is on a grid of 1 to 3 variables, each with a width and a range; got "
            f"{len(sigma)} widths, {len(low)} lower and {len(high)} upper ends"
        )
    for a, b, width in zip(low, high, sigma, strict=True):
        if not (np.isfinite([a, b, width]).all() and b > a and width > 0):
            raise ValueError(
                f"each variable of {what} needs a range from low to high and a width above 0; got "
                f"{a!r} to {b!r} and {width!r}"
            )
    density = nodes_per_width(low, high, sigma)
    if density < NODES_PER_WIDTH:
        raise ValueError(
            f"the grid of {what} must have at least {NODES_PER_WIDTH:g} nodes in each width and "
            f"{_MOST_NODES / 1e6:g} million in all; got the widths "
            f"{', '.join(f'{w:g}' for w in sigma)} "
            f"for {density:.2g} nodes each: take widths {NODES_PER_WIDTH / density:.2f} times as "
            "large, fewer variables, or a smaller range"
        )
