"""What a search has found: distinct minima by rising energy, each with its visits."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanochart.landscape import ENERGY_TOLERANCE, SHAPE_TOLERANCE
from nanochart.shown import short_repr

__all__ = ["Catalogue"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@short_repr
@dataclass(frozen=True)
class Catalogue:
    """The lowest distinct minima of all walkers.

    Attributes
    ----------
    energies
        (minimum,) in eV, rising.
    radii
        (minimum, 3) principal radii of gyration in Å. Two minima are one if energy and radii are
        equal, by the tolerances of `nanochart.landscape`.
    visits
        (minimum,), how often a walker came there.
    first
        (minimum,), after how many quenches it was found.
    positions
        Of each minimum (atom, 3) in Å.
    """

    energies: Floats
    radii: Floats
    visits: Ints
    first: Ints
    positions: tuple[Floats, ...]

    @classmethod
    def empty(cls) -> "Catalogue":
        """Make one of no minima."""
        none = np.zeros(0, dtype=np.int64)
        return cls(np.zeros(0), np.zeros((0, 3)), none, none, ())

    def __len__(self) -> int:
        return len(self.energies)

    def find(self, energy: float, radii: Floats) -> int:
        """Number of the minimum of this energy and shape; -1 if it is not known."""
        near = slice(
            int(np.searchsorted(self.energies, energy - ENERGY_TOLERANCE)),
            int(np.searchsorted(self.energies, energy + ENERGY_TOLERANCE, side="right")),
        )
        if near.start == near.stop:
            return -1
        same = (np.abs(self.radii[near] - radii) <= SHAPE_TOLERANCE).all(axis=1)
        return near.start + int(np.argmax(same)) if same.any() else -1

    def times(self, energy: float, radii: Floats) -> int:
        """How often walkers came to a minimum."""
        place = self.find(energy, radii)
        return int(self.visits[place]) if place >= 0 else 0

    def visited(self, energy: float, radii: Floats) -> "Catalogue":
        """Count one visit of a minimum, if it is known."""
        place = self.find(energy, radii)
        if place < 0:
            return self
        visits = self.visits.copy()
        visits[place] += 1
        return replace(self, visits=visits)

    def with_minimum(
        self, energy: float, radii: Floats, positions: Floats, number: int, room: int
    ) -> "Catalogue":
        """Add a minimum that is not known, found by quench ``number``; the lowest ``room`` stay."""
        if len(self) >= room and energy >= self.energies[-1]:
            return self
        k = int(np.searchsorted(self.energies, energy))
        kept = (*self.positions[:k], positions, *self.positions[k:])
        return Catalogue(
            np.insert(self.energies, k, energy)[:room],
            np.insert(self.radii, k, radii, axis=0)[:room],
            np.insert(self.visits, k, 0)[:room],
            np.insert(self.first, k, number)[:room],
            kept[:room],
        )
