"""Tabulated functions that are smooth but for a single value: a damaged digit."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["odd_value"]

Floats = NDArray[np.float64]

#: What one wrong value adds to the fourth differences, of length one.
_PATTERN = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / np.sqrt(70.0)
#: How often this must exceed all else in the fourth differences nearby, by which kinks, steps,
#: joined polynomials and rounding differ from it. In the tables that come with LAMMPS it is 10 at
#: most.
_PLAIN = 100.0
#: Share of a function's usual size below which a deviation may be that of its last digit.
_LEAST = 1e-4
#: Knots to each side that tell what is usual.
_NEAR = 8


def odd_value(values: Floats) -> tuple[int, float] | None:
    r"""The knot whose value all others nearby contradict, and what they say, or None.

    A wrong value :math:`v_k + \epsilon` adds :math:`\epsilon\,(1, -4, 6, -4, 1)` to the fourth
    differences. A kink adds (1, -2, 1) times the jump of the slope, and rounding some of
    everything, so that what is left beside the first pattern tells them apart. The four values at
    each end are not judged.
    """
    if values.size < 2 * _NEAR or not values.any():
        return None
    differences = np.diff(values, 4)
    windows = np.lib.stride_tricks.sliding_window_view(differences, len(_PATTERN))
    along = windows @ _PATTERN
    beside = np.sqrt(np.maximum((windows**2).sum(axis=1) - along**2, 0.0))
    padded = np.pad(np.abs(differences), _NEAR, mode="edge")
    usual = np.zeros(differences.size)
    for step in range(3, _NEAR + 1):
        for start in (_NEAR - step, _NEAR + step):
            usual = np.maximum(usual, padded[start : start + differences.size])
    least = _LEAST * float(np.median(np.abs(values[values != 0.0]))) / _PATTERN[0]
    rest = np.maximum(np.maximum(beside, usual[2:-2]) * _PLAIN, least)
    k = int((np.abs(along) - rest).argmax())
    if not abs(along[k]) > rest[k]:
        return None
    knot = k + 4
    return knot, float(values[knot] - along[k] * _PATTERN[0])
