"""Correlation in time of what several walkers contribute, about the mean of all of them."""

import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.statistics.slices import equal_parts

__all__ = ["effective_walkers", "import_pymbar", "statistical_inefficiency"]

Floats = NDArray[np.float64]

#: Relative variance that rounding alone may leave.
_ROUNDING = 1e-24


def import_pymbar() -> Any:
    """Import pymbar without the advice that it logs."""
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import pymbar
        import pymbar.timeseries
    finally:
        logger.setLevel(level)
    return pymbar


def statistical_inefficiency(series: ArrayLike, false_alarm: float = 0.05) -> float:
    r"""Samples per independent sample of a quantity, over all walkers together.

    .. math:: g = 1 + 2 \sum_{t \ge 1} (1 - t/T)\, C(t), \qquad
        C(t) = \frac{\langle \delta_w(s)\, \delta_w(s + t) \rangle_{w,s}}{\langle \delta^2 \rangle}

    with the deviations :math:`\delta` from the *common* mean of all walkers, so that walkers which
    stay where they are have :math:`C = 1` and are worth one sample each. The sum ends where two
    neighbouring terms are no longer positive together (Geyer, Stat. Sci. 7, 473 (1992)).

    A slow process that makes a small share of the variance hides in the noise of C. It shows in
    the means of the halves of the walkers: where these spread by significantly more than g allows
    (F test), their spread gives g, as between and within chains (Gelman, Rubin, Stat. Sci. 7, 457
    (1992)).

    Parameters
    ----------
    series
        (time, walker) or (time,), at equal intervals of time.
    false_alarm
        Probability with which the F test takes walkers that agree for ones that do not.

    Returns
    -------
    float
        From 1 to about the length of the series; 1 where nothing varies.
    """
    values = np.asarray(series, dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    deviation = columns - columns.mean()
    variance = float((deviation**2).mean())
    if len(columns) < 4 or variance <= _ROUNDING * float((columns**2).mean()):
        return 1.0
    scaled = deviation / np.sqrt(variance)
    return _of_halves(scaled, _of_correlation(scaled), false_alarm)


def effective_walkers(deviation: ArrayLike) -> float:
    r"""Walkers of equal size that (time, walker) are worth, :math:`(\sum_w v_w)^2 / \sum_w v_w^2`.

    With :math:`v_w` the sum of a walker's squares, so that walkers of small weight do not count.
    """
    squares = (np.asarray(deviation, dtype=np.float64) ** 2).sum(axis=0)
    return equal_parts(squares)


def _of_correlation(deviation: Floats) -> float:
    """Sum of the autocorrelation of (time, walker) of unit variance, at least 1."""
    n, n_walkers = deviation.shape
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(deviation, size, axis=0)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
    # The sums over pairs are (n - t) C(t), so that over n they carry the factor 1 - t/T.
    terms = np.fft.irfft(power, size)[1:n] / (n * n_walkers)
    pairs = terms[: len(terms) // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    last = int(negative[0]) if negative.size else len(pairs)
    return max(1.0, 1.0 + 2.0 * float(pairs[:last].sum()))


def _of_halves(deviation: Floats, g: float, false_alarm: float) -> float:
    """The inefficiency g, or that which the means of half walkers have, if significantly more."""
    from scipy.special import fdtrc

    n, n_walkers = deviation.shape
    half = n // 2
    means = np.stack([deviation[:half].mean(axis=0), deviation[n - half :].mean(axis=0)])
    between = half * float((means**2).sum()) / (2 * n_walkers - 1)
    # Walkers that hardly count, as those of small weight, say nothing about the spread.
    worth = effective_walkers(deviation)
    freedom = max(1.0, 2.0 * worth - 1.0)
    other = max(2.0, n * worth / (4.0 * g))
    if between <= g or fdtrc(freedom, other, between / g) > false_alarm:
        return g
    return float(min(between, float(n)))
