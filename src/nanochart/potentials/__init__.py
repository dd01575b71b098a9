"""Interatomic potentials: Gupta with published parameters, and EAM tables."""

from nanochart.potentials._eam import eam
from nanochart.potentials._gupta import GUPTA_PARAMETERS, GuptaParameters, gupta
from nanochart.potentials._potential import Potential

__all__ = ["GUPTA_PARAMETERS", "GuptaParameters", "Potential", "eam", "gupta"]
