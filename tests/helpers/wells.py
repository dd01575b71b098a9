"""Surfaces of wells whose differences of free energy are known."""

import numpy as np

from nanochart.statistics import state_populations
from nanochart.testing import WellMixture

TWO = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.25)
THREE = WellMixture(((-0.9, 0.0), (0.9, 0.0), (0.0, 1.2)), (0.5, 0.3, 0.2), sigma=0.25)
EXACT = -TWO.kT * np.log(0.3 / 0.7)


def difference_of(codes, weighted, temperature):
    return state_populations(codes, weighted, temperature).difference(0, 1)
