"""Correlation in time, by pymbar."""

import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["import_pymbar", "statistical_inefficiency"]


def import_pymbar() -> Any:
    """pymbar, without the advice that it logs when it is imported."""
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import pymbar
        import pymbar.timeseries
    finally:
        logger.setLevel(level)
    return pymbar


#: Relative variance that rounding alone may leave.
_ROUNDING = 1e-24


def statistical_inefficiency(series: ArrayLike) -> float:
    r"""Samples per independent sample, the median over replicas.

    .. math:: g = 1 + 2 \sum_{t=1} (1 - t/T)\, C(t)

    with the normalized autocorrelation C, summed until it first falls to zero (Chodera et al.,
    J. Chem. Theory Comput. 3, 26 (2007)). Where the slowest process is slower than the series, it
    is an underestimate.

    Parameters
    ----------
    series
        (time, replica) of any quantity; replicas in which it does not vary are left out.

    Returns
    -------
    float
        At least 1; 1 if nothing varies.
    """
    values = np.asarray(series, dtype=np.float64)
    # A series whose variance is lost in rounding does not vary either.
    deviation = values - values.mean(axis=0)
    moving = values[:, np.mean(deviation**2, axis=0) > _ROUNDING * np.mean(values**2, axis=0)]
    if len(moving) < 3 or moving.shape[1] == 0:
        return 1.0
    estimate = import_pymbar().timeseries.statistical_inefficiency
    return float(np.median([estimate(moving[:, k]) for k in range(moving.shape[1])]))
