"""What is asked of the thermodynamics of a ladder, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.tempering.harmonic import MappedEnergies

__all__ = ["Thermodynamics", "ThermodynamicsConfig"]

Floats = NDArray[np.float64]

#: Resamples times temperatures: they are held together.
_MOST_NUMBERS = 100_000_000


@dataclass(frozen=True)
class ThermodynamicsConfig:
    """Settings of the analysis.

    ``n_temperatures``: of the fine grid from the lowest to the highest rung; ``n_resamples``: of
    the bootstrap of the peak.
    """

    n_temperatures: int = 101
    n_resamples: int = 400

    def __post_init__(self) -> None:
        for name, least in (("n_temperatures", 3), ("n_resamples", 40)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} must be at least {least}; got {value!r}")
        if self.n_temperatures * self.n_resamples > _MOST_NUMBERS:
            raise ValueError(
                f"n_resamples must be at most {_MOST_NUMBERS // self.n_temperatures:,} for "
                f"{self.n_temperatures:,} temperatures, a gigabyte of curves; got "
                f"{self.n_resamples:,}: 400 are enough for an interval of 95 %"
            )


@short_repr
@dataclass(frozen=True)
class Thermodynamics:
    """Averages over a ladder against temperature; each says itself whether it is known.

    Attributes
    ----------
    temperatures
        Fine grid of temperatures in K, (temperature,).
    energy
        Mean potential energy on the grid in eV.
    heat_capacity
        Heat capacity on the grid in eV/K, with the kinetic part 3N/2 k.
    ladder
        Temperatures of the rungs in K, (rung,).
    rung_energy
        Mean potential energy in eV at the rungs, the plain average.
    mapped
        The same mean without its harmonic fluctuations, where minima last; None where frames are
        not all quenched.
    melting_temperature
        Peak of the heat capacity in K, of shape (); its value is NaN where the heat capacity is
        highest at an end, and it is known where its interval lies within the ladder.
    populations
        Population of each label on the grid.
    free_energy_differences
        (a, b) -> F_b - F_a in eV on the grid, from the label a that was seen most to each that
        makes more than a hundredth of the frames.
    acceptance
        Expected acceptance of exchanges between neighbouring rungs, (pair,).
    n_frames
        Number of frames of each replica that are used.
    warnings
        Sentences about what makes the numbers less reliable than they seem.
    """

    temperatures: Floats
    energy: Estimate
    heat_capacity: Estimate
    ladder: Floats
    rung_energy: Estimate
    melting_temperature: Estimate
    populations: Mapping[str, Estimate]
    free_energy_differences: Mapping[tuple[str, str], Estimate]
    acceptance: Floats
    n_frames: int
    warnings: tuple[str, ...] = ()
    mapped: MappedEnergies | None = None
