"""The chart as a compiled collective variable, and the methods that bias dynamics along it."""

from nanochart.biasing._bias import Bias, Grid, Restraint, Wall
from nanochart.biasing._chart_tables import compile_chart
from nanochart.biasing._compiled_chart import CompiledChart
from nanochart.biasing._cv import (
    CV,
    ChartCoordinate,
    Coordination,
    CVs,
    PotentialEnergy,
    RDFDistance,
    SteinhardtQ6,
)
from nanochart.biasing._guard import Guarded, guard_grid, known_distance, known_reach
from nanochart.biasing._metadynamics import Metadynamics, MetadynamicsState
from nanochart.biasing._opes import OPES, OPESState
from nanochart.biasing._rounds import (
    BiasedRound,
    BiasedSegment,
    BiasingState,
    Method,
    biased_round,
)
from nanochart.biasing._segment import BiasedDynamics, BiasedSamples, BiasedState
from nanochart.biasing._stability import stiffest_accurate, stiffest_stable
from nanochart.biasing._umbrella import (
    NoState,
    Steered,
    Umbrella,
    Unbiased,
    along,
    windows_on_grid,
)
from nanochart.biasing.plan import BiasPlan, Origin, protocol_difference

__all__ = [
    "CV",
    "OPES",
    "Bias",
    "BiasPlan",
    "BiasedDynamics",
    "BiasedRound",
    "BiasedSamples",
    "BiasedSegment",
    "BiasedState",
    "BiasingState",
    "CVs",
    "ChartCoordinate",
    "CompiledChart",
    "Coordination",
    "Grid",
    "Guarded",
    "Metadynamics",
    "MetadynamicsState",
    "Method",
    "NoState",
    "OPESState",
    "Origin",
    "PotentialEnergy",
    "RDFDistance",
    "Restraint",
    "Steered",
    "SteinhardtQ6",
    "Umbrella",
    "Unbiased",
    "Wall",
    "along",
    "biased_round",
    "compile_chart",
    "guard_grid",
    "known_distance",
    "known_reach",
    "protocol_difference",
    "stiffest_accurate",
    "stiffest_stable",
    "windows_on_grid",
]
