"""What free energies of a run, and of several, consist of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.free_energy.path import FreeEnergyPath
from nanochart.free_energy.runs import RunSpread
from nanochart.free_energy.surface import Surface
from nanochart.landscape import States
from nanochart.shown import short_repr
from nanochart.statistics import Estimate, Growth, StateShares

__all__ = ["FreeEnergies", "IndependentRuns"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class FreeEnergies:
    """Free energies of a run: surface, populations, differences and barrier, with errors.

    Attributes
    ----------
    run
        Its name.
    method, temperature, variables, units
        What it was biased by, or "parallel tempering"; K; the variables of the surface.
    surface
        Free energy over the variables.
    geometric
        The gauge-invariant surface, where the variables are those of a chart and it was asked for.
    states
        Families or motifs of the frames; without what is only needed to find them.
    populations
        Shares of the states, with the verdict on the run.
    pair
        The two states that are compared.
    difference
        F of the second less that of the first in eV; None for a single state.
    growth
        The same from growing shares of the run.
    path
        Between them; None where nothing connects them.
    basins
        Minima of the surface, with the state that has the largest share of each.
    discarded
        Frames left out at the start.
    frames, planned
        Frames the run has, and those it was to have.
    outside
        Share of the frames that lie where the chart holds no training frame.
    known
        Nodes near training frames, the shape of the surface; None without a chart.
    """

    run: str
    method: str
    temperature: float
    variables: tuple[str, ...]
    units: tuple[str, ...]
    surface: Surface
    geometric: Surface | None
    states: States
    populations: StateShares
    pair: tuple[int, int]
    difference: Estimate | None
    growth: Growth | None
    path: FreeEnergyPath | None
    basins: tuple[tuple[str, Floats, float], ...]
    discarded: int
    frames: int
    planned: int
    outside: float
    known: NDArray[np.bool_] | None


@short_repr
@dataclass(frozen=True, eq=False)
class IndependentRuns:
    """Free energies of several independent runs, each by itself and together.

    Attributes
    ----------
    parts
        Each run by itself, all on one grid.
    together
        The first run with the mean surface of all: its error is the standard deviation over the
        runs over the root of their number, and its basins are those of the mean.
    pair
        The two states that are compared, as names.
    differences
        Of that pair in each run.
    spread
        These combined; None if fewer than two runs know the difference.
    """

    parts: tuple[FreeEnergies, ...]
    together: FreeEnergies
    pair: tuple[str, str]
    differences: tuple[Estimate, ...]
    spread: RunSpread | None
