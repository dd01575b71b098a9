"""The distance to a reference in RDF space as a collective variable."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.cv.protocol import Place, Places, Record
from nanochart.shown import short_repr

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["RDFDistance"]

Floats = NDArray[np.float64]

_PREFIX = "distance:"


@short_repr
@dataclass(frozen=True, eq=False)
class RDFDistance:
    r"""Distance to a reference in RDF space, in Å\ :sup:`-1/2`.

    .. math:: d = \Big( \int [g(r) - g_0(r)]^2 dr \Big)^{1/2}

    Parameters
    ----------
    reference
        Reference g_0 in 1/Å, (bin,), on the grid of the model's RDF.
    label
        What the reference is, for names.
    """

    reference: Floats
    label: str = "reference"
    unit = "Å^-1/2"
    needs_model: ClassVar[bool] = True
    needs_energy: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name of the variable in files."""
        return f"distance_to_{self.label.replace('/', '')}"

    def kernel(self, nearest_neighbour: float) -> None:
        """None of its own: the RDF is that of the chart."""

    def place(self, model: "Model") -> Place:
        """Its reference.

        Raises
        ------
        ValueError
            If that is on another grid.
        """
        if np.shape(self.reference) != (model.n_bins,):
            raise ValueError(
                f"the reference of {self.name} must have the {model.n_bins} bins of the model's "
                f"RDF; got the shape {np.shape(self.reference)}"
            )
        return Place(reference=self.reference)

    def to_record(self) -> Record:
        """Label and reference."""
        facts = {"kind": type(self).__name__, "label": self.label}
        return Record(facts, np.asarray(self.reference))

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """That of a label and a reference."""
        if record.reference is None:
            raise KeyError(f"reference of {record.facts['label']}")
        return cls(record.reference, record.facts["label"])

    @classmethod
    def selected(cls, name: str, places: Places) -> Self | None:
        """The distance to the mean of a family, if the name is distance:FAMILY."""
        if not name.startswith(_PREFIX):
            return None
        family = name.removeprefix(_PREFIX)
        return cls(places.mean_rdf(family), family)

    @classmethod
    def names(cls) -> str:
        """Distance:FAMILY."""
        return f"{_PREFIX}FAMILY"
