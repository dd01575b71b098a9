"""Statistical errors: correlation, blocks, weights, MBAR and estimates with intervals.

Which series are independent of each other is said once, in `Weighted`; blocks, variances and
degrees of freedom follow from it, for every mean, population, ratio and surface of the package.
"""

from nanochart.statistics._blocks import Blocks, make_blocks
from nanochart.statistics._correlation import import_pymbar, statistical_inefficiency
from nanochart.statistics._estimate import Estimate, student_half_width
from nanochart.statistics._mbar import Mixture, mixture_of, solve_mixture
from nanochart.statistics._populations import (
    Growth,
    Populations,
    StateShares,
    growth,
    lasting_changes,
    state_populations,
)
from nanochart.statistics._slices import slice_number, slices_of
from nanochart.statistics._weighted import Weighted

__all__ = [
    "Blocks",
    "Estimate",
    "Growth",
    "Mixture",
    "Populations",
    "StateShares",
    "Weighted",
    "growth",
    "import_pymbar",
    "lasting_changes",
    "make_blocks",
    "mixture_of",
    "slice_number",
    "slices_of",
    "solve_mixture",
    "state_populations",
    "statistical_inefficiency",
    "student_half_width",
]
