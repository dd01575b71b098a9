"""The confining sphere of a batch of replicas."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.dynamics.kernels import add_sphere
from nanochart.dynamics.types import Langevin
from nanochart.potentials import Potential, energies_and_forces

__all__ = ["confine", "confined_energies", "confined_forces"]

Floats = NDArray[np.float64]


def confine(positions: Floats, config: Langevin, energies: Floats, forces: Floats) -> None:
    """Add the wall of the sphere to energies (replica,) and forces (replica, atom, 3)."""
    if config.sphere_radius is None:
        return
    for k, x in enumerate(positions):
        rows, pull = np.ascontiguousarray(x.T), np.zeros((3, len(x)))
        energies[k] += add_sphere(rows, config.sphere_radius, config.sphere_stiffness, pull)
        forces[k] += pull.T


def confined_energies(positions: ArrayLike, potential: Potential, config: Langevin) -> Floats:
    """Potential energy that the dynamics follows, the wall's included, in eV.

    Parameters
    ----------
    positions
        (replica, atom, 3) in Å.
    potential, config
        Of the dynamics.

    Returns
    -------
    array (replica,)
    """
    return confined_forces(positions, potential, config)[0]


def confined_forces(
    positions: ArrayLike, potential: Potential, config: Langevin
) -> tuple[Floats, Floats]:
    """Energies as `confined_energies`, and their forces (replica, atom, 3) in eV/Å."""
    x = np.asarray(positions, dtype=np.float64)
    energies, forces = (np.array(part) for part in energies_and_forces(potential, x))
    confine(x, config, energies, forces)
    return energies, forces
