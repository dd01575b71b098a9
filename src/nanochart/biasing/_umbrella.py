"""Methods that learn nothing: no bias, restraints at rest, and restraints that move."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing._bias import Bias, Restraint, Wall
from nanochart.units import BOLTZMANN

__all__ = ["NoState", "Steered", "Umbrella", "Unbiased", "along", "windows_on_grid"]

Floats = NDArray[np.float64]


class NoState(NamedTuple):
    """State of a method that learns nothing on the way."""


@dataclass(frozen=True)
class Unbiased:
    r"""Plain dynamics, without a bias but walls and a guard.

    Walls and guard are a bias, too: a configuration has the weight :math:`e^{V / k_B T}` of their
    energy V.

    Parameters
    ----------
    temperature
        Temperature T in K.
    walls
        Walls, which are all of the bias.
    """

    temperature: float
    walls: tuple[Wall, ...] = ()

    def initialize(self, n_variables: int) -> NoState:
        """Do nothing: the method has no state."""
        del n_variables
        return NoState()

    def bias(self, state: NoState, walker: int, n_variables: int) -> Bias:
        """Give the walls, the same for every walker."""
        del state, walker
        return Bias(n_variables, walls=self.walls)

    def update(self, state: NoState, values: Floats, energies: Floats) -> NoState:
        """Do nothing: the method has no state."""
        del values, energies
        return state

    def log_weights(self, state: NoState, energies: Floats) -> Floats:
        """V / kT of each walker."""
        del state
        return np.asarray(energies, dtype=np.float64) / (BOLTZMANN * self.temperature)


@dataclass(frozen=True)
class Umbrella:
    r"""Umbrella sampling: walker k under :math:`\frac12 \sum_a \kappa_a (s_a - c_{k,a})^2`.

    The windows are combined by MBAR (:mod:`nanochart.free_energy`), which needs windows that
    overlap. Walkers beyond the number of windows start over with the first.

    Parameters
    ----------
    centres
        Centres of the windows, (window, m).
    stiffness
        Stiffness κ (m,) in eV per unit².
    walls
        Walls, which are added to the bias of all windows.
    """

    centres: tuple[tuple[float, ...], ...]
    stiffness: tuple[float, ...]
    walls: tuple[Wall, ...] = ()

    def __post_init__(self) -> None:
        if not self.centres or any(len(c) != len(self.stiffness) for c in self.centres):
            raise ValueError(
                "umbrella sampling needs at least one window with a centre for each of the "
                f"{len(self.stiffness)} stiffnesses; got {self.centres!r}"
            )
        for centre in self.centres:
            Restraint.at(centre, self.stiffness)

    def initialize(self, n_variables: int) -> NoState:
        """Do nothing: the method has no state."""
        if len(self.stiffness) != n_variables:
            raise ValueError(
                f"umbrella windows need a centre and a stiffness for each of {n_variables} "
                f"variables; got {len(self.stiffness)}"
            )
        return NoState()

    def bias(self, state: NoState, walker: int, n_variables: int) -> Bias:
        """Give the restraint of the walker's window."""
        del state
        centre = self.centres[walker % len(self.centres)]
        return Bias(n_variables, Restraint.at(centre, self.stiffness), walls=self.walls)

    def update(self, state: NoState, values: Floats, energies: Floats) -> NoState:
        """Do nothing: the method has no state."""
        del values, energies
        return state

    def log_weights(self, state: NoState, energies: Floats) -> Floats:
        """Give NaN: a weight needs all windows, by MBAR."""
        del state
        return np.full(len(energies), np.nan)


@dataclass(frozen=True)
class Steered:
    r"""Steered dynamics: a restraint whose centre moves through points at given steps.

    The work on a walker is :math:`W = \int \frac{\partial V}{\partial t} dt`, summed as the centre
    moves while the configuration rests (Jarzynski, Phys. Rev. Lett. 78, 2690 (1997)).

    Parameters
    ----------
    points
        Points (point, m) that the centre moves through; a walker should be at rest at the first
        before the centre moves.
    steps
        Steps at which the centre is at each point, rising.
    stiffness
        Stiffness κ (m,) in eV per unit².
    walls
        Walls, which are added to the bias.
    """

    points: tuple[tuple[float, ...], ...]
    steps: tuple[int, ...]
    stiffness: tuple[float, ...]
    walls: tuple[Wall, ...] = ()

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError(
                f"steered dynamics needs at least two points to move between; got "
                f"{len(self.points)}"
            )
        self._restraint()

    def _restraint(self) -> Restraint:
        return Restraint(
            np.array(self.stiffness, dtype=np.float64),
            np.array(self.points, dtype=np.float64),
            np.array(self.steps, dtype=np.int64),
        )

    def initialize(self, n_variables: int) -> NoState:
        """Do nothing: the method has no state."""
        if len(self.stiffness) != n_variables:
            raise ValueError(
                f"steered points need a coordinate and a stiffness for each of {n_variables} "
                f"variables; got {len(self.stiffness)}"
            )
        return NoState()

    def bias(self, state: NoState, walker: int, n_variables: int) -> Bias:
        """Give the bias of the next round, the same for every walker."""
        del state, walker
        return Bias(n_variables, self._restraint(), walls=self.walls)

    def update(self, state: NoState, values: Floats, energies: Floats) -> NoState:
        """Do nothing: the method has no state."""
        del values, energies
        return state

    def log_weights(self, state: NoState, energies: Floats) -> Floats:
        """Give NaN: steered walkers are out of equilibrium."""
        del state
        return np.full(len(energies), np.nan)


def along(points: ArrayLike, n: int) -> Floats:
    """Space ``n`` windows equally along the line through ``points`` (point, m), ends included."""
    p = np.atleast_2d(np.asarray(points, dtype=np.float64))
    if len(p) < 2 or n < 2:
        raise ValueError(
            f"windows along a line need two points and two windows at least; got {len(p)} and {n}"
        )
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    if not (np.diff(length) > 0).all():
        raise ValueError("points along a line must differ from one to the next")
    at = np.linspace(0.0, length[-1], n)
    return np.stack([np.interp(at, length, column) for column in p.T], axis=1)


def windows_on_grid(low: Sequence[float], high: Sequence[float], shape: Sequence[int]) -> Floats:
    """Place windows at the nodes of a regular grid, (window, m)."""
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
