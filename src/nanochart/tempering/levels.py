"""A quantity against temperature: its mean at each, and where most configurations lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.tempering.tempered import TemperedSample

__all__ = ["LevelMeans", "group_by_temperature", "level_means", "rung_means"]

Floats = NDArray[np.float64]

#: Above this many distinct temperatures the data are not a ladder, and equal-count bins are used.
_LADDER_LIMIT = 96
_N_BINS = 24
#: Shares of the configurations below the ends of what is called the middle.
_MIDDLE = (0.1, 0.9)


@short_repr
@dataclass(frozen=True, eq=False)
class LevelMeans:
    """A quantity at some temperatures.

    Attributes
    ----------
    temperatures
        K, (level,).
    mean
        In the unit of the quantity, (level,); known or not.
    low, high
        Ends of the middle 80 % of the configurations that were sampled there, (level,).
    """

    temperatures: Floats
    mean: Estimate
    low: Floats
    high: Floats


def rung_means(sample: TemperedSample, values: ArrayLike) -> LevelMeans:
    """A quantity at the rungs of a ladder, with the errors of `TemperedSample`.

    Parameters
    ----------
    sample
        Frames of the ladder, from `tempered_sample`.
    values
        (frame, replica), of the sample's configurations.
    """
    v = np.asarray(values, dtype=np.float64)
    T = np.array(sample.ladder.temperatures)
    mean = Estimate.stacked([sample.at(float(t)).mean(v) for t in T])
    spread = [np.quantile(v[sample.rungs == k], _MIDDLE) for k in range(len(T))]
    low, high = np.array(spread).T
    return LevelMeans(T, mean, low, high)


def level_means(temperatures: ArrayLike, values: ArrayLike, why: str) -> LevelMeans:
    """Plain means of configurations whose temperatures are known and whose errors are not.

    Parameters
    ----------
    temperatures, values
        (frame, replica), K and any unit; NaN are left out.
    why
        Why nothing is known of the errors.
    """
    v = np.asarray(values, dtype=np.float64)
    kelvin = np.where(np.isfinite(v), np.asarray(temperatures, dtype=np.float64), np.nan)
    groups = list(group_by_temperature(kelvin))
    mean = Estimate.unknown([v[mask].mean() for _, mask in groups], why)
    spread = [np.quantile(v[mask], _MIDDLE) for _, mask in groups]
    low, high = np.array(spread).reshape(-1, 2).T
    return LevelMeans(np.array([level for level, _ in groups]), mean, low, high)


def group_by_temperature(temperature: ArrayLike) -> Iterator[tuple[float, NDArray[np.bool_]]]:
    """Yield each temperature of a ladder in K, rising, with the mask of its configurations.

    Where the temperatures are not those of a ladder (more than 96 different ones) they are put
    into 24 bins of equal counts, each named by its median. NaN belong to no group.
    """
    kelvin = np.asarray(temperature, dtype=np.float64)
    finite = kelvin[np.isfinite(kelvin)]
    levels = np.unique(finite)
    if levels.size <= _LADDER_LIMIT:
        for level in levels:
            yield float(level), kelvin == level
        return
    edges = np.quantile(finite, np.linspace(0.0, 1.0, _N_BINS + 1))
    edges[-1] = np.nextafter(edges[-1], np.inf)
    for low, high in pairwise(edges):
        mask = (kelvin >= low) & (kelvin < high)
        if mask.any():
            yield float(np.median(kelvin[mask])), mask
