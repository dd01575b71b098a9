"""Slices of time, and how many of them what is known comes from."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["equal_parts", "slice_number", "slices_of", "sum_slices", "worth_of_sides"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Slices that a run is cut into before anything is asked about its correlation: a slow process of
#: small variance is lost in the noise of single frames and stands out in the mean of many.
_SLICES = 64


def slice_number(n_times: int, most: int = _SLICES) -> Ints:
    """Number of the slice of each of so many times, in at most ``most`` slices of equal length."""
    n = n_times // -(-n_times // most)
    return np.arange(n_times) * n // n_times


def slices_of(values: ArrayLike, most: int = _SLICES) -> Floats:
    """Sums of (time, ...) over slices of time, (slice, ...)."""
    v = np.asarray(values, dtype=np.float64)
    return sum_slices(v, slice_number(len(v), most))


def sum_slices(values: Floats, number: Ints) -> Floats:
    """Sums of (time, ...) over slices of which each time has the number, (slice, ...)."""
    edges = np.flatnonzero(np.diff(number, prepend=-1))
    return np.asarray(np.add.reduceat(values, edges, axis=0))


def equal_parts(parts: ArrayLike) -> float:
    r"""Parts of equal size that some parts are worth, :math:`(\sum_b v_b)^2 / \sum_b v_b^2`.

    The number of all parts where each of them is zero.
    """
    v = np.asarray(parts, dtype=np.float64)
    squares = float((v**2).sum())
    return float(v.sum() ** 2 / squares) if squares > 0.0 else float(v.size)


def worth_of_sides(values: ArrayLike, number: Ints) -> Floats:
    """Slices of equal size that the sides of the mean of (time, walker, ...) are worth.

    What was seen for a single while lies on one side of the mean in the slices of that while
    alone, however many samples they hold.

    Returns
    -------
    ndarray
        (side, quantity), by slices of time, and by as many slices that each have samples of the
        whole run: of quantities that are skewed but remember nothing both are few.
    """
    v = np.asarray(values, dtype=np.float64)
    flat = v.reshape(*v.shape[:2], -1)
    deviation = flat - flat.mean(axis=(0, 1))
    n = int(number[-1]) + 1
    spread = np.argsort(np.arange(len(v)) % n, kind="stable")
    found = []
    for series in (deviation, deviation[spread]):
        cut = sum_slices(series, number)
        sides = np.stack([np.maximum(cut, 0.0), np.maximum(-cut, 0.0)])
        found.append([[equal_parts(s[..., q]) for q in range(s.shape[2])] for s in sides])
    return np.array(found)
