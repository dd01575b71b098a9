"""The confining sphere of a batch of replicas."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.dynamics.kernels import add_sphere
from nanochart.dynamics.types import Langevin
from nanochart.potentials import Potential, energies_and_forces

__all__ = ["confine", "confined_energies"]

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
    x = np.asarray(positions, dtype=np.float64)
    found, forces = energies_and_forces(potential, x)
    energies = np.array(found)
    confine(x, config, energies, np.array(forces))
    return energies
