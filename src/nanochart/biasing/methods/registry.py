"""The methods that there are: what is not in this table does not exist."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from nanochart.biasing.bias import Wall
from nanochart.biasing.methods.metadynamics import Metadynamics
from nanochart.biasing.methods.opes import OPES
from nanochart.biasing.methods.steered import Steered
from nanochart.biasing.methods.umbrella import Umbrella
from nanochart.biasing.methods.unbiased import Unbiased

__all__ = ["METHODS", "STATES", "method_facts", "method_of"]

#: By the name of their class, as they are stored.
METHODS: Final[Mapping[str, Any]] = {
    kind.__name__: kind for kind in (Metadynamics, OPES, Umbrella, Steered, Unbiased)
}
#: States by the name of their class, as checkpoints name them.
STATES: Final[Mapping[str, Any]] = {kind.State.__name__: kind.State for kind in METHODS.values()}


def method_facts(method: Any) -> dict[str, Any]:
    """A method's parameters as plain JSON values."""
    return {"kind": type(method).__name__, **_listed(asdict(method))}


def method_of(facts: Mapping[str, Any]) -> Any:
    """The method of `method_facts`."""
    values = {name: _tupled(value) for name, value in facts.items() if name != "kind"}
    values["walls"] = tuple(Wall(**wall) for wall in facts["walls"])
    return METHODS[facts["kind"]](**values)


def _listed(value: Any) -> Any:
    """Tuples as lists and numbers as Python's own, as JSON gives them back."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
