"""Lennard-Jones clusters: a potential in plain NumPy whose lowest minima are known."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.files import write_text
from nanochart.metals import element

__all__ = ["LennardJones"]

Floats = NDArray[np.float64]

#: Knots of the table in r, its reach in nearest-neighbour distances, and the distance below which
#: it goes on with the values there: no atoms come so close.
_KNOTS, _REACH, _CLOSEST = 8_000, 10.0, 0.3
#: Knots in the density, of an embedding function that is zero.
_DENSITIES = 10


@dataclass(frozen=True)
class LennardJones:
    r"""Pairs of atoms without a cut-off, :math:`4 \epsilon [(\sigma/r)^{12} - (\sigma/r)^6]`.

    A potential as a user may write one: it is called from Python. The lowest minimum of 38 atoms
    is the truncated octahedron, -173.928427 ε (Wales, Doye, J. Phys. Chem. A 101, 5111 (1997)).

    Parameters
    ----------
    epsilon
        ε in eV.
    nearest_neighbour
        That of the bulk crystal in Å, 1.0902 σ.
    symbol, mass
        Of the element whose place it takes, in amu.
    """

    epsilon: float = 0.4
    nearest_neighbour: float = 2.88
    symbol: str = "Au"
    mass: float = 196.96657

    @property
    def name(self) -> str:
        """With its depth."""
        return f"Lennard-Jones {self.epsilon:g} eV"

    @property
    def sigma(self) -> float:
        """In Å; nearest neighbours of the fcc crystal are 1.0902 σ apart."""
        return self.nearest_neighbour / 1.0902

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (...) in eV and forces (..., atom, 3) in eV/Å of positions (..., atom, 3) in Å.

        Raises
        ------
        ValueError
            If two atoms are at one place.
        """
        x = np.asarray(positions, dtype=np.float64)
        d = x[..., :, None, :] - x[..., None, :, :]
        square = (d**2).sum(axis=-1)
        n = x.shape[-2]
        square[..., np.arange(n), np.arange(n)] = np.inf
        if not (square > 0.0).all():
            raise ValueError("atoms of a Lennard-Jones cluster must be apart; got two at one place")
        sixth = (self.sigma**2 / square) ** 3
        energies = 2.0 * self.epsilon * (sixth**2 - sixth).sum(axis=(-2, -1))
        slope = 24.0 * self.epsilon * (2.0 * sixth**2 - sixth) / square
        return energies, (slope[..., None] * d).sum(axis=-2)

    def write_setfl(self, path: str | os.PathLike[str]) -> None:
        """Write the potential as an ``eam/alloy`` table, which loops are compiled with.

        The table reaches to 10 nearest-neighbour distances: past the width of 75 atoms.

        Parameters
        ----------
        path
            File to write.
        """
        step = _REACH * self.nearest_neighbour / (_KNOTS - 1)
        r = np.arange(_KNOTS) * step
        sixth = (self.sigma / np.maximum(r, _CLOSEST * self.nearest_neighbour)) ** 6
        r_phi = 4.0 * self.epsilon * r * (sixth**2 - sixth)
        values = np.concatenate([np.zeros(_DENSITIES), np.zeros(_KNOTS), r_phi])
        number = element(self.symbol).atomic_number
        lines = [
            self.name, "", "", f"1 {self.symbol}",
            f"{_DENSITIES} 1.0 {_KNOTS} {step!r} {_REACH * self.nearest_neighbour!r}",
            f"{number} {self.mass} {math.sqrt(2.0) * self.nearest_neighbour!r} fcc",
            *(repr(float(value)) for value in values),
        ]  # fmt: skip
        write_text(Path(path), "\n".join(lines) + "\n")
