"""How Numba compiles the loops of the package: the keywords of ``njit``, by kind of loop.

All release the interpreter lock, are kept on disk and divide as IEEE 754 does, without raising.
Numba does not look here when it asks whether what it kept is up to date: after a change of these,
remove the folders ``__pycache__``.
"""

from typing import Any, Final

from nanochart.compiled.cache import guard_cache

__all__ = ["CALLED", "EXACT", "FAST", "FUSED", "INLINE", "REORDERED"]

guard_cache()

_PLAIN: Final = {"nogil": True, "error_model": "numpy"}

#: Each operation is rounded by itself: what counts, sorts and decides.
EXACT: Final[dict[str, Any]] = {**_PLAIN, "cache": True}
#: A product and a sum may be one operation.
FUSED: Final[dict[str, Any]] = {**EXACT, "fastmath": {"contract"}}
#: Besides, the sign of zero has no meaning, and a division may be by a reciprocal: loops of forces.
FAST: Final[dict[str, Any]] = {**EXACT, "fastmath": {"contract", "nsz", "arcp"}}
#: Sums in any order, so that they are as many as a vector has lanes.
REORDERED: Final[dict[str, Any]] = {**EXACT, "fastmath": {"contract", "nsz", "reassoc"}}
#: Compiled as part of the loop that calls it, with the options of that.
INLINE: Final[dict[str, Any]] = {**_PLAIN, "inline": "always"}
#: Called by its address; whether it is kept on disk is decided for each.
CALLED: Final[dict[str, Any]] = {"error_model": "numpy", "fastmath": {"contract"}}
