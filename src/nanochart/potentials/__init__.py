"""Interatomic potentials: Gupta with published parameters, EAM tables, and others by Protocol."""

from nanochart.potentials._eam import eam
from nanochart.potentials._foreign import CalculatorPotential, NotAtHand, from_ase
from nanochart.potentials._gupta import GUPTA_PARAMETERS, GuptaParameters, gupta
from nanochart.potentials._potential import EmbeddedAtom
from nanochart.potentials._protocol import (
    Potential,
    check_forces,
    energies_and_forces,
    interaction_range,
    is_compiled,
)
from nanochart.potentials._record import (
    describe,
    from_record,
    is_described_by,
    numbers_of,
    to_record,
)

__all__ = [
    "GUPTA_PARAMETERS",
    "CalculatorPotential",
    "EmbeddedAtom",
    "GuptaParameters",
    "NotAtHand",
    "Potential",
    "check_forces",
    "describe",
    "eam",
    "energies_and_forces",
    "from_ase",
    "from_record",
    "gupta",
    "interaction_range",
    "is_compiled",
    "is_described_by",
    "numbers_of",
    "to_record",
]
