"""Steered dynamics: a restraint that moves."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias, Restraint, Wall
from nanochart.biasing.methods.state import NoState

__all__ = ["Steered"]

Floats = NDArray[np.float64]


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

    section: ClassVar[str | None] = "steered"
    State: ClassVar[type] = NoState
    n_windows: ClassVar[int] = 1

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
