"""Results that are made once of a run and kept with it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import nanochart
from nanochart.store import Run

__all__ = ["kept"]

T = TypeVar("T")

#: Counts up when numbers of equal input change, so that results of before count no more.
_VERSION = 2


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
    before = _whole(key())
    found: T | None = run.load_result(name, before, {each.__name__: each for each in types})
    if found is not None:
        return found
    made = compute()
    if _whole(key()) == before:
        run.save_result(name, made, before)
    return made


def _whole(key: Mapping[str, Any]) -> dict[str, Any]:
    """The key with the version of what computes: another one may have mended the numbers."""
    return {**key, "version": _VERSION, "nanochart": nanochart.__version__}
