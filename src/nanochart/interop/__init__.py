"""Structures of other programs, in and out: ASE, LAMMPS dumps, extended XYZ."""

from typing import TYPE_CHECKING, Any

from nanochart.interop._atoms import from_atoms, to_atoms
from nanochart.interop._export import export_extxyz
from nanochart.interop._import import import_trajectories
from nanochart.interop._periodic import MINIMUM_VACUUM
from nanochart.interop._plumed import read_plumed, write_colvar, write_hills
from nanochart.interop._trajectory import (
    LeftOut,
    TrajectoryBlock,
    read_structure,
    read_trajectory,
)

if TYPE_CHECKING:
    from nanochart.interop._calculator import PotentialCalculator

__all__ = [
    "MINIMUM_VACUUM",
    "LeftOut",
    "PotentialCalculator",
    "TrajectoryBlock",
    "export_extxyz",
    "from_atoms",
    "import_trajectories",
    "read_plumed",
    "read_structure",
    "read_trajectory",
    "to_atoms",
    "write_colvar",
    "write_hills",
]


def __getattr__(name: str) -> Any:
    if name == "PotentialCalculator":  # its compiled potentials would slow down reading a file
        from nanochart.interop._calculator import PotentialCalculator

        return PotentialCalculator
    raise AttributeError(f"module 'nanochart.interop' has no attribute {name!r}")
