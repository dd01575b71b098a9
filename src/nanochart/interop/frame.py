"""One configuration as a file gives it, before it is known to be a free cluster."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanochart.shown import short_repr

__all__ = ["FrameError", "RawFrame", "number", "step_number"]


class FrameError(ValueError):
    """One frame of a file cannot be used; others may. The sentence begins with its number."""


@short_repr
@dataclass(frozen=True)
class RawFrame:
    """A configuration read from a file.

    Attributes
    ----------
    positions
        In ``unit``, (atom, 3).
    species
        What the atoms are called; empty where the file does not say.
    cell
        Cell vectors in rows, in ``unit``, (3, 3); zeros where there is none.
    periodic
        Whether the cell repeats along each vector.
    energy
        Potential energy in eV, NaN where the file does not say.
    temperature
        K, NaN where the file does not say.
    step
        Number of the molecular dynamics step, -1 where the file does not say.
    unit
        Unit of length that the file states, "" where it states none.
    ids
        Numbers that identify the atoms, rising, (atom,); None where the file has none.
    """

    positions: np.ndarray
    species: frozenset[str]
    cell: np.ndarray
    periodic: tuple[bool, bool, bool]
    energy: float = math.nan
    temperature: float = math.nan
    step: int = -1
    unit: str = ""
    ids: np.ndarray | None = None


def number(value: Any, default: float) -> float:
    """Return a number that a frame states, ``default`` if there is none or something else.

    A bare word in a comment line is read as True by ASE, and is no number.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return default
    try:
        return float(value)
    except (TypeError, ValueError):
        return default
    except OverflowError:
        return math.inf


def step_number(value: float, what: str) -> int:
    """Return the number of a step that a frame states.

    Raises
    ------
    FrameError
        If it is not a whole number that 64 bits hold.
    """
    if not -(2.0**63) <= value < 2.0**63 or value != int(value):
        raise FrameError(f"{what} must have a whole number as its step; got {value:g}")
    return int(value)
