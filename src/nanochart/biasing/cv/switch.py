"""The smooth cut-off of a bond, compiled."""

from numba import njit

from nanochart.compiled.options import FUSED

__all__ = ["switch"]


@njit(**FUSED)
def switch(r: float, low: float, high: float) -> tuple[float, float]:
    """1 below ``low``, 0 above ``high``, smooth between (quintic), and the derivative by r."""
    if r <= low:
        return 1.0, 0.0
    if r >= high:
        return 0.0, 0.0
    t = (r - low) / (high - low)
    value = 1.0 - t * t * t * (10.0 + t * (6.0 * t - 15.0))
    return value, -30.0 * t * t * (1.0 - t) * (1.0 - t) / (high - low)
