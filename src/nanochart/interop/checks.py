"""What the frames of a file have in common, and each must have."""

import math
from dataclasses import replace

import numpy as np
from ase.data import chemical_symbols

from nanochart.interop.frame import FrameError, RawFrame
from nanochart.interop.whole import Mending, compare_box, whole_cluster
from nanochart.metals import element as look_up_element
from nanochart.shown import few

__all__ = ["Checks", "check_species"]

#: Elements that no metal cluster is of: programs that have no element to name write those of the
#: numbers of their types (H, He) or another that stands for "some atom".
_NO_METALS = frozenset(
    "H He B C N O F Ne Si P S Cl Ar As Se Br Kr Te I Xe At Rn".split()  # noqa: SIM905
)


class Checks:
    """What the frames of a file have in common, and each must have."""

    def __init__(self, element: str | None, n_atoms: int | None, mending: Mending) -> None:
        if n_atoms is not None and n_atoms < 2:
            raise ValueError(f"n_atoms must be at least 2; got {n_atoms}")
        self.element = element or ""
        self._given = element
        self._wanted = n_atoms
        self._size = n_atoms
        self._mending = mending
        self._ids: np.ndarray | None = None
        self._box_compared = False

    def taken(self, raw: RawFrame, what: str) -> RawFrame | None:
        """Return the frame if it can be used, None if it is not of the size that is wanted."""
        fixed_size = not self._mending.largest_fragment
        if fixed_size and self._wanted not in {None, len(raw.positions)}:
            return None
        symbol = check_species(raw, self._given, what)
        if self.element not in {"", symbol}:
            raise FrameError(f"{what} must be of the element {self.element}; got {symbol}")
        if fixed_size and self._size not in {None, len(raw.positions)}:
            raise self._other_size(raw, what)
        _check_numbers(raw, what)
        if self._mending.unwrap and self._mending.cell is not None and not self._box_compared:
            self._box_compared = compare_box(raw, symbol, self._mending, what)
        frame = whole_cluster(raw, symbol, self._mending, what)
        if len(frame.positions) != (self._size or len(frame.positions)):
            if self._wanted is not None:
                return None
            raise self._other_size(frame, what)
        ids = np.zeros(0) if raw.ids is None else raw.ids
        if fixed_size and self._ids is not None and not np.array_equal(ids, self._ids):
            raise FrameError(
                f"{what} must have the ids of the atoms of the frames before it: without them its "
                "atoms are not the same"
            )
        self.element, self._size, self._ids = symbol, len(frame.positions), ids
        return replace(frame, temperature=frame.temperature or np.nan)

    def _other_size(self, raw: RawFrame, what: str) -> FrameError:
        return FrameError(
            f"{what} must have {self._size} atoms as the frames before it; got "
            f"{len(raw.positions)}: import with --n-atoms to take the frames of one size"
        )


def check_species(raw: RawFrame, element: str | None, what: str) -> str:
    """Return the element of a frame, which must be the one that is given."""
    named = sorted(raw.species)
    known = [name for name in named if name in chemical_symbols[1:]]
    if element is None:
        if len(named) > 1:
            raise FrameError(
                f"{what} must be of one element; got {few(named)}: nanochart handles "
                "clusters of a single metal (if these only stand for it, name it: --element Au)"
            )
        if not named or named[0].isdigit():
            raise FrameError(
                f"{what} does not say of which element it is: name it (element='Au'; on the "
                "command line --element Au)"
            )
        if named[0] in _NO_METALS:
            raise FrameError(
                f"{what} must be of a metal; got {few(named[:1])}: if that only stands for it, "
                "name the metal (--element Au)"
            )
        try:
            return look_up_element(named[0]).symbol
        except ValueError as error:
            raise FrameError(
                f"{what}: {error}: if that only stands for a metal, name it (--element Au)"
            ) from None
    others = [name for name in known if name != element]
    if element in named and others:
        raise FrameError(f"{what} must be of the element {element} alone; got {few(named)}")
    if metals := [name for name in others if name not in _NO_METALS]:
        raise FrameError(f"{what} must be of the element {element}; got {few(metals)}")
    return element


def _check_numbers(raw: RawFrame, what: str) -> None:
    """Refuse what no frame can state."""
    if math.isinf(raw.energy):
        raise FrameError(f"{what} must have a finite energy; got {raw.energy:g} eV")
    if raw.temperature < 0.0 or math.isinf(raw.temperature):
        raise FrameError(
            f"{what} must have a temperature of 0 K or above; got {raw.temperature:g} K"
        )
