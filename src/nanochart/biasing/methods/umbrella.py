"""Umbrella sampling: restraints at rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.bias import Bias, Restraint, Wall
from nanochart.biasing.methods.state import NoState

__all__ = ["Umbrella", "along", "windows_on_grid"]

Floats = NDArray[np.float64]


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

    section: ClassVar[str | None] = "umbrella"
    State: ClassVar[type] = NoState

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

    @property
    def n_windows(self) -> int:
        """Number of windows, which walkers are in in turns."""
        return len(self.centres)

    def at(self, temperature: float) -> "Umbrella":
        """Give the method at a temperature in K, on which its restraints do not depend."""
        del temperature
        return self

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


def along(points: ArrayLike, n: int) -> Floats:
    """Space ``n`` windows equally along the line through ``points`` (point, m), ends included."""
    p = np.atleast_2d(np.asarray(points, dtype=np.float64))
    if len(p) < 2 or n < 2:
        raise ValueError(
            f"windows along a line need two points and two windows at least; got {len(p)} and {n}"
        )
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    if not (np.diff(length) > 0).all():
        same = int(np.argmin(np.diff(length)))
        raise ValueError(
            f"points along a line must differ from one to the next; got {p[same].tolist()} twice: "
            "leave one of them out"
        )
    at = np.linspace(0.0, length[-1], n)
    return np.stack([np.interp(at, length, column) for column in p.T], axis=1)


def windows_on_grid(low: Sequence[float], high: Sequence[float], shape: Sequence[int]) -> Floats:
    """Place windows at the nodes of a regular grid, (window, m)."""
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
