"""The collective variables that there are: what is not in this table does not exist."""

from collections.abc import Mapping
from typing import Any, Final

from nanochart.biasing.cv.chart_coordinate import ChartCoordinate
from nanochart.biasing.cv.coordination import Coordination
from nanochart.biasing.cv.function import FunctionCV
from nanochart.biasing.cv.potential_energy import PotentialEnergy
from nanochart.biasing.cv.protocol import CV, Places, Record
from nanochart.biasing.cv.rdf_distance import RDFDistance
from nanochart.biasing.cv.steinhardt_q6 import SteinhardtQ6

__all__ = ["VARIABLES", "select", "variable_of", "variable_words"]

#: By the name of their class, as they are stored.
VARIABLES: Final[Mapping[str, Any]] = {
    kind.__name__: kind
    for kind in (
        ChartCoordinate, PotentialEnergy, Coordination, SteinhardtQ6, RDFDistance, FunctionCV,
    )
}  # fmt: skip


def select(name: str, places: Places) -> CV | None:
    """The variable that a configuration calls by a name; None if there is none."""
    for kind in VARIABLES.values():
        found: CV | None = kind.selected(name, places)
        if found is not None:
            return found
    return None


def variable_words() -> str:
    """What a configuration may call a variable, in words."""
    words = [kind.names() for kind in VARIABLES.values()]
    *most, last = sorted((w for w in words if w), key=lambda w: ":" in w)
    return f"{', '.join(most)} or {last}"


def variable_of(record: Record) -> CV:
    """The variable of a record.

    Raises
    ------
    KeyError
        If it is of a kind that this version does not know.
    """
    found: CV = VARIABLES[record.facts["kind"]].from_record(record)
    return found
