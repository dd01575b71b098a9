"""How long a time step a structure bears."""

import numpy as np
from numpy.typing import ArrayLike

from nanochart.potentials import Potential
from nanochart.units import AMU

__all__ = ["longest_time_step"]

#: Fraction of the shortest vibrational period. At 1/12 the frequency shift of velocity Verlet is
#: (ω Δt)² / 24 = 1 %, and the configurational error of BAOAB in an anharmonic well is smaller.
STEPS_PER_PERIOD = 12


def longest_time_step(positions: ArrayLike, potential: Potential) -> float:
    """Longest reasonable time step in fs: a twelfth of the shortest vibrational period.

    The largest eigenvalue of the Hessian of a relaxed structure, mω², comes from a power
    iteration on finite differences of the forces.

    Parameters
    ----------
    positions
        Positions (atom, 3) in Å near a minimum.
    potential
        Potential, which gives forces and mass.

    Examples
    --------
    >>> import nanochart as nc
    >>> gold = nc.clusters.build("icosahedron", "Au", 13)
    >>> 5.0 < nc.dynamics.longest_time_step(gold.positions, nc.potentials.gupta("Au"))
    True
    """
    x = np.asarray(positions, dtype=np.float64)
    direction = np.random.default_rng(0).standard_normal(x.shape)
    step = 1e-3  # Å, for the whole displacement vector
    curvature = 0.0
    for _ in range(400):
        direction /= np.linalg.norm(direction)
        _, ahead = potential.energy_forces(x + step * direction)
        _, behind = potential.energy_forces(x - step * direction)
        product = (behind - ahead) / (2.0 * step)
        curvature, previous = float(np.vdot(direction, product)), curvature
        if abs(curvature - previous) <= 1e-5 * abs(curvature):
            break
        direction = product
    if curvature <= 0.0:
        return np.inf
    return float(2.0 * np.pi * np.sqrt(potential.mass * AMU / curvature) / STEPS_PER_PERIOD)
