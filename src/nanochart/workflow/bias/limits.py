"""What the stride of a biased run can follow."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing import OPES, Metadynamics, stiffest_accurate, stiffest_stable
from nanochart.config import GuardSection
from nanochart.shown import short_repr
from nanochart.units import BOLTZMANN

__all__ = ["Limits"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class Limits:
    """Largest stiffnesses of restraints, walls and guards.

    A restraint decides on where its variable is, so its distribution must be right; so must that
    under an adaptive bias, whose frames are weighted by it. A wall or guard is to keep walkers out,
    and must be stable.

    Attributes
    ----------
    names
        Of the variables.
    accurate
        Stiffness (m,) in eV per unit² up to which a restrained variable keeps its width.
    stable
        Stiffness (m,) up to which impulses are stable.
    adaptive
        Curvature (m,) in eV per unit² up to which a bias that is built up is followed.
    stride, time_step
        Steps between impulses, and fs.
    squares, mass
        What these came from.
    """

    names: tuple[str, ...]
    accurate: Floats
    stable: Floats
    adaptive: Floats
    stride: int
    time_step: float
    squares: Floats
    mass: float

    @classmethod
    def of(
        cls, names: tuple[str, ...], squares: Floats, mass: float, stride: int, time_step: float
    ) -> Self:
        """The limits of variables whose gradients have the squares (frame, m)."""
        interval = stride * time_step
        accurate = stiffest_accurate(squares, mass, interval, stride)
        stable = stiffest_stable(squares, mass, interval)
        # Such a bias is many kT / sigma steep, and no harmonic well, of which a kick is exact.
        adaptive = stiffest_accurate(squares, mass, interval, max(stride, 2))
        return cls(names, accurate, stable, adaptive, stride, time_step, squares, mass)

    def narrowest(self, temperature: float) -> Floats:
        """Least widths (m,) of the Gaussians of a bias whose curvature is about kT / sigma²."""
        return np.sqrt(BOLTZMANN * temperature / self.adaptive)

    def refusal(self, method: Any, guard: GuardSection | None = None) -> str | None:
        """What the stride cannot follow, in a sentence; None if it follows all."""
        for a, stiffness in enumerate(getattr(method, "stiffness", ())):
            if stiffness > self.accurate[a]:
                return self._sentence(a, stiffness, "a restraint of", accurate=True)
        if isinstance(method, Metadynamics | OPES):
            least = self.narrowest(method.temperature)
            narrow = np.flatnonzero(np.array(method.sigma) < 0.999 * least)
            if narrow.size:
                a = int(narrow[0])
                return (
                    f"sigma of {self.names[a]} must be at least {least[a]:.3g} for an impulse "
                    f"every {self.stride} steps of {self.time_step:.4g} fs, so that what is "
                    f"sampled is right where the bias is steep; got {method.sigma[a]:.3g}: take a "
                    "wider one, or a smaller stride"
                )
        for wall in method.walls:
            if wall.stiffness > self.stable[wall.variable]:
                return self._sentence(wall.variable, wall.stiffness, "a wall of", accurate=False)
        if guard is not None and guard.stiffness > self.stable.min():
            tightest = int(self.stable.argmin())
            return self._sentence(tightest, guard.stiffness, "the guard along", accurate=False)
        return None

    def _sentence(self, variable: int, stiffness: float, what: str, *, accurate: bool) -> str:
        limit = (self.accurate if accurate else self.stable)[variable]
        longest = self._longest(variable, stiffness, accurate=accurate)
        why = ", so that its distribution keeps its width" if accurate else ""
        remedy = f"a stride of {longest:.4g} fs" if longest else "a shorter time step"
        return (
            f"the stiffness of {what} {self.names[variable]} must be at most {limit:.3g} eV per "
            f"unit² for an impulse every {self.stride} steps of {self.time_step:.4g} fs{why}; got "
            f"{stiffness:.3g}: take a softer one, or {remedy}"
        )

    def _longest(self, variable: int, stiffness: float, *, accurate: bool) -> float | None:
        """The longest stride in fs that can follow a stiffness, None if there is none."""
        squares = self.squares[:, [variable]]
        for stride in range(self.stride - 1, 0, -1):
            interval = stride * self.time_step
            stable = stiffest_stable(squares, self.mass, interval)
            right = stiffest_accurate(squares, self.mass, interval, stride)
            if stiffness <= (right if accurate else stable)[0]:
                return interval
        return None
