"""Results that are made once of a run and kept with it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import nanochart
from nanochart.store import Run

__all__ = ["keep", "kept", "look_up"]

T = TypeVar("T")

#: Counts up when numbers of equal input change, so that results of before count no more.
_VERSION = 7


def kept(
    run: Run,
    name: str,
    key: Callable[[], Mapping[str, Any]],
    types: tuple[type, ...],
    compute: Callable[[], T],
) -> T:
    """The result of this name and key, from the run or computed, and then kept with it.

    Parameters
    ----------
    run
        Where it is looked for and kept; one opened for reading keeps nothing.
    name
        Of the result.
    key
        What it depends on, as it is now. It is asked again after the computing: what was made while
        another process changed the run is not kept.
    types
        Dataclasses that the result is made of.
    compute
        Makes it.
    """
    before = key()
    found: T | None = look_up(run, name, before, *types)
    if found is not None:
        return found
    made = compute()
    if key() == before:
        keep(run, name, before, made)
    return made


def keep(run: Run, name: str, key: Mapping[str, Any], result: object) -> None:
    """Keep a result with the run that `look_up` finds by the same name and key."""
    run.save_result(name, result, _whole(key))


def look_up(run: Run, name: str, key: Mapping[str, Any], *types: type) -> Any:
    """The result of this name and key, made of dataclasses of these types; None if none is."""
    return run.load_result(name, _whole(key), {each.__name__: each for each in types})


def _whole(key: Mapping[str, Any]) -> dict[str, Any]:
    """The key with the version of what computes: another one may have mended the numbers."""
    return {**key, "version": _VERSION, "nanochart": nanochart.__version__}
