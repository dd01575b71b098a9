"""Free energies from biased samples: weights, surfaces, populations, paths, works."""

from nanochart.free_energy._blocks import Blocks, make_blocks
from nanochart.free_energy._gauge import log_gram
from nanochart.free_energy._path import Basin, FreeEnergyPath, basins, minimum_path
from nanochart.free_energy._populations import (
    Convergence,
    Difference,
    Populations,
    convergence,
    state_populations,
)
from nanochart.free_energy._runs import RunSpread, combine_differences, surface_spread
from nanochart.free_energy._surface import Surface, free_energy_surface
from nanochart.free_energy._umbrella import UmbrellaWeights, umbrella_weights
from nanochart.free_energy._weights import (
    effective_sample_size,
    independent_sample_size,
    normalized,
)
from nanochart.free_energy._work import WorkEstimate, bar, jarzynski

__all__ = [
    "Basin",
    "Blocks",
    "Convergence",
    "Difference",
    "FreeEnergyPath",
    "Populations",
    "RunSpread",
    "Surface",
    "UmbrellaWeights",
    "WorkEstimate",
    "bar",
    "basins",
    "combine_differences",
    "convergence",
    "effective_sample_size",
    "free_energy_surface",
    "independent_sample_size",
    "jarzynski",
    "log_gram",
    "make_blocks",
    "minimum_path",
    "normalized",
    "state_populations",
    "surface_spread",
    "umbrella_weights",
]
