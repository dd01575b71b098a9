"""Free energies from weighted samples: surfaces, paths, umbrella windows, works."""

from nanochart.free_energy._gauge import log_gram
from nanochart.free_energy._path import Basin, FreeEnergyPath, basins, minimum_path
from nanochart.free_energy._runs import RunSpread, combine_differences, surface_spread
from nanochart.free_energy._surface import Surface, free_energy_surface
from nanochart.free_energy._umbrella import umbrella_weights, window_agreement
from nanochart.free_energy._work import WorkEstimate, bar, jarzynski

__all__ = [
    "Basin",
    "FreeEnergyPath",
    "RunSpread",
    "Surface",
    "WorkEstimate",
    "bar",
    "basins",
    "combine_differences",
    "free_energy_surface",
    "jarzynski",
    "log_gram",
    "minimum_path",
    "surface_spread",
    "umbrella_weights",
    "window_agreement",
]
