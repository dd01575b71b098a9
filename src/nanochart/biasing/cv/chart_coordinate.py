"""A coordinate of the chart as a collective variable; `nanochart.compiled_chart` computes it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from nanochart.biasing.cv.protocol import Place, Places, Record

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["ChartCoordinate"]


@dataclass(frozen=True)
class ChartCoordinate:
    """Coordinate s_k of the chart of a model, k = ``index`` from 0; dimensionless."""

    index: int
    unit = "1"
    needs_model: ClassVar[bool] = True
    needs_energy: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name of the coordinate in files: s1 is the first."""
        return f"s{self.index + 1}"

    def kernel(self, nearest_neighbour: float) -> None:
        """None of its own."""

    def place(self, model: "Model") -> Place:
        """Its coordinate.

        Raises
        ------
        ValueError
            If the chart has no such coordinate.
        """
        if not 0 <= self.index < model.bottleneck:
            raise ValueError(
                f"the chart has the coordinates s1 to s{model.bottleneck}; got {self.name}"
            )
        return Place(index=self.index)

    def to_record(self) -> Record:
        """Its index."""
        return Record({"kind": type(self).__name__, "index": self.index})

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """That of an index."""
        return cls(record.facts["index"])

    @classmethod
    def selected(cls, name: str, places: Places) -> Self | None:
        """The coordinate, if the name is s1, s2, ..."""
        del places
        if name[:1] == "s" and name[1:].isdigit() and int(name[1:]) >= 1:
            return cls(int(name[1:]) - 1)
        return None

    @classmethod
    def names(cls) -> str:
        """S1, s2, ..."""
        return "s1, s2, ... (the chart)"
