"""Frozen dataclasses of numbers as a JSON tree and arrays, and back, bit for bit; never pickle.

A dataclass is written as its name with its fields, and read back as the class that the caller
names so: a file can make nothing else.
"""

import dataclasses
import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["decode", "encode"]

#: Kinds of arrays: truth values, integers, real and complex numbers, text.
_KINDS = "biufcSU"


def encode(value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A JSON tree, and the arrays that it names.

    Parameters
    ----------
    value
        None, a truth value, number, text or path; an array or scalar of NumPy; a tuple, list,
        mapping or dataclass of such values.

    Raises
    ------
    TypeError
        If something else is in it.
    """
    arrays: dict[str, np.ndarray] = {}
    return _encoded(value, arrays), arrays


def decode(tree: Any, arrays: Mapping[str, np.ndarray], types: Mapping[str, type]) -> Any:
    """The value of a tree that `encode` gave.

    Parameters
    ----------
    tree, arrays
        As from `encode`.
    types
        Name -> dataclass that may be in it.

    Raises
    ------
    ValueError
        If the tree is none of `encode`, or has other types or fields.
    """
    try:
        return _decoded(tree, arrays, types)
    except (KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ValueError(f"it holds something else than was asked for ({error})") from error


def _encoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _named(value, arrays)
    if isinstance(value, float):  # JSON has no words for what is not finite: its bits
        return value if math.isfinite(value) else {"float": struct.pack(">d", value).hex()}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_encoded(part, arrays) for part in value]}
    return _encoded_fields(value, arrays)


def _named(value: Any, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    array = np.asarray(value)
    if array.dtype.kind not in _KINDS:
        raise TypeError(f"arrays of a result must hold numbers or text; got {array.dtype}")
    name = f"a{len(arrays)}"
    arrays[name] = array
    return {"array" if isinstance(value, np.ndarray) else "scalar": name}


def _encoded_fields(value: Any, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        pairs = [[_encoded(k, arrays), _encoded(v, arrays)] for k, v in value.items()]
        return {"dict": pairs}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f.name for f in dataclasses.fields(value) if f.init]
        about = {name: _encoded(getattr(value, name), arrays) for name in fields}
        return {"type": type(value).__name__, "fields": about}
    raise TypeError(
        "a result must be made of numbers, text, arrays and dataclasses; "
        f"got {type(value).__name__}"
    )


def _decoded(tree: Any, arrays: Mapping[str, np.ndarray], types: Mapping[str, type]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "type" in tree:
        fields = {k: _decoded(v, arrays, types) for k, v in tree["fields"].items()}
        return types[tree["type"]](**fields)
    ((kind, held),) = tree.items()
    if kind in _LEAVES:
        return _LEAVES[kind](held, arrays)
    return _BRANCHES[kind](held, lambda part: _decoded(part, arrays, types))


#: Kind of a value -> how it is read from what the tree holds of it.
_LEAVES: Mapping[str, Callable[[Any, Mapping[str, np.ndarray]], Any]] = {
    "array": lambda name, arrays: arrays[name],
    "scalar": lambda name, arrays: arrays[name][()],
    "float": lambda bits, _: struct.unpack(">d", bytes.fromhex(bits))[0],
    "path": lambda text, _: Path(text),
}
_BRANCHES: Mapping[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "tuple": lambda parts, read: tuple(map(read, parts)),
    "list": lambda parts, read: list(map(read, parts)),
    "dict": lambda pairs, read: {read(k): read(v) for k, v in pairs},
}
