"""Collective variables, one in each file, and how they are compiled into the loop."""

from nanochart.biasing.cv.chart_coordinate import ChartCoordinate
from nanochart.biasing.cv.compile import CVs
from nanochart.biasing.cv.coordination import Coordination
from nanochart.biasing.cv.function import FunctionCV
from nanochart.biasing.cv.potential_energy import PotentialEnergy
from nanochart.biasing.cv.protocol import CV, Places, Record
from nanochart.biasing.cv.rdf_distance import RDFDistance
from nanochart.biasing.cv.registry import VARIABLES, select, variable_of, variable_words
from nanochart.biasing.cv.steinhardt_q6 import SteinhardtQ6

__all__ = [
    "CV",
    "VARIABLES",
    "CVs",
    "ChartCoordinate",
    "Coordination",
    "FunctionCV",
    "Places",
    "PotentialEnergy",
    "RDFDistance",
    "Record",
    "SteinhardtQ6",
    "select",
    "variable_of",
    "variable_words",
]
