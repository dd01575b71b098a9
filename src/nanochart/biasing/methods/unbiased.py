"""Plain dynamics, with walls."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias, Wall
from nanochart.biasing.methods.state import NoState
from nanochart.units import BOLTZMANN

__all__ = ["Unbiased"]

Floats = NDArray[np.float64]


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

    section: ClassVar[str | None] = None
    State: ClassVar[type] = NoState
    n_windows: ClassVar[int] = 1

    temperature: float
    walls: tuple[Wall, ...] = ()

    def at(self, temperature: float) -> "Unbiased":
        """Give the method at another temperature in K."""
        return replace(self, temperature=temperature)

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
