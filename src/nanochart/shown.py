"""How results show themselves, by the shapes of their arrays, and how counts are said."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from typing import Any, TypeVar

import numpy as np

__all__ = ["counted", "few", "short_repr"]

Class = TypeVar("Class")

#: Characters of a field that are shown as they are.
_FEW = 60


def counted(number: float, noun: str) -> str:
    """A number with its noun, which takes an s unless there is one: "1 frame", "2 frames".

    What is no whole number has three digits, so that little is not nothing: "0.145 frames".
    """
    said = f"{number:.0f}" if number >= 100 else f"{number:.3g}"
    return f"{said} {noun}{'' if said == '1' else 's'}"


def few(words: Iterable[str], between: str = ", ") -> str:
    """Words of a file as a sentence may hold them: the first twelve, each of 40 characters at most.

    How many more there are is said.
    """
    all_of_them = list(words)
    shown = between.join(f"{word[:40]}…" if len(word) > 40 else word for word in all_of_them[:12])
    more = len(all_of_them) - 12
    return f"{shown} and {more} more" if more > 0 else shown


def short_repr(cls: type[Class]) -> type[Class]:
    """Give a dataclass a ``repr`` of one line, whatever its fields hold.

    An array is shown as its type and shape, as ``float64 (200, 8)``; another result by its name;
    what is long by its type and length.
    """
    cls.__repr__ = _repr  # type: ignore[method-assign]
    return cls


def _repr(self: Any) -> str:
    fields = [field.name for field in dataclasses.fields(self) if field.repr]
    shown = ", ".join(f"{name}={_value(getattr(self, name))}" for name in fields)
    return f"{type(self).__qualname__}({shown})"


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}" if value.ndim else _value(value.item())
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if dataclasses.is_dataclass(value):
        return f"{type(value).__qualname__}(...)"
    if isinstance(value, Mapping | Sequence | AbstractSet) and not isinstance(value, str | bytes):
        kinds = {type(item).__name__ for item in _items(value) if _is_large(item)}
        text = "" if kinds or len(value) > _FEW else repr(value)
        if text and len(text) <= _FEW:
            return text
        of = f" of {len(value)} {' or '.join(sorted(kinds))}" if kinds else f" of {len(value)}"
        return f"{type(value).__name__}{of}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _FEW else f"{text[: _FEW - 1]}…"


def _items(value: Any) -> list[Any]:
    """Some of what a collection holds, enough to say what it is of."""
    held = value.values() if isinstance(value, Mapping) else value
    return [item for item, _ in zip(held, range(_FEW), strict=False)]


def _is_large(item: Any) -> bool:
    return isinstance(item, np.ndarray) or dataclasses.is_dataclass(item)
