r"""How stiff a bias may be that acts as an impulse every few steps.

A restraint :math:`\frac{\kappa}{2} s^2` moves atoms of mass M at
:math:`\omega^2 = \kappa |\nabla s|^2 / M`. Impulses every Δt are unstable from :math:`\omega \Delta
t = 2` on, and long before that they sample a wider distribution than the restraint's own: by
:math:`(\omega \Delta t)^2 (n^2 - 1) / 24 n^2` of its width for n steps between impulses, where the
cluster itself is soft along s, and by up to twice as much where it is stiff. An impulse every step
is the integrator's own kick, and exact for a harmonic well.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.units import AMU

__all__ = ["stiffest_accurate", "stiffest_stable"]

Floats = NDArray[np.float64]

#: (ω Δt)² up to which the width of a restrained variable is right within 0.5 %.
_ACCURATE = 0.05
#: (ω Δt)² up to which impulses are safely stable.
_STABLE = 1.0


def stiffest_stable(squares: ArrayLike, mass: float, interval: float) -> Floats:
    r"""Largest stable stiffness (m,) in eV per unit²: its oscillation takes 2π intervals.

    Parameters
    ----------
    squares
        :math:`|\nabla s|^2` of each variable in some frames, (frame, m), in unit²/Å².
    mass
        Mass of an atom in amu.
    interval
        Time between impulses in fs.
    """
    largest = np.asarray(squares, dtype=np.float64).max(axis=0)
    return np.asarray(_STABLE * mass * AMU / (largest * interval**2))


def stiffest_accurate(squares: ArrayLike, mass: float, interval: float, stride: int) -> Floats:
    r"""Largest stiffness (m,) in eV per unit² at which widths are right within 0.5 %, and stable.

    Parameters
    ----------
    squares
        :math:`|\nabla s|^2` of each variable in some frames, (frame, m), in unit²/Å². The mean
        decides on the width, the largest on stability.
    mass
        Mass of an atom in amu.
    interval
        Time between impulses in fs.
    stride
        Number of steps between impulses.
    """
    stable = stiffest_stable(squares, mass, interval)
    if stride == 1:
        return stable
    mean = np.asarray(squares, dtype=np.float64).mean(axis=0)
    return np.asarray(np.minimum(stable, _ACCURATE * mass * AMU / (mean * interval**2)))
