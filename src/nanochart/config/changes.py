"""What differs between two configurations, as data; the sentence comes last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Change", "changes", "changes_sentence"]


@dataclass(frozen=True)
class Change:
    """A field that differs: its ``path``, as ("tempering", "discard"), what it was and is now."""

    path: tuple[str, ...]
    was: Any
    now: Any

    def within(self, *path: str) -> bool:
        """Whether the field is the one at a path, or below it."""
        return self.path[: len(path)] == path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} was {self.was}, is {self.now}"


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """Each field that differs between two configurations, sections one by one.

    A field that one of them lacks is None there; lists are compared as a whole.
    """
    found: list[Change] = []
    for key in {**was, **now}:
        a, b = was.get(key), now.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += [Change((key, *c.path), c.was, c.now) for c in changes(a, b)]
        elif a != b:
            found.append(Change((key,), a, b))
    return tuple(found)


def changes_sentence(found: Iterable[Change]) -> str:
    """Changes for the eye, as "seed was 1, is 2; dynamics.time_step was 5.0, is 2.5"."""
    return "; ".join(map(str, found))
