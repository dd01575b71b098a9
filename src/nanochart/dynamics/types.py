"""Configuration, state and samples of Langevin dynamics."""

import math
import operator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr

__all__ = ["FRICTION", "Langevin", "Samples", "State"]

Floats = NDArray[np.float64]

#: Friction in 1/fs at which a metal cluster changes its structure most often.
FRICTION: Final = 2e-4


@dataclass(frozen=True)
class Langevin:
    r"""Langevin dynamics, integrated by the splitting BAOAB.

    .. math::

        dx = v\,dt, \qquad
        m\,dv = F(x)\,dt - \gamma m v\,dt + \sqrt{2 \gamma m k_B T}\,dW

    One step of length Δt is: half a kick (B), half a drift (A), the exact Ornstein-Uhlenbeck
    process of the velocities (O), half a drift (A), the new forces, half a kick (B)
    (Leimkuhler, Matthews, Appl. Math. Res. eXpress 2013, 34). Its configurational averages err by
    O(Δt²) and are exact for a harmonic well. With ``friction`` zero it is velocity Verlet (NVE).

    No momentum is removed: the ensemble is canonical in all 3N degrees of freedom.

    Parameters
    ----------
    time_step
        Time step Δt in fs.
    friction
        Friction γ in 1/fs. Structures change most often at the default; the energy forgets itself
        in about 1/γ.
    sphere_radius
        Radius in Å of the sphere around the centre of mass, beyond which a harmonic wall pulls an
        evaporated atom back; None is no sphere.
    sphere_stiffness
        Force constant of the wall in eV/Å².
    skin
        Margin of the Verlet list in Å. It changes the speed and no result, to the last bit.
    """

    time_step: float = 5.0
    friction: float = FRICTION
    sphere_radius: float | None = None
    sphere_stiffness: float = 1.0
    skin: float = 0.9

    def __post_init__(self) -> None:
        checks = (
            ("time_step", self.time_step, "above 0 fs", self.time_step > 0),
            ("friction", self.friction, "of at least 0 1/fs", self.friction >= 0),
            (
                "sphere_radius",
                self.sphere_radius,
                "above 0 Å",
                self.sphere_radius is None or self.sphere_radius > 0,
            ),
            ("sphere_stiffness", self.sphere_stiffness, "above 0 eV/Å²", self.sphere_stiffness > 0),
            ("skin", self.skin, "above 0 Å", self.skin > 0),
        )
        for name, value, limit, valid in checks:
            if not (valid and (value is None or math.isfinite(value))):
                raise ValueError(
                    f"{name} of the Langevin dynamics must be a number {limit}; got {value!r}"
                )


@short_repr
@dataclass(frozen=True)
class State:
    """Everything that a set of replicas needs to continue.

    ``positions`` (replica, atom, 3) in Å, ``velocities`` (replica, atom, 3) in Å/fs,
    ``temperatures`` (replica,) in K, ``random`` (replica, 4) uint64: the generator of each
    replica, and ``steps`` (replica,) taken so far.
    """

    positions: Floats
    velocities: Floats
    temperatures: Floats
    random: NDArray[np.uint64]
    steps: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: slice | int) -> "State":
        """Replicas of the state, as a state."""
        if isinstance(index, slice):
            part = index
        else:
            k = range(len(self))[operator.index(index)]
            part = slice(k, k + 1)
        return State(
            self.positions[part],
            self.velocities[part],
            self.temperatures[part],
            self.random[part],
            self.steps[part],
        )


@short_repr
@dataclass(frozen=True)
class Samples:
    r"""Observations of a segment of dynamics, at equal intervals.

    ``positions`` (sample, replica, atom, 3) in Å, ``potential_energies`` and
    ``kinetic_energies`` (sample, replica) in eV. The potential energy includes the wall's.

    The kinetic energy is that in the middle of the last step, where the thermostat acts; of biased
    dynamics the mean over the steps since the last impulse of the bias. There its mean is
    that of the temperature up to O(Δt⁴), and exactly in a harmonic well. That of the velocities at
    the end of a step lies below it by O(Δt²), which is what :math:`\frac{m}{2} \sum_i v_i^2` of a
    state tells. Without friction there is no thermostat, and the kinetic energy is the one at the
    end of the step, which is conserved together with the potential energy.
    """

    positions: Floats
    potential_energies: Floats
    kinetic_energies: Floats
