"""What a potential is, and the one place that tells compiled ones from others."""

import math
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials.potential import EmbeddedAtom, check_positions

__all__ = ["Potential", "check_forces", "energies_and_forces", "interaction_range", "is_compiled"]

Floats = NDArray[np.float64]

#: Largest difference of forces from minus the gradient, in shares of it, that is no other unit.
_TOLERANCE = 0.02
_STEP = 2e-3  # Å


@runtime_checkable
class Potential(Protocol):
    """Energies and forces of clusters of one element.

    An :class:`EmbeddedAtom` is compiled into every loop. Any other object with these attributes
    works too, called from Python for all replicas at once, and from one thread at a time.

    Attributes
    ----------
    name
        What it is, as in "Gupta Au"; runs keep it.
    symbol
        Chemical symbol of the element.
    mass
        Atomic mass in amu.
    nearest_neighbour
        Nearest-neighbour distance of the bulk crystal in Å.
    """

    @property
    def name(self) -> str:
        """What it is."""
        ...

    @property
    def symbol(self) -> str:
        """Of the element."""
        ...

    @property
    def mass(self) -> float:
        """In amu."""
        ...

    @property
    def nearest_neighbour(self) -> float:
        """In Å."""
        ...

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (...) in eV and forces (..., atom, 3) in eV/Å of positions (..., atom, 3)."""
        ...


def is_compiled(potential: Potential) -> TypeGuard[EmbeddedAtom]:
    """Whether loops are compiled with it; if not, they call it from Python."""
    return isinstance(potential, EmbeddedAtom)


def interaction_range(potential: Potential) -> float:
    """Distance in Å within which atoms hold together: the cut-off, or that of third neighbours."""
    known = getattr(potential, "cutoff", None)
    return math.sqrt(3.0) * potential.nearest_neighbour if known is None else float(known)


def energies_and_forces(potential: Potential, positions: ArrayLike) -> tuple[Floats, Floats]:
    """What a potential returns, after a look at it.

    Raises
    ------
    ValueError
        If the shapes are wrong or a number is not finite.
    """
    x = check_positions(positions)
    found: Any = potential.energy_forces(x)
    try:
        energies, forces = (np.asarray(part, dtype=np.float64) for part in found)
    except (TypeError, ValueError):
        raise ValueError(
            f"energy_forces of {potential.name} must return energies (eV) and forces (eV/Å); got "
            f"{type(found).__name__}"
        ) from None
    if energies.shape != x.shape[:-2] or forces.shape != x.shape:
        raise ValueError(
            f"energy_forces of {potential.name} must return energies of the shape "
            f"{x.shape[:-2]} and forces of the shape {x.shape}, those of the positions; got "
            f"{energies.shape} and {forces.shape}"
        )
    if not (np.isfinite(energies).all() and np.isfinite(forces).all()):
        raise ValueError(
            f"energies and forces of {potential.name} must be finite; got NaN or infinity: atoms "
            "may be too close, or the structure outside of what it was made for"
        )
    return energies, forces


def check_forces(potential: Potential, positions: ArrayLike) -> None:
    """Refuse forces that are not minus the gradient of the energy, as in other units.

    Parameters
    ----------
    potential
        One of nanochart's own, which are tested, passes unseen.
    positions
        (atom, 3) in Å.

    Raises
    ------
    ValueError
        Says by what factor they differ.
    """
    if is_compiled(potential):
        return
    x = check_positions(positions)
    shaken = x + 0.05 * np.random.default_rng(0).normal(size=x.shape)
    forces = energies_and_forces(potential, shaken)[1]
    size = float(np.sqrt((forces**2).sum()))
    if size == 0.0:
        raise ValueError(
            f"the forces of {potential.name} must not vanish in a strained cluster; got zero on "
            "every atom"
        )
    direction = forces / size
    steps = _STEP * np.array([-2.0, -1.0, 1.0, 2.0])
    E, _ = energies_and_forces(potential, shaken + steps[:, None, None] * direction)
    gained = -float((8.0 * (E[2] - E[1]) - (E[3] - E[0])) / (12.0 * _STEP))
    if not abs(gained - size) <= _TOLERANCE * size:
        raise ValueError(
            f"the forces of {potential.name} must be minus the gradient of its energy, in eV and "
            f"Å; got forces that are {size / gained if gained else math.inf:.4g} times that: check "
            "the units of both"
        )
