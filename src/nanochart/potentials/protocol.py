"""What a potential is, and the one place that tells compiled ones from others."""

import math
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.potentials.potential import EmbeddedAtom, check_positions

__all__ = ["Potential", "check_forces", "energies_and_forces", "interaction_range", "is_compiled"]

Floats = NDArray[np.float64]

#: Largest difference of forces from minus the gradient, in shares of it, that is no other unit.
_TOLERANCE = 0.02
_STEP = 2e-3  # Å
#: Directions that the mean curvature of an energy is taken along, and its bounds in eV/Å²: of Ag,
#: Au and Cu, where it is 4 to 6 in a relaxed cluster of Gupta or EMT and up to 21 in a hot one; and
#: of any metal, from caesium to osmium. A Rydberg is 14 eV, and 1 eV is 23 kcal/mol.
_WAYS = 4
_KNOWN, _ANY = (0.45, 45.0), (0.02, 120.0)


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
        Says by what factor they differ, or that both are in other units.
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
    _check_stiffness(potential, shaken)


def _check_stiffness(potential: Potential, x: Floats) -> None:
    """Refuse energies and lengths that are consistent, but in units that no metal's are."""
    ways = np.random.default_rng(1).normal(size=(_WAYS, *x.shape))
    ways *= _STEP / np.sqrt((ways**2).sum(axis=(1, 2), keepdims=True))
    _, F = energies_and_forces(potential, np.concatenate([x + ways, x - ways]))
    stiffness = float(((F[_WAYS:] - F[:_WAYS]) * ways).sum() / (2.0 * _WAYS * _STEP**2))
    low, high = _KNOWN if potential.symbol in NEAREST_NEIGHBOUR else _ANY
    if not low <= stiffness <= high:
        raise ValueError(
            f"energies and positions of {potential.name} must be in eV and Å: the mean curvature "
            f"of a {potential.symbol} cluster's energy is between {low:g} and {high:g} eV/Å²; got "
            f"{stiffness:.3g}: check the units of both"
        )
