"""LAMMPS text dumps, plain or gzipped, one frame at a time.

A reader of its own, because it must say what a general one guesses (the element, the units, whether
coordinates are unwrapped, in which frame something is wrong), and because it holds one frame in
memory, not the file.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nanochart.interop.frame import FrameError, RawFrame, step_number
from nanochart.interop.text import (
    CUT_SHORT,
    Lines,
    open_text,
    parse_columns,
    read_frames,
    read_table,
)
from nanochart.shown import few

__all__ = ["is_lammps_dump", "read_lammps_dump"]

#: Coordinates, best first: unwrapped ones keep a cluster whole; s stands for scaled by the cell.
_COORDINATES = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))
_IMAGES = ("ix", "iy", "iz")
#: Unit of length of the systems of units that have one of the atomic scale.
_LENGTHS = {"metal": "angstrom", "real": "angstrom", "electron": "bohr", "nano": "nm"}
_FIRST = "ITEM: TIMESTEP"
#: Items before the atoms of a frame; LAMMPS writes six at most.
_MOST_ITEMS = 32


def is_lammps_dump(path: Path) -> bool:
    """Whether a file begins as a LAMMPS text dump does."""
    with open_text(path) as lines:
        return lines.begins_with("ITEM:")


def read_lammps_dump(path: Path) -> Iterator[RawFrame | FrameError]:
    """Read the frames of a dump, atoms in the order of their ``id``.

    In place of a frame that cannot be read comes what is wrong with it.
    """
    with open_text(path) as lines:
        yield from read_frames(lines, _read_frame, _is_first_line)


def _is_first_line(line: str) -> bool:
    # It may stand behind the last line of a frame that a killed program did not end.
    return _FIRST in line


def _read_frame(lines: Lines, what: str) -> RawFrame | None:
    header = _read_header(lines, what)
    return None if header is None else _read_atoms(lines, header, what)


def _read_header(lines: Lines, what: str) -> dict[str, list[str]] | None:
    """Read the items before the atoms: name -> words of its lines; None at the file's end."""
    header: dict[str, list[str]] = {}
    for line in iter(lines.next_filled, ""):
        line = line[max(0, line.find(_FIRST)) :]  # noqa: PLW2901  # as in `_is_first_line`
        if not line.startswith("ITEM:") or len(header) > _MOST_ITEMS:
            raise FrameError(f"{what} must begin with 'ITEM:'; got {line.strip()[:40]!r}")
        name = line[5:].strip()
        if name in header:  # the next frame: this one has lost its atoms
            lines.push_back(line)
            break
        if name.startswith("ATOMS"):
            header["ATOMS"] = name.split()[1:]
            return header
        if name.startswith("BOX BOUNDS"):
            header["BOX FLAGS"] = name.split()[2:]
            header["BOX BOUNDS"] = "".join(lines.next() for _ in range(3)).split()
        else:
            header[name] = lines.next().split()
    if header:
        raise FrameError(f"{what} is incomplete (no atoms), {CUT_SHORT}")
    return None


def _read_atoms(lines: Lines, header: dict[str, list[str]], what: str) -> RawFrame:
    try:
        step = step_number(int(header["TIMESTEP"][0]), what)
        n_atoms = int(header["NUMBER OF ATOMS"][0])
        origin, cell, periodic = _box(header["BOX FLAGS"], header["BOX BOUNDS"])
    except FrameError:
        raise
    except (KeyError, IndexError, ValueError) as error:
        raise FrameError(f"{what} has an unreadable header ({error!s:.100})") from error
    units = header.get("UNITS", [""])[0]
    if units and units not in _LENGTHS:
        raise ValueError(
            f"{what} is in LAMMPS units {few([units])!r}, and lengths must be in Å: convert it, or "
            "run with units metal"
        )
    columns = header["ATOMS"]
    words, n_columns = read_table(lines, n_atoms, what)
    if n_columns != len(columns):
        raise FrameError(f"{what} must have the columns {few(columns, ' ')}; got {n_columns}")
    if "id" not in columns:
        raise FrameError(
            f"{what} has no column id, so its atoms have no order: write the dump with "
            "`dump ... custom ... id type element xu yu zu`"
        )
    ids, order = _ids(words, columns, what)
    positions = _positions(words, columns, origin, cell, what)[order]
    unit = _LENGTHS.get(units, "")
    species = _species(words, columns)
    return RawFrame(positions, species, cell, periodic, step=step, unit=unit, ids=ids)


def _ids(words: list[str], columns: list[str], what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the atoms, rising, and their places."""
    ids = parse_columns(words, [columns.index("id")], len(columns), what)[:, 0]
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    if not np.isfinite(ids).all() or np.any(ids != np.floor(ids)):
        odd = ids[~np.isfinite(ids) | (ids != np.floor(ids))][0]
        raise FrameError(f"{what} must have whole numbers in the column id; got {odd:g}")
    if len(twice := ids[1:][np.diff(ids) == 0.0]):
        raise FrameError(
            f"{what} must have each id once; got {twice[0]:.0f} twice, as where the dumps of two "
            "runs went to one file"
        )
    return ids, order


def _box(
    flags: list[str], bounds: list[str]
) -> tuple[np.ndarray, np.ndarray, tuple[bool, bool, bool]]:
    """Return the origin, the cell vectors in rows and the periodic directions."""
    values = np.array([float(word) for word in bounds]).reshape(3, -1)
    low, high = values[:, 0].copy(), values[:, 1].copy()
    xy, xz, yz = values[:, 2] if values.shape[1] > 2 else np.zeros(3)
    if "abc" in flags:
        raise ValueError("a general triclinic box; use a restricted one")
    # A dump gives the box that bounds a tilted cell, not the cell's own limits.
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    cell = np.diag(high - low)
    cell[1, 0], cell[2, 0], cell[2, 1] = xy, xz, yz
    kinds = flags[-3:]
    if len(kinds) < 3:
        raise ValueError(f"the bounds must have three boundary flags; got {len(kinds)}")
    return low, cell, (kinds[0] == "pp", kinds[1] == "pp", kinds[2] == "pp")


def _positions(
    words: list[str], columns: list[str], origin: np.ndarray, cell: np.ndarray, what: str
) -> np.ndarray:
    names = next((names for names in _COORDINATES if set(names) <= set(columns)), None)
    if names is None:
        raise FrameError(
            f"{what} must have columns x y z, xu yu zu, xs ys zs or xsu ysu zsu; got "
            f"{few(columns, ' ')}"
        )
    places = [columns.index(name) for name in names]
    positions = parse_columns(words, places, len(columns), what)
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        return positions  # to be refused with what it holds
    if names[0].startswith("xs"):
        positions = origin + positions @ cell
    if "u" not in names[0] and set(_IMAGES) <= set(columns):
        images = parse_columns(words, [columns.index(i) for i in _IMAGES], len(columns), what)
        positions += images @ cell
    return positions


def _species(words: list[str], columns: list[str]) -> frozenset[str]:
    """Return what the atoms are called: their elements, or the numbers of their types."""
    name = next((name for name in ("element", "type") if name in columns), None)
    return frozenset() if name is None else frozenset(words[columns.index(name) :: len(columns)])
