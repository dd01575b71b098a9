"""The state of a method, or of those of a ladder, as arrays and plain values, and back."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from nanochart.biasing.heated import HeatedState
from nanochart.biasing.methods import STATES

__all__ = ["pack_method", "unpack_method"]

Arrays = dict[str, np.ndarray]

#: Before the names of the arrays of a method's state.
_METHOD: Final = "method_"


def pack_method(state: Any) -> tuple[Arrays, dict[str, Any]]:
    """State of a method, or a `HeatedState`, as arrays and plain values for a checkpoint."""
    if not isinstance(state, HeatedState):
        return _packed(_METHOD, state), {"method": type(state).__name__}
    arrays: Arrays = {"rungs": state.rungs}
    for k, method in enumerate(state.methods):
        arrays |= _packed(f"rung{k}_{_METHOD}", method)
    return arrays, {"methods": [type(method).__name__ for method in state.methods]}


def unpack_method(arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> Any:
    """The state of `pack_method`; a KeyError names what is missing."""
    if "methods" not in info:
        return _unpacked(_METHOD, info["method"], arrays)
    methods = tuple(
        _unpacked(f"rung{k}_{_METHOD}", kind, arrays) for k, kind in enumerate(info["methods"])
    )
    return HeatedState(arrays["rungs"], methods)


def _packed(prefix: str, method: Any) -> Arrays:
    return {f"{prefix}{name}": np.asarray(value) for name, value in method._asdict().items()}


def _unpacked(prefix: str, kind: str, arrays: Mapping[str, np.ndarray]) -> Any:
    made: Any = STATES[kind]
    stored = {name: arrays[f"{prefix}{name}"] for name in made._fields}
    return made(**{name: a if a.ndim else float(a) for name, a in stored.items()})
