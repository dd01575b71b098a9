"""Lennard-Jones clusters: a potential in plain NumPy whose lowest minima are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LennardJones"]

Floats = NDArray[np.float64]


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
