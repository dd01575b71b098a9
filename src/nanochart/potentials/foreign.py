"""Potentials of other programs: an ASE calculator, and one whose run does not hold it."""

import threading
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConfigError
from nanochart.metals import NEAREST_NEIGHBOUR, element
from nanochart.potentials.potential import check_positions
from nanochart.potentials.protocol import energies_and_forces

__all__ = ["CalculatorPotential", "NotAtHand", "from_ase"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CalculatorPotential:
    """Energies and forces of an ASE calculator; made by `from_ase`.

    One frame after another, one thread at a time.
    """

    name: str
    symbol: str
    mass: float
    nearest_neighbour: float
    calculator: Any
    _lock: Any = field(init=False, repr=False, default_factory=threading.Lock)

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (...) in eV and forces (..., atom, 3) in eV/Å of positions (..., atom, 3) in Å.

        Raises
        ------
        ValueError
            If the calculator has no energies or forces, or fails.
        """
        from ase import Atoms
        from ase.calculators.calculator import CalculatorError, PropertyNotImplementedError

        x = check_positions(positions)
        frames = x.reshape(-1, *x.shape[-2:])
        energies, forces = np.empty(len(frames)), np.empty_like(frames)
        with self._lock:
            for k, frame in enumerate(frames):
                atoms = Atoms([self.symbol] * len(frame), positions=frame)
                atoms.calc = self.calculator
                try:
                    energies[k], forces[k] = atoms.get_potential_energy(), atoms.get_forces()
                except (PropertyNotImplementedError, NotImplementedError) as error:
                    raise ValueError(
                        f"the calculator {self.name} must give energies and forces; it lacks one "
                        f"of them ({error}): molecular dynamics needs both"
                    ) from error
                except CalculatorError as error:
                    raise ValueError(f"the calculator {self.name} failed: {error}") from error
        return energies.reshape(x.shape[:-2])[()], forces.reshape(x.shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return CalculatorPotential, (
            self.name, self.symbol, self.mass, self.nearest_neighbour, self.calculator,
        )  # fmt: skip


def from_ase(
    calculator: Any,
    symbol: str,
    nearest_neighbour: float | None = None,
    *,
    name: str | None = None,
    mass: float | None = None,
) -> CalculatorPotential:
    """An ASE calculator as a potential, for dynamics, quenches and biased runs from Python.

    Parameters
    ----------
    calculator
        Any calculator with energies and forces.
    symbol
        Element of the clusters.
    nearest_neighbour
        Nearest-neighbour distance of the bulk in Å; None is that of nanochart's table of metals.
    name
        What runs keep of it; None is the name of its class.
    mass
        In amu; None is that of the element.

    Raises
    ------
    ValueError
        If the calculator has no energies or forces, or a distance is needed and not given.
    TypeError
        If it is no calculator.

    Examples
    --------
    >>> import nanochart as nc
    >>> from ase.calculators.emt import EMT
    >>> emt = nc.potentials.from_ase(EMT(), "Au")
    >>> gold = nc.clusters.build("icosahedron", "Au", 13)
    >>> bool(nc.minimization.quench(gold.positions, emt).converged)
    True
    """
    metal = element(symbol)
    distance = (
        NEAREST_NEIGHBOUR.get(metal.symbol) if nearest_neighbour is None else nearest_neighbour
    )
    if distance is None or not (np.isfinite(distance) and distance > 0):
        raise ValueError(
            f"a potential of {metal.symbol} needs the nearest-neighbour distance of its bulk in Å; "
            f"got {nearest_neighbour!r}"
        )
    if not callable(getattr(calculator, "get_property", None)) and not callable(
        getattr(calculator, "get_forces", None)
    ):
        raise TypeError(
            f"an ASE calculator has energies and forces; got {type(calculator).__name__}"
        )
    potential = CalculatorPotential(
        name or type(calculator).__name__,
        metal.symbol,
        float(metal.mass if mass is None else mass),
        float(distance),
        calculator,
    )
    triangle = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.8, 0.2]]) * distance
    energies_and_forces(potential, triangle)
    return potential


@dataclass(frozen=True)
class NotAtHand:
    """The potential of a run that holds its name alone: all that needs forces is refused."""

    name: str
    symbol: str
    mass: float
    nearest_neighbour: float

    def energy_forces(self, positions: ArrayLike) -> NoReturn:
        """Refused.

        Raises
        ------
        ConfigError
            Says what to hand over.
        """
        del positions
        raise ConfigError(
            f"the potential {self.name} is not one of nanochart's own, and a run keeps its name "
            "alone: hand it over again from Python, as potential=..."
        )

    def energy(self, positions: ArrayLike) -> NoReturn:
        """Refused, too."""
        self.energy_forces(positions)
