"""What is simulated: the species of the atoms, their masses, and the potential between them."""

from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.shown import short_repr

if TYPE_CHECKING:
    from nanochart.potentials import Potential

__all__ = ["System"]

Pair = tuple[str, str]


@short_repr
@dataclass(frozen=True, eq=False)
class System:
    """A cluster as a physical system; a pure metal is the case of one species.

    Parameters
    ----------
    species
        Chemical symbol of each atom.
    masses
        (atom,) in amu; read-only.
    potential
        Forces between the atoms.

    Raises
    ------
    ValueError
        If masses and species differ in number, a mass is not positive, or the potential lacks a
        species.

    Examples
    --------
    >>> import nanochart as nc
    >>> system = nc.system.System.pure(nc.potentials.gupta("Au"), 147)
    >>> system.formula, system.nearest_neighbour()
    ('Au147', 2.88)
    """

    species: tuple[str, ...]
    masses: NDArray[np.float64]
    potential: "Potential"
    _distances: dict[Pair, float] = field(init=False, repr=False)

    def __init__(
        self, species: tuple[str, ...] | list[str], masses: ArrayLike, potential: "Potential"
    ) -> None:
        symbols = tuple(species)
        values = np.array(masses, dtype=np.float64)
        if values.shape != (len(symbols),) or not symbols:
            raise ValueError(
                f"a system must have one mass (amu) for each of its atoms, of which there must be "
                f"at least one; got {len(symbols)} species and masses of shape {values.shape}"
            )
        if not (np.isfinite(values).all() and (values > 0.0).all()):
            raise ValueError(f"the masses of a system (amu) must be above 0; got {values.min():g}")
        if unknown := sorted(set(symbols) - {potential.symbol}):
            raise ValueError(
                f"the potential of a system must know all of its species; {potential.name} does "
                f"not know {', '.join(unknown)}"
            )
        values.setflags(write=False)
        object.__setattr__(self, "species", symbols)
        object.__setattr__(self, "masses", values)
        object.__setattr__(self, "potential", potential)
        object.__setattr__(self, "_distances", _distances(self.elements, potential))

    @classmethod
    def pure(cls, potential: "Potential", n_atoms: int) -> "System":
        """The system of ``n_atoms`` atoms of a potential's one metal."""
        return cls((potential.symbol,) * n_atoms, np.full(n_atoms, potential.mass), potential)

    def __len__(self) -> int:
        return len(self.species)

    @property
    def elements(self) -> tuple[str, ...]:
        """Its different species, in the order of their first atoms."""
        return tuple(dict.fromkeys(self.species))

    @property
    def formula(self) -> str:
        """Composition, as "Au147"."""
        return "".join(f"{symbol}{self.species.count(symbol)}" for symbol in self.elements)

    def nearest_neighbour(self, first: str | None = None, second: str | None = None) -> float:
        """Nearest-neighbour distance of the bulk in Å, of a pair of species.

        That of nanochart's table of metals, which does not depend on the potential; of a metal
        that is not in it, that of the potential's crystal; of unlike species, the mean of the two.

        Parameters
        ----------
        first, second
            Species of the pair. ``second`` is ``first`` unless it is given; without either the
            system must be of one species.

        Raises
        ------
        ValueError
            If a species is not of the system, or none is named where there are several.
        """
        if first is None and len(self.elements) > 1:
            raise ValueError(
                f"a pair of species must be named for a distance in {self.formula}; its species "
                f"are {', '.join(self.elements)}"
            )
        a = self.elements[0] if first is None else first
        pair = _pair(a, a if second is None else second)
        if pair not in self._distances:
            raise ValueError(
                f"the species of a distance must be of {', '.join(self.elements)}, those of "
                f"{self.formula}; got {' and '.join(pair)}"
            )
        return self._distances[pair]

    def __reduce__(self) -> tuple[Any, ...]:
        return System, (self.species, np.array(self.masses), self.potential)


def _pair(a: str, b: str) -> Pair:
    return (a, b) if a <= b else (b, a)


def _distances(elements: tuple[str, ...], potential: "Potential") -> dict[Pair, float]:
    own = {
        symbol: NEAREST_NEIGHBOUR.get(symbol, potential.nearest_neighbour) for symbol in elements
    }
    pairs = combinations_with_replacement(elements, 2)
    return {_pair(a, b): 0.5 * (own[a] + own[b]) for a, b in pairs}
