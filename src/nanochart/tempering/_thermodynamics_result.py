"""What is asked of the thermodynamics of a ladder, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "Thermodynamics", "ThermodynamicsConfig", "interval"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ThermodynamicsConfig:
    """What is asked of the analysis.

    ``n_temperatures``: of the fine grid from the lowest to the highest rung; ``n_resamples``: of
    the bootstrap; ``block_length``: frames per block, None for five statistical inefficiencies.
    """

    n_temperatures: int = 201
    n_resamples: int = 200
    block_length: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("n_temperatures", 3), ("n_resamples", 40), ("block_length", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}; got {value!r}")


@dataclass(frozen=True)
class Estimate:
    """A ``value`` with the ends ``low`` and ``high`` of its 95 % interval, arrays of one shape."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Thermodynamics:
    """What was found; intervals hold 95 % where ``intervals_reliable``.

    Attributes
    ----------
    temperatures
        Fine grid in K, (temperature,).
    energy
        Mean potential energy in eV on the grid.
    heat_capacity
        In eV/K on the grid, with the kinetic part 3N/2 k.
    ladder
        Temperatures of the rungs in K, (rung,).
    rung_energy
        Caloric curve at the rungs in eV: plain means of the frames of each.
    melting_temperature
        Peak of the heat capacity in K, of shape (); NaN where it is highest at an end.
    melting_resolved
        Whether its interval lies within the ladder.
    populations
        Share of each label on the grid.
    free_energy_differences
        (a, b) -> F_b - F_a in eV on the grid; infinite where only one of them was seen.
    acceptance
        Expected acceptance of exchanges between neighbouring rungs, (pair,).
    n_frames, n_blocks, block_length, inefficiency
        Frames used, blocks of the bootstrap, their length in frames, and frames per independent
        frame (NaN where the length was given).
    intervals_reliable
        Whether there are enough independent blocks for the intervals to mean what they say.
    warnings
        Sentences on what makes the numbers less than they seem.
    """

    temperatures: Floats
    energy: Estimate
    heat_capacity: Estimate
    ladder: Floats
    rung_energy: Estimate
    melting_temperature: Estimate
    melting_resolved: bool
    populations: Mapping[str, Estimate]
    free_energy_differences: Mapping[tuple[str, str], Estimate]
    acceptance: Floats
    n_frames: int
    n_blocks: int
    block_length: int
    inefficiency: float
    intervals_reliable: bool
    warnings: tuple[str, ...] = ()


def interval(value: Floats, draws: Floats) -> Estimate:
    """Percentile interval over the first axis of ``draws``; an infinity is a value like others."""
    # A new draw falls below the r-th smallest of B with probability r / (B + 1). Between ranks
    # nothing is interpolated: between infinities it would have no meaning.
    rank = max(int(0.025 * (len(draws) + 1)), 1)
    low = np.sort(np.where(np.isnan(draws), -np.inf, draws), axis=0)[rank - 1]
    high = np.sort(np.where(np.isnan(draws), np.inf, draws), axis=0)[-rank]
    return Estimate(np.asarray(value[0]), np.asarray(low), np.asarray(high))
