"""What variables share that need no model."""

from typing import TYPE_CHECKING, ClassVar, Self

from nanochart.biasing.cv.protocol import Places, Record

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["APART", "BONDED", "PlainVariable"]

#: Ends of the smooth cut-off of a bond in nearest-neighbour distances: second neighbours of a
#: close-packed structure are at 1.41.
BONDED, APART = 1.15, 1.40


class PlainVariable:
    """A variable without parameters, which a configuration calls by its name."""

    needs_model: ClassVar[bool] = False
    name: ClassVar[str]
    unit: ClassVar[str]

    def place(self, model: "Model") -> None:
        """Nowhere."""

    def to_record(self) -> Record:
        """Its kind."""
        return Record({"kind": type(self).__name__})

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The only one of its kind."""
        del record
        return cls()

    @classmethod
    def selected(cls, name: str, places: Places) -> Self | None:
        """The variable, if it is called by its name."""
        del places
        return cls() if name == cls.name else None

    @classmethod
    def names(cls) -> str | None:
        """Its name."""
        return cls.name
