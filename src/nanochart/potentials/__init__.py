"""Interatomic potentials: Gupta with published parameters, and EAM tables."""

from nanochart.potentials._eam import eam
from nanochart.potentials._gupta import GUPTA_PARAMETERS, GuptaParameters, gupta
from nanochart.potentials._potential import Potential
from nanochart.potentials._record import describe, from_record, is_described_by, to_record

__all__ = [
    "GUPTA_PARAMETERS",
    "GuptaParameters",
    "Potential",
    "describe",
    "eam",
    "from_record",
    "gupta",
    "is_described_by",
    "to_record",
]
