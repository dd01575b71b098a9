"""How long a time step a system bears, from its shortest vibrational period."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from nanochart.potentials import Potential
from nanochart.units import AMU

__all__ = ["TimeScale", "shortest_period", "time_scale"]

#: The error in K is about T (ω Δt)² over this number: 100 to 160 in liquids of gold, silver and
#: copper, above 200 in solids, by perturbation theory (docs/theory/dynamics.md has the numbers).
_SHARE: Final = 140.0
#: The error of configurational averages that is allowed, in K.
_ALLOWED: Final = 1.0
#: Time steps in the shortest period, at least, however cold: the frequency shift (ω Δt)² / 24 of
#: velocity Verlet is 1 % then.
_STEPS_PER_PERIOD: Final = 12.0
#: Time steps in the shortest period below which a step is refused. BAOAB is unstable below π of the
#: shortest period of all, which in a hot liquid is 0.75 of that of a relaxed structure.
_FEWEST: Final = 6.0
#: Time step in fs beyond which nothing is derived: of structures without vibrations.
_LONGEST: Final = 100.0


@dataclass(frozen=True)
class TimeScale:
    """The shortest vibrational period of a system, and the time steps that it bears.

    Attributes
    ----------
    period
        Shortest vibrational period in fs of relaxed structures; infinite where nothing vibrates.
    """

    period: float

    def time_step(self, temperature: float) -> float:
        """Longest time step in fs whose configurational averages are right within 1 K.

        A twelfth of the period, or shorter where the error would be above 1 K.

        Parameters
        ----------
        temperature
            Highest temperature in K.
        """
        share = math.sqrt(_SHARE * _ALLOWED / temperature) / (2.0 * math.pi)
        return min(self.period * min(share, 1.0 / _STEPS_PER_PERIOD), _LONGEST)

    @property
    def longest(self) -> float:
        """Time step in fs beyond which dynamics is no more stable for certain."""
        return min(self.period / _FEWEST, _LONGEST)

    def error(self, time_step: float, temperature: float) -> float:
        r"""Estimate of how far averages at a time step are off, in K.

        The mean potential energy is that of a temperature that is lower by about
        :math:`T (\omega \Delta t)^2 / 140` in a liquid, with the angular frequency ω of the
        shortest period, and by half as much in a solid.

        Parameters
        ----------
        time_step
            Time step in fs.
        temperature
            Temperature in K.
        """
        return temperature * (2.0 * math.pi * time_step / self.period) ** 2 / _SHARE


def time_scale(structures: Iterable[ArrayLike], potential: Potential) -> TimeScale:
    """Give the time scale of a system: the shortest of the periods of some of its structures.

    Parameters
    ----------
    structures
        Relaxed structures, each (atom, 3) in Å.
    potential
        Potential, which gives forces and mass.

    Examples
    --------
    >>> import nanochart as nc
    >>> gold = nc.clusters.build("icosahedron", "Au", 55)
    >>> scale = nc.dynamics.time_scale([gold.positions], nc.potentials.gupta("Au"))
    >>> 13.0 < scale.time_step(600.0) < 16.0
    True
    """
    return TimeScale(min(shortest_period(x, potential) for x in structures))


def shortest_period(positions: ArrayLike, potential: Potential) -> float:
    """Shortest vibrational period in fs of a relaxed structure; infinite where nothing vibrates.

    The largest eigenvalue of the Hessian, mω², comes from a power iteration on finite differences
    of the forces.

    Parameters
    ----------
    positions
        Positions (atom, 3) in Å near a minimum.
    potential
        Potential, which gives forces and mass.
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
    return float(2.0 * np.pi * np.sqrt(potential.mass * AMU / curvature))
