"""Tables of ``eam/alloy`` and ``eam/fs`` (setfl): F(ρ), f(r) and z(r) = r φ(r) on uniform grids."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from nanochart.potentials.smoothness import odd_value
from nanochart.shown import few, short_repr

__all__ = ["Setfl", "read_setfl"]

Floats = NDArray[np.float64]

_REMEDY = "give a table for LAMMPS's pair_style eam/alloy or eam/fs"
#: Values of one function, and characters of a line, beyond which a file is no table.
_MOST_VALUES = 1_000_000
_LONGEST_LINE = 1_000_000
#: Tables state up to 1e13 where atoms lie on each other; more is a damaged exponent.
_LARGEST_VALUE = 1e15


@short_repr
@dataclass(frozen=True)
class Setfl:
    """One element of a table. Lengths in Å, energies in eV, density in the file's unit."""

    symbol: str
    mass: float
    lattice_constant: float
    lattice: str
    d_rho: float
    d_r: float
    cutoff: float
    embedding: Floats  # (n_rho,) F
    density: Floats  # (n_r,) f
    r_phi: Floats  # (n_r,) r φ


class _TableError(ValueError):
    """What is wrong with a table, without its path."""


class _Lines:
    """The lines of a file as LAMMPS sees them: without comments and blank ones, numbered."""

    def __init__(self, file: TextIO) -> None:
        self.number = 0
        self._file = file

    def skip(self, count: int) -> None:
        """Pass over lines, whatever they hold."""
        for _ in range(count):
            self._read()

    def words(self) -> list[str]:
        """Words of the next line that has any; none at the end of the file."""
        while line := self._read():
            if words := line.partition("#")[0].split():
                return words
        return []

    def _read(self) -> str:
        self.number += 1
        line = self._file.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise self._error(f"the line must not be that long; {_REMEDY}")
        return line

    def numbers(self, count: int, what: str) -> Floats:
        """Values of a function, which begin and end with a line."""
        values: list[float] = []
        while len(values) < count:
            words = self.words()
            if not words:
                raise self._error(
                    f"{what} must have {count} values; the file ends after {len(values)}: it may "
                    "be cut short, or the header's numbers of values are too large"
                )
            try:
                values += [_number(word) for word in words]
            except ValueError as error:
                raise self._error(
                    f"{what} must have {count} finite numbers; got {len(values)} and then "
                    f"{error!s:.60}: values are missing, or the header's numbers of values are too "
                    "large"
                ) from None
        if len(values) > count:
            raise self._error(
                f"{what} must end with a line after {count} values; got {len(values)}: a value is "
                "too many, or the header's numbers of values are wrong"
            )
        return np.array(values)

    def _error(self, sentence: str) -> _TableError:
        return _TableError(f"line {self.number}: {sentence}")

    def element(self, symbol: str, *, wanted: bool) -> tuple[float, float, str]:
        """Mass, lattice constant and lattice of an element, from the line before its functions.

        As in LAMMPS, what comes after the mass may be missing where it is not wanted.
        """
        words = self.words()
        try:
            int(words[0])
            mass = _number(words[1])
            constant = _number(words[2]) if wanted else math.nan
            lattice = words[3] if wanted else ""
            known = len(words) < 4 or words[3][:1].isalpha()
        except (ValueError, IndexError):
            known = False
        if not known:
            raise self._error(
                f"the functions of {symbol} must begin with its atomic number, mass, lattice "
                f"constant and lattice; got {' '.join(words)[:40]!r}: values are too many, or the "
                "header's numbers of values are wrong"
            )
        if not mass > 0.0:
            raise self._error(f"the mass of {symbol} must be above 0 amu; got {mass:g}")
        return mass, constant, lattice

    def end(self) -> None:
        """Nothing may follow."""
        if words := self.words():
            raise self._error(
                f"the table must end here; got {' '.join(words)[:40]!r}: values are too many, or "
                "the header's numbers of values are too small"
            )


