"""The few numbers that the figures and captions need: averages with the errors of blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BlockAverage",
    "average_by_temperature",
    "block_average",
    "group_by_temperature",
]

# Above this many distinct temperatures the data are not a ladder, and equal-count bins are used.
_LADDER_LIMIT = 96
_N_BINS = 24


@dataclass(frozen=True)
class BlockAverage:
    """The mean of a time series and the standard error of its block means."""

    mean: float
    error: float
    n_blocks: int
    n_samples: int


def block_average(series: NDArray[np.floating], n_blocks: int = 10) -> BlockAverage:
    """Average a correlated time series, with an error from the scatter of its block means.

    The series is cut into B contiguous blocks of equal length with means m_b; the mean is that of
    all samples and the error is sqrt(sum_b (m_b - mean m)² / (B (B - 1))). It is honest once a
    block is longer than the correlation time, and too small before.

    Parameters
    ----------
    series
        Samples in time order, shape (sample,); NaN are left out.
    n_blocks
        Number of blocks B; fewer are used where there are fewer than two samples for each.

    Returns
    -------
    BlockAverage
        In the unit of ``series``; NaN where there are too few samples.
    """
    values = np.asarray(series, float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return BlockAverage(np.nan, np.nan, 0, 0)
    blocks = min(n_blocks, values.size // 2)
    if blocks < 2:
        return BlockAverage(float(values.mean()), np.nan, blocks, values.size)
    length = values.size // blocks
    means = values[values.size - blocks * length :].reshape(blocks, length).mean(axis=1)
    error = float(means.std(ddof=1) / np.sqrt(blocks))
    return BlockAverage(float(values.mean()), error, blocks, values.size)


def group_by_temperature(
    temperature: NDArray[np.floating],
) -> Iterator[tuple[float, NDArray[np.bool_]]]:
    """Yield each temperature of a ladder in K, rising, with the mask of its configurations.

    Where the temperatures are not those of a ladder (more than 96 different ones) they are put
    into 24 bins of equal counts, each named by its median. NaN belong to no group.
    """
    temperature = np.asarray(temperature, float)
    finite = temperature[np.isfinite(temperature)]
    levels = np.unique(finite)
    if levels.size <= _LADDER_LIMIT:
        for level in levels:
            yield float(level), temperature == level
        return
    edges = np.quantile(finite, np.linspace(0.0, 1.0, _N_BINS + 1))
    edges[-1] = np.nextafter(edges[-1], np.inf)
    for low, high in pairwise(edges):
        mask = (temperature >= low) & (temperature < high)
        if mask.any():
            yield float(np.median(temperature[mask])), mask


def average_by_temperature(
    values: NDArray[np.floating], temperature: NDArray[np.floating], n_blocks: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Average a quantity at each temperature, with block errors.

    Parameters
    ----------
    values, temperature
        Of each configuration, shape (frame, replica); temperature in K.
    n_blocks
        Blocks in time for the error.

    Returns
    -------
    temperatures, means, errors
        Shape (temperature,), in K and twice the unit of ``values``.
    """
    levels, means, errors = [], [], []
    for level, mask in group_by_temperature(temperature):
        # Configurations of one frame are averaged first: they share their time.
        used = mask & np.isfinite(values)
        count = used.sum(axis=1)
        total = np.where(used, values, 0.0).sum(axis=1)
        average = block_average(total[count > 0] / count[count > 0], n_blocks)
        levels.append(level)
        means.append(average.mean)
        errors.append(average.error)
    return np.array(levels), np.array(means), np.array(errors)
