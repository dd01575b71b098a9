from .anchored import (
    Anchor as Anchor,
    AnchoredMotif as AnchoredMotif,
    Works as Works,
    anchored_differences as anchored_differences,
    anchored_populations as anchored_populations,
    carried_up as carried_up,
    joined_answers as joined_answers,
    neighbour_works as neighbour_works,
    populations_of_differences as populations_of_differences,
)
from .density import grid_shape as grid_shape
from .gauge import log_gram as log_gram
from .harmonic import (
    HarmonicMinimum as HarmonicMinimum,
    draw_vibrations as draw_vibrations,
    harmonic_minimum as harmonic_minimum,
    works_of_frames as works_of_frames,
)
from .heated import heated_weights as heated_weights
from .path import (
    Basin as Basin,
    FreeEnergyPath as FreeEnergyPath,
    basins as basins,
    minimum_path as minimum_path,
)
from .results import FreeEnergies as FreeEnergies, IndependentRuns as IndependentRuns
from .runs import (
    RunSpread as RunSpread,
    combine_differences as combine_differences,
    surface_spread as surface_spread,
)
from .surface import Surface as Surface, free_energy_surface as free_energy_surface
from .umbrella import umbrella_weights as umbrella_weights
from .work import WorkEstimate as WorkEstimate, bar as bar, jarzynski as jarzynski