def read_setfl(path: Path, symbol: str) -> Setfl:
    """Read one element of a table of `eam/alloy` or, density by pair, of `eam/fs`.

    Which of the two it is shows in its length. Lines count as they do in LAMMPS: every function
    begins with a line, and no value may be missing or left. A function that is smooth but for one
    value is refused.

    Raises
    ------
    ValueError
        If the file is no such table or does not hold the element.
    OSError
        If the file cannot be opened.
    """
    try:
        # The three comment lines may be in any encoding; the numbers are ASCII.
        with path.open(encoding="utf-8", errors="replace") as file:
            by_pair = _density_by_pair(_Lines(file))
            file.seek(0)
            return _read(_Lines(file), symbol, density_by_pair=by_pair)
    except OSError as error:
        raise type(error)(f"the table {path} cannot be read: {error.strerror}") from None
    except _TableError as error:
        raise ValueError(f"{path}: {error}") from None


def _density_by_pair(lines: _Lines) -> bool:
    """Whether a table is of `eam/fs`: its number of values is nearer to that of this layout."""
    symbols, n_f, n_x, _ = _header(lines)
    n = len(symbols)
    found = sum(map(len, iter(lines.words, [])))
    alloy = n * (4 + n_f + n_x) + n * (n + 1) // 2 * n_x
    return abs(found - (alloy + n * (n - 1) * n_x)) < abs(found - alloy)


def _read(lines: _Lines, symbol: str, *, density_by_pair: bool) -> Setfl:
    symbols, n_f, n_x, steps = _header(lines)
    if symbol not in symbols:
        raise _TableError(
            f"holds the elements {few(symbols, ' ')}; got {symbol!r}: name one of them"
        )
    here = symbols.index(symbol)
    own = []  # of each element: what is said of it, F, f at itself
    for i, of in enumerate(symbols):
        about = lines.element(of, wanted=i == here)
        embedding = lines.numbers(n_f, f"F of {of}")
        densities = {
            at: lines.numbers(n_x, f"f of {of} at {at}" if density_by_pair else f"f of {of}")
            for at in (symbols if density_by_pair else [of])
        }
        own.append((about, embedding, densities[of]))
    pairs = {
        (of, at): lines.numbers(n_x, f"r φ of {of} and {at}")
        for i, of in enumerate(symbols)
        for at in symbols[: i + 1]
    }
    lines.end()
    (mass, constant, lattice), embedding, density = own[here]
    pair = pairs[symbol, symbol]
    for name, values in (("F", embedding), ("f", density), ("r φ", pair)):
        _check_smooth(values, f"{name} of {symbol}")
    return Setfl(symbol, mass, constant, lattice, *steps, embedding, density, pair)


def _check_smooth(values: Floats, what: str) -> None:
    """Refuse a function of which a single value was changed."""
    if found := odd_value(values):
        k, expected = found
        raise _TableError(
            f"{what} must be smooth; got {values[k]:.6g} for value {k + 1} of {values.size}, where "
            f"the values beside it give {expected:.6g}: a digit was changed, so take the table "
            "from its source again"
        )


def _header(lines: _Lines) -> tuple[list[str], int, int, tuple[float, float, float]]:
    """Read elements, n_rho, n_r and (d_rho, d_r, cut-off)."""
    lines.skip(3)
    elements = lines.words()
    sizes = lines.words()
    try:
        count, *symbols = elements
        n_f, n_x = int(sizes[0]), int(sizes[2])
        steps = _number(sizes[1]), _number(sizes[3]), _number(sizes[4])
        known = int(count) == len(set(symbols)) == len(symbols) > 0
    except (ValueError, IndexError):
        known = False
    if not known:
        raise _TableError(
            f"an EAM table must have the setfl header (3 comments, the elements, "
            f"n_rho d_rho n_r d_r cutoff); got {' '.join(elements)[:60]!r}, "
            f"{' '.join(sizes)[:60]!r}; {_REMEDY}",
        )
    if not (min(n_f, n_x) >= 5 and max(n_f, n_x) <= _MOST_VALUES and min(steps) > 0.0):
        raise _TableError(
            f"an EAM table must have 5 to {_MOST_VALUES:,} values of each function, and spacings "
            f"and a cut-off above 0; got n_rho = {n_f}, d_rho = {steps[0]:g}, n_r = {n_x}, "
            f"d_r = {steps[1]:g}, cutoff = {steps[2]:g}; correct the header",
        )
    return symbols, n_f, n_x, steps


def _number(word: str) -> float:
    """Return a finite number; not all that Python takes for one is one in other programs."""
    value = float(word)
    if not abs(value) < _LARGEST_VALUE or "_" in word:
        raise ValueError(repr(word[:40]))
    return value
