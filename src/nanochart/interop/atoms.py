"""Between arrays of positions and ASE's Atoms."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from nanochart.interop.frame import RawFrame, number, step_number
from nanochart.interop.whole import Mending, whole_cluster
from nanochart.metals import element as look_up_element

__all__ = ["from_atoms", "raw_frame", "to_atoms"]


def to_atoms(
    positions: np.ndarray,
    element: str,
    info: Mapping[str, Any] | None = None,
    energy: float | None = None,
) -> Atoms:
    """Make ASE's Atoms of a free cluster.

    Parameters
    ----------
    positions
        Positions in Å, (atom, 3).
    element
        Chemical symbol of the metal.
    info
        Values that are copied into ``atoms.info``.
    energy
        Potential energy in eV, for ``atoms.get_potential_energy()``.

    Raises
    ------
    ValueError
        If the positions are not those of one cluster.
    """
    array = np.array(positions, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(
            f"positions must be those of one cluster, (atom, 3); got the shape {array.shape}"
        )
    symbol = look_up_element(element).symbol
    atoms = Atoms([symbol] * len(array), positions=array, pbc=False, info=dict(info or {}))
    if energy is not None and math.isfinite(energy):
        atoms.calc = SinglePointCalculator(atoms, energy=float(energy))
    return atoms


def from_atoms(atoms: Atoms, element: str | None = None) -> np.ndarray:
    """Return the positions of a free cluster of one element in Å, (atom, 3).

    Parameters
    ----------
    atoms
        Cluster as ASE's Atoms.
    element
        Chemical symbol that the cluster must be of.

    Raises
    ------
    ValueError
        If it is of several elements or another one, periodic, empty, not finite, or not one piece
        with bonds of the metal's length.
    """
    symbols = set(atoms.get_chemical_symbols())
    expected = "one element" if element is None else look_up_element(element).symbol
    if len(symbols) != 1 or (element is not None and symbols != {expected}):
        raise ValueError(
            f"the cluster must be of {expected}; got {', '.join(sorted(symbols)) or 'no atoms'}"
        )
    if np.any(atoms.pbc):
        raise ValueError(
            "the cluster must be free; got atoms that are periodic: set atoms.pbc = False if it "
            "is whole and surrounded by vacuum"
        )
    positions = np.array(atoms.positions, dtype=np.float64)
    if not np.isfinite(positions).all():
        raise ValueError("the cluster must have finite positions (Å); got NaN or infinity")
    raw = RawFrame(positions, frozenset(symbols), np.zeros((3, 3)), (False, False, False))
    return whole_cluster(raw, symbols.pop(), Mending(), "the cluster").positions


def raw_frame(atoms: Atoms, what: str) -> RawFrame:
    """Take from Atoms what a trajectory needs."""
    results = getattr(atoms.calc, "results", {})
    periodic = [bool(flag) for flag in atoms.pbc]
    return RawFrame(
        np.array(atoms.positions, dtype=np.float64),
        frozenset(atoms.get_chemical_symbols()),
        np.array(atoms.cell[:], dtype=np.float64),
        (periodic[0], periodic[1], periodic[2]),
        number(results.get("energy", atoms.info.get("energy")), math.nan),
        number(atoms.info.get("temperature"), math.nan),
        step_number(number(atoms.info.get("step"), -1), what),
    )
