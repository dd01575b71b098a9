"""The vibrations of a minimum, for the harmonic weight of its basin."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials import Potential, check_positions, energies_and_forces
from nanochart.units import AMU

__all__ = ["curvatures_of", "hessian", "is_saddle", "log_frequency_product", "log_product"]

Floats = NDArray[np.float64]

_STEP = 1e-3  # Å
#: Rotations and translations of a cluster.
_RIGID = 6
#: As shares of the largest curvature: the smallest of a vibration, and what is level.
_LEAST, _LEVEL = 1e-7, 1e-4


def log_frequency_product(positions: ArrayLike, potential: Potential) -> float:
    r"""Logarithm of the product of the 3N - 6 vibrational frequencies of a minimum.

    .. math:: \sum_{k=1}^{3N-6} \ln \omega_k, \qquad \omega_k\ \mathrm{in\ rad/ps},

    with :math:`m \omega_k^2` the eigenvalues of the matrix of second derivatives of the energy,
    from central differences of the forces. At temperature T the harmonic weights of two minima
    have the ratio :math:`\exp[-(E_1 - E_2)/k_B T] \prod_k \omega_{2,k} / \omega_{1,k}`, times
    the inverse ratio of the orders of their point groups.

    Parameters
    ----------
    positions
        (atom, 3) in Å, of a minimum that is quenched to 1e-4 eV/Å or less.
    potential
        Potential, which gives forces and mass.

    Returns
    -------
    float
        NaN for what is no minimum: where a frequency vanishes or is imaginary.
    """
    x = check_positions(positions)
    if x.ndim != 2 or len(x) < 3:
        raise ValueError(
            f"positions of one minimum must have the shape (atom, 3) with 3 atoms or more; got "
            f"{x.shape}"
        )
    return log_product(curvatures_of(hessian(x, potential)), potential)


def curvatures_of(second: Floats) -> Floats:
    """Eigenvalues (3N,) of a matrix of second derivatives, rising."""
    found: Floats = np.asarray(np.linalg.eigvalsh(second), dtype=np.float64)
    return found


def hessian(x: Floats, potential: Potential) -> Floats:
    """Second derivatives (3N, 3N) of the energy at ``x`` (atom, 3), in eV/Å²."""
    n = x.size
    moved = np.broadcast_to(x.ravel(), (n, n)).copy()
    forces = []
    for sign in (1.0, -1.0):
        np.fill_diagonal(moved, x.ravel() + sign * _STEP)
        forces.append(energies_and_forces(potential, moved.reshape(n, *x.shape))[1].reshape(n, n))
    second = (forces[1] - forces[0]) / (2.0 * _STEP)
    symmetric: Floats = 0.5 * (second + second.T)
    return symmetric


def is_saddle(curvatures: Floats) -> bool:
    """Whether the energy falls along a mode; rigid motions are level up to the differences."""
    return bool(curvatures[0] < -_LEVEL * curvatures[-1])


def log_product(curvatures: Floats, potential: Potential) -> float:
    """See :func:`log_frequency_product`."""
    vibrations = curvatures[_RIGID:]
    if is_saddle(curvatures) or not (vibrations > _LEAST * curvatures[-1]).all():
        return float("nan")
    omega2 = vibrations / (potential.mass * AMU) * 1e6  # 1/fs² is 1e6 /ps²
    return float(0.5 * np.log(omega2).sum())
