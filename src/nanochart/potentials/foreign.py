"""Potentials of other programs: an ASE calculator, and one whose run does not hold it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConfigError, PotentialError
from nanochart.metals import NEAREST_NEIGHBOUR, element
from nanochart.potentials.lammps_input import LammpsInput
from nanochart.potentials.potential import check_positions
from nanochart.potentials.protocol import energies_and_forces
from nanochart.potentials.recipe import CalculatorRecipe

__all__ = ["CalculatorPotential", "NotAtHand", "ase", "called"]

Floats = NDArray[np.float64]

#: The method of a calculator that evaluates many frames at once.
_BATCH: Final = "energies_forces_batch"
#: How far a batch may be from frame by frame, in eV and eV/Å, as shares of one: single precision.
_SAME: Final = 1e-3


@dataclass(frozen=True, eq=False)
class CalculatorPotential:
    """Energies and forces of an ASE calculator; made by `ase`.

    One thread at a time. Frames are computed one after another, or all at once where the calculator
    has a method ``energies_forces_batch(numbers, positions)``, given atomic numbers (atom,) and
    positions (frame, atom, 3) in Å: it returns energies (frame,) in eV and forces
    (frame, atom, 3) in eV/Å.

    Attributes
    ----------
    name, symbol, mass, nearest_neighbour
        As of every potential.
    calculator
        That of ASE.
    vacuum
        Width in Å of the vacuum around each cluster in a periodic box; None is no box.
    recipe
        How a user's file names or makes the calculator; None of one that was handed over from
        Python.
    """

    name: str
    symbol: str
    mass: float
    nearest_neighbour: float
    calculator: Any
    vacuum: float | None = None
    recipe: CalculatorRecipe | LammpsInput | None = None
    _lock: Any = field(init=False, repr=False, default_factory=threading.Lock)

    @property
    def batched(self) -> bool:
        """Whether the calculator evaluates many frames at once."""
        return callable(getattr(self.calculator, _BATCH, None))

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (...) in eV and forces (..., atom, 3) in eV/Å of positions (..., atom, 3) in Å.

        Raises
        ------
        ValueError
            If the calculator has no energies or forces.
        PotentialError
            If it fails.
        """
        x = check_positions(positions)
        frames = x.reshape(-1, *x.shape[-2:])
        with self._lock:
            try:
                found = self._at_once(frames) if self.batched else self._in_turn(frames)
            except NotImplementedError as error:  # ASE's own is one, too
                raise ValueError(
                    f"the calculator {self.name} must give energies and forces; it lacks one "
                    f"of them ({error}): molecular dynamics needs both"
                ) from error
            except Exception as error:
                raise PotentialError(
                    f"the calculator {self.name} failed ({type(error).__name__}: {error!s:.300})"
                    + _without_box(self.vacuum, error)
                ) from error
        energies, forces = found
        return energies.reshape(x.shape[:-2])[()], forces.reshape(x.shape)

    def _in_turn(self, frames: Floats) -> tuple[Floats, Floats]:
        from ase import Atoms

        energies, forces = np.empty(len(frames)), np.empty_like(frames)
        for k, frame in enumerate(frames):
            atoms = Atoms([self.symbol] * len(frame), positions=frame)
            if self.vacuum is not None:
                atoms.center(vacuum=0.5 * self.vacuum)
                atoms.pbc = True
            atoms.calc = self.calculator
            energies[k], forces[k] = atoms.get_potential_energy(), atoms.get_forces()
        return energies, forces

    def _at_once(self, frames: Floats) -> tuple[Floats, Floats]:
        numbers = np.full(frames.shape[1], element(self.symbol).atomic_number)
        found = getattr(self.calculator, _BATCH)(numbers, frames.copy())
        energies, forces = (np.asarray(part, dtype=np.float64) for part in found)
        return energies, forces

    def check_batch(self, positions: Floats) -> None:
        """Refuse a calculator whose batch of positions (frame, atom, 3) is not frame by frame.

        Raises
        ------
        ValueError
            Says by how much they differ.
        """
        if not self.batched:
            return
        together = energies_and_forces(self, positions)
        with self._lock:
            apart = self._in_turn(positions)
        for a, b, what in zip(together, apart, ("energies", "forces"), strict=True):
            off = float(np.abs(a - b).max())
            if not off <= _SAME * (1.0 + float(np.abs(b).max())):
                raise ValueError(
                    f"{_BATCH} of the calculator {self.name} must give the numbers of single "
                    f"frames; its {what} differ by {off:.3g} from those"
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return CalculatorPotential, (
            self.name, self.symbol, self.mass, self.nearest_neighbour, self.calculator,
            self.vacuum, self.recipe,
        )  # fmt: skip


def _without_box(vacuum: float | None, error: Exception) -> str:
    """What to do where a calculator may have missed a box."""
    words = str(error).lower()
    missed = vacuum is None and any(w in words for w in ("cell", "lattice", "singular", "pbc"))
    return ": if it needs a periodic box, give vacuum (Å)" if missed else ""


def ase(
    calculator: Any,
    symbol: str,
    nearest_neighbour: float | None = None,
    *,
    name: str | None = None,
    mass: float | None = None,
    vacuum: float | None = None,
    recipe: CalculatorRecipe | LammpsInput | None = None,
) -> CalculatorPotential:
    """An ASE calculator as a potential, for dynamics, quenches, searches and biased runs.

    Parameters
    ----------
    calculator
        Any calculator with energies and forces; see `CalculatorPotential` for batches.
    symbol
        Element of the clusters.
    nearest_neighbour
        Nearest-neighbour distance of the bulk in Å; None is that of nanochart's table of metals.
    name
        What runs keep of it; None is the name of its class.
    mass
        In amu; None is that of the element.
    vacuum
        Of a calculator that knows periodic cells alone: width in Å of the vacuum between images of
        the cluster, wider than its range. None hands over free clusters without a cell.
    recipe
        How a user's file named it, which the run then records.

    Raises
    ------
    ValueError
        If the calculator has no energies or forces, a batch differs from single frames, or a
        distance is needed and not given.
    TypeError
        If it is no calculator.
    PotentialError
        If it fails at a cluster of three atoms.

    Examples
    --------
    >>> import nanochart as nc
    >>> from ase.calculators.emt import EMT
    >>> emt = nc.potentials.ase(EMT(), "Au")
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
    if vacuum is not None and not (np.isfinite(vacuum) and vacuum > 0):
        raise ValueError(f"the vacuum of a box must be above 0 Å; got {vacuum!r}")
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
        vacuum,
        recipe,
    )
    triangle = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.8, 0.2]]) * distance
    energies_and_forces(potential, triangle)
    potential.check_batch(np.stack([triangle, 1.05 * triangle]))
    return potential


def called(
    recipe: CalculatorRecipe,
    symbol: str,
    nearest_neighbour: float | None = None,
    vacuum: float | None = None,
) -> CalculatorPotential:
    """The potential of a calculator that a user's own file names; imports and calls that code.

    Parameters
    ----------
    recipe
        What the user wrote; never what a stored run says.
    symbol, nearest_neighbour, vacuum
        As of `ase`, whose errors are raised.

    Raises
    ------
    ConfigError
        If it cannot be imported or made.
    """
    calculator = recipe.call()
    name = recipe.ase.rpartition(":")[2]
    try:
        return ase(calculator, symbol, nearest_neighbour, name=name, vacuum=vacuum, recipe=recipe)
    except TypeError as error:
        raise ConfigError(f"{recipe.ase} must give an ASE calculator: {error}") from None


@dataclass(frozen=True)
class NotAtHand:
    """The potential of a run that holds its name alone: all that needs forces is refused.

    ``recipe`` is what the run records of the code that it was made with, which is never called.
    """

    name: str
    symbol: str
    mass: float
    nearest_neighbour: float
    recipe: Mapping[str, Any] | None = None

    def energy_forces(self, positions: ArrayLike) -> NoReturn:
        """Refused.

        Raises
        ------
        ConfigError
            Says what to hand over.
        """
        del positions
        if self.recipe is not None:
            code = self.recipe.get("ase", "an input of LAMMPS")
            raise ConfigError(
                f"the potential {self.name} is code of another program, {code!s:.80}, which is "
                "not called because a run names it: hand over the file that you wrote, with "
                "--potential CONFIG, or as potential=... from Python"
            )
        raise ConfigError(
            f"the potential {self.name} is not one of nanochart's own, and a run keeps its name "
            "alone: hand it over again from Python, as potential=..."
        )

    def energy(self, positions: ArrayLike) -> NoReturn:
        """Refused, too."""
        self.energy_forces(positions)
