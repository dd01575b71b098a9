"""Temperature ladders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.units import BOLTZMANN

__all__ = ["Ladder"]


@dataclass(frozen=True)
class Ladder:
    """Rising temperatures in K, one per rung; a replica stands on each.

    Examples
    --------
    >>> from nanochart.tempering import Ladder
    >>> Ladder.geometric(300.0, 600.0, 3).temperatures
    (300.0, 424.264068711928..., 600.0)
    """

    temperatures: tuple[float, ...]

    def __post_init__(self) -> None:
        T = np.asarray(self.temperatures, dtype=np.float64)
        if T.ndim != 1 or len(T) < 1 or not np.isfinite(T).all() or (T <= 0).any():
            raise ValueError(
                f"the temperatures of a ladder must be positive numbers in K; "
                f"got {self.temperatures!r}"
            )
        if (np.diff(T) <= 0).any():
            k = int(np.argmax(np.diff(T) <= 0))
            raise ValueError(
                f"the temperatures of a ladder must rise; got {T[k]:g} K followed by "
                f"{T[k + 1]:g} K at rung {k + 1}; sort them and drop repeats"
            )
        object.__setattr__(self, "temperatures", tuple(float(t) for t in T))

    def __len__(self) -> int:
        return len(self.temperatures)

    @property
    def betas(self) -> NDArray[np.float64]:
        """1 / kT per rung, 1/eV."""
        return 1.0 / (BOLTZMANN * np.asarray(self.temperatures))

    def pairs_below(self, temperature: float) -> int:
        """Number of the lowest pairs of neighbours that are both at most so hot, in K."""
        return max(0, sum(t <= temperature for t in self.temperatures) - 1)

    @classmethod
    def geometric(cls, t_min: float, t_max: float, n: int) -> "Ladder":
        """``n`` temperatures from ``t_min`` to ``t_max`` (K) in constant ratio.

        A constant heat capacity then gives all neighbours the same acceptance.
        """
        if not 0 < t_min < t_max or n < 2:
            raise ValueError(
                f"a geometric ladder must have 0 < t_min < t_max (K) and n of at least 2; "
                f"got t_min={t_min!r}, t_max={t_max!r}, n={n!r}"
            )
        middle = np.geomspace(t_min, t_max, n)[1:-1]
        return cls((float(t_min), *(float(t) for t in middle), float(t_max)))
