"""Variables and methods as plain JSON values, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing._bias import Wall
from nanochart.biasing._cv import (
    CV,
    ChartCoordinate,
    Coordination,
    PotentialEnergy,
    RDFDistance,
    SteinhardtQ6,
)
from nanochart.biasing._metadynamics import Metadynamics
from nanochart.biasing._opes import OPES
from nanochart.biasing._umbrella import Steered, Umbrella, Unbiased

__all__ = ["VERSION", "method_facts", "method_of", "variable_facts", "variable_of"]

#: Of the layout of a stored plan.
VERSION: Final = 2

_METHODS: Final = {
    kind.__name__: kind for kind in (Metadynamics, OPES, Umbrella, Steered, Unbiased)
}
_PLAIN: Final = {kind.__name__: kind for kind in (PotentialEnergy, Coordination, SteinhardtQ6)}


def variable_facts(variable: CV) -> dict[str, Any]:
    """What a variable is, but for the array of its reference."""
    facts: dict[str, Any] = {"kind": type(variable).__name__}
    if isinstance(variable, ChartCoordinate):
        facts["index"] = variable.index
    elif isinstance(variable, RDFDistance):
        facts["label"] = variable.label
    return facts


def variable_of(facts: Mapping[str, Any], reference: NDArray[Any] | None) -> CV:
    """The variable of `variable_facts`."""
    kind = facts["kind"]
    if kind == ChartCoordinate.__name__:
        return ChartCoordinate(facts["index"])
    if kind == RDFDistance.__name__:
        if reference is None:
            raise KeyError(f"reference of {facts['label']}")
        return RDFDistance(reference, facts["label"])
    variable: CV = _PLAIN[kind]()
    return variable


def method_facts(method: Any) -> dict[str, Any]:
    """A method's parameters."""
    return {"kind": type(method).__name__, **_listed(asdict(method))}


def method_of(facts: Mapping[str, Any]) -> Any:
    """The method of `method_facts`."""
    values = {name: _tupled(value) for name, value in facts.items() if name != "kind"}
    values["walls"] = tuple(Wall(**wall) for wall in facts["walls"])
    return _METHODS[facts["kind"]](**values)


def _listed(value: Any) -> Any:
    """Tuples as lists and numbers as Python's own, as JSON gives them back."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
