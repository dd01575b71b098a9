"""What a collective variable is, and what it may ask of the run that a bias is begun from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.cv.by_address import Kernel
from nanochart.shown import short_repr

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["CV", "Place", "Places", "Record"]

Floats = NDArray[np.float64]


class Places(Protocol):
    """The run that a biased run is begun from, as far as a variable may look into it."""

    def mean_rdf(self, family: str) -> Floats:
        """Mean RDF (bin,) of the thermal frames of a family, on the grid of the model."""
        ...


@short_repr
@dataclass(frozen=True, eq=False)
class Place:
    """Where a variable stands in a model: a coordinate of its chart, or a reference in RDF space.

    ``index`` is that of a coordinate, or None; ``reference`` (bin,), or None.
    """

    index: int | None = None
    reference: Floats | None = None


@short_repr
@dataclass(frozen=True, eq=False)
class Record:
    """A variable as it is stored: plain JSON values, and an array where it has one."""

    facts: dict[str, Any]
    reference: NDArray[Any] | None = None


@runtime_checkable
class CV(Protocol):
    """A collective variable s(x), a frozen dataclass in a file of its own.

    Attributes
    ----------
    name, unit
        As in files.
    needs_model
        Whether it is one of a model's chart or RDF; then `place` says which, else `kernel` how it
        is computed.

    One that is not computed of the potential's energy and forces may say so, by a class attribute
    ``needs_energy = False``, which spares a costly potential.
    """

    needs_model: ClassVar[bool]

    @property
    def name(self) -> str:
        """As in files."""
        ...

    @property
    def unit(self) -> str:
        """In words, "1" without one."""
        ...

    def kernel(self, nearest_neighbour: float) -> Kernel | None:
        """How it is computed, given the metal's nearest-neighbour distance in Å; or None."""
        ...

    def place(self, model: "Model") -> Place | None:
        """Where it stands in a model; None of a variable that needs none."""
        ...

    def to_record(self) -> Record:
        """What is stored of it."""
        ...

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The variable of a record."""
        ...

    @classmethod
    def selected(cls, name: str, places: Places) -> Self | None:
        """The variable that a configuration means by a name; None if it means another."""
        ...

    @classmethod
    def names(cls) -> str | None:
        """What to write in a configuration, in words; None if it cannot be named there."""
        ...
