"""The compiled potentials: energies, forces and an exportable table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials import kernels
from nanochart.potentials.setfl import write_setfl
from nanochart.potentials.setfl_reader import Setfl

__all__ = ["EmbeddedAtom"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmbeddedAtom:
    """An embedded-atom potential E = Σ_i F(ρ_i) + Σ_{i<j} φ(r_ij), ρ_i = Σ_{j≠i} f(r_ij).

    Made by :func:`nanochart.potentials.gupta` and :func:`nanochart.potentials.eam`.

    Parameters
    ----------
    name
        Name of the potential, as in "Gupta Au".
    symbol
        Chemical symbol of the metal.
    mass
        Atomic mass in amu.
    nearest_neighbour
        Nearest-neighbour distance of the bulk crystal in Å.
    model
        The potential in the form that the compiled kernels take.
    parameters
        The numbers that define the potential, for provenance.
    table
        The table that the potential was made of; None for a formula.
    """

    name: str
    symbol: str
    mass: float
    nearest_neighbour: float
    model: kernels.Model
    parameters: Mapping[str, object]
    table: Setfl | None = None

    def __repr__(self) -> str:
        return f"<Potential {self.name}, cut-off {self.cutoff:.4f} Å>"

    @property
    def cutoff(self) -> float:
        """Distance in Å from which atoms do not interact."""
        return self.model.cutoff

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Potential energy and forces F_i = -∂E/∂x_i.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å; leading dimensions are independent clusters.

        Returns
        -------
        energy
            Potential energy (...) in eV.
        forces
            Forces (..., atom, 3) in eV/Å.

        Raises
        ------
        ValueError
            If the shape is wrong, a coordinate is not finite, or two atoms overlap.

        Examples
        --------
        >>> import nanochart as nc
        >>> energy, forces = nc.potentials.gupta("Au").energy_forces([[0, 0, 0], [2.5, 0, 0]])
        >>> forces.shape
        (2, 3)
        """
        energies, _, forces = self._evaluate(positions)
        return energies, forces

    def energy(self, positions: ArrayLike) -> Floats:
        """Potential energy (...) in eV of positions (..., atom, 3) in Å."""
        return self._evaluate(positions)[0]

    def atom_energies(self, positions: ArrayLike) -> Floats:
        """Energy of each atom, E_i = F(ρ_i) + ½ Σ_j φ(r_ij), as (..., atom) in eV."""
        return self._evaluate(positions)[1]

    def write_setfl(self, path: str | Path, n_r: int = 10_000, n_rho: int = 10_000) -> None:
        """Write the potential as an ``eam/alloy`` table (setfl), as LAMMPS and ASE read it.

        Parameters
        ----------
        path
            File to write.
        n_r, n_rho
            Numbers of knots in r (from 0 to the cut-off) and in ρ.
        """
        facts = " ".join(f"{key}={value}" for key, value in self.parameters.items())
        comments = f"{self.name}, tabulated by nanochart", facts
        write_setfl(
            Path(path), self.model, self.symbol, self.mass, self.nearest_neighbour, comments,
            n_r=n_r, n_rho=n_rho,
        )  # fmt: skip

    def _evaluate(self, positions: ArrayLike) -> tuple[Floats, Floats, Floats]:
        x = check_positions(positions)
        frames = x.reshape(-1, *x.shape[-2:])
        n_frames, n_atoms = frames.shape[:2]
        energies = np.empty(n_frames)
        atom_energies = np.empty((n_frames, n_atoms))
        forces = np.empty_like(frames)
        bad = np.zeros(n_frames, dtype=np.bool_)
        kernels.evaluate_batch(self.model, frames, energies, atom_energies, forces, bad)
        if bad.any():
            raise ValueError(overlap_sentence(frames, int(np.argmax(bad)), self))
        return (
            energies.reshape(x.shape[:-2])[()],
            atom_energies.reshape(x.shape[:-1]),
            forces.reshape(x.shape),
        )


def check_positions(positions: ArrayLike) -> Floats:
    """Positions as a C-contiguous float64 array (..., atom, 3), or one clear sentence."""
    try:
        x = np.ascontiguousarray(positions, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"positions must be an array of numbers in Å with the shape (..., atom, 3); got "
            f"{type(positions).__name__}; of an ase.Atoms give its positions"
        ) from None
    if x.ndim < 2 or x.shape[-1] != 3 or x.shape[-2] == 0:
        raise ValueError(f"positions must have the shape (..., atom, 3); got {x.shape}")
    finite = np.isfinite(x)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"positions must be finite numbers in Å; got {x[where]} at index {where}")
    return x


def overlap_sentence(frames: Floats, frame: int, potential: EmbeddedAtom) -> str:
    """Name the closest pair of one frame of (frame, atom, 3), and the frame if there are more."""
    x = frames[frame]
    distance = np.linalg.norm(x[:, None] - x[None, :], axis=-1)
    np.fill_diagonal(distance, np.inf)
    i, j = np.unravel_index(int(np.argmin(distance)), distance.shape)
    where = f" of frame {frame}" if len(frames) > 1 else ""
    return (
        f"atoms {i} and {j}{where} are {distance[i, j]:.3f} Å apart, and the potential "
        f"{potential.name} is defined from {potential.model.overlap:.3f} Å on; "
        f"separate the atoms, or check that the coordinates are in Å"
    )
