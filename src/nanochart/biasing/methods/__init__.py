"""Methods of biasing, one in each file: configuration, state, bias, update, weights."""

from nanochart.biasing.methods.metadynamics import Metadynamics, MetadynamicsState
from nanochart.biasing.methods.opes import OPES, OPESState
from nanochart.biasing.methods.registry import METHODS, STATES, method_facts, method_of
from nanochart.biasing.methods.state import NoState
from nanochart.biasing.methods.steered import Steered
from nanochart.biasing.methods.umbrella import Umbrella, along, windows_on_grid
from nanochart.biasing.methods.unbiased import Unbiased

__all__ = [
    "METHODS",
    "OPES",
    "STATES",
    "Metadynamics",
    "MetadynamicsState",
    "NoState",
    "OPESState",
    "Steered",
    "Umbrella",
    "Unbiased",
    "along",
    "method_facts",
    "method_of",
    "windows_on_grid",
]
