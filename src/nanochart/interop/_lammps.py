"""LAMMPS text dumps, plain or gzipped, one frame at a time.

A reader of its own, because it must say what a general one guesses (the element, the units, whether
coordinates are unwrapped, in which frame something is wrong), and because it holds one frame in
memory, not the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from nanochart.interop._frame import RawFrame, open_text, parse_columns, read_table

__all__ = ["is_lammps_dump", "read_lammps_dump"]

#: Coordinates, best first: unwrapped ones keep a cluster whole; s stands for scaled by the cell.
_COORDINATES = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))
_IMAGES = ("ix", "iy", "iz")
_ANGSTROM_UNITS = ("metal", "real")


def is_lammps_dump(path: Path) -> bool:
    """Whether a file begins as a LAMMPS text dump does."""
    with open_text(path) as file:
        return file.readline(64).startswith("ITEM:")


def read_lammps_dump(path: Path) -> Iterator[RawFrame]:
    """Read the frames of a dump, atoms in the order of their ``id``.

    Raises
    ------
    ValueError
        If a frame is incomplete or lacks what is needed; the sentence begins with its number.
    """
    with open_text(path) as file:
        number = 0
        header = _read_header(file, f"frame {number}")
        while header is not None:
            yield _read_atoms(file, header, f"frame {number}")
            number += 1
            header = _read_header(file, f"frame {number}")


def _read_header(file: TextIO, what: str) -> dict[str, list[str]] | None:
    """Read the items before the atoms: name -> words of its lines; None at the file's end."""
    header: dict[str, list[str]] = {}
    for line in iter(file.readline, ""):
        if not line.strip():
            continue
        if not line.startswith("ITEM:"):
            raise ValueError(f"{what} must begin with 'ITEM:'; got {line.strip()[:40]!r}")
        name = line[5:].strip()
        if name.startswith("ATOMS"):
            header["ATOMS"] = name.split()[1:]
            return header
        if name.startswith("BOX BOUNDS"):
            header["BOX FLAGS"] = name.split()[2:]
            header["BOX BOUNDS"] = "".join(file.readline() for _ in range(3)).split()
        else:
            header[name] = file.readline().split()
    if header:
        raise ValueError(
            f"{what} is incomplete (no atoms), as a killed program leaves it: remove it from the "
            "end of the file"
        )
    return None


def _read_atoms(file: TextIO, header: dict[str, list[str]], what: str) -> RawFrame:
    try:
        step = int(header["TIMESTEP"][0])
        n_atoms = int(header["NUMBER OF ATOMS"][0])
        origin, cell, periodic = _box(header["BOX FLAGS"], header["BOX BOUNDS"])
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{what} has an unreadable header ({error})") from error
    units = header.get("UNITS", ["metal"])[0]
    if units not in _ANGSTROM_UNITS:
        raise ValueError(
            f"{what} is in LAMMPS units {units!r}, and lengths must be in Å: convert it, or run "
            "with units metal"
        )
    columns = header["ATOMS"]
    words, n_columns = read_table(file, n_atoms, what)
    if n_columns != len(columns):
        raise ValueError(f"{what} must have the columns {' '.join(columns)}; got {n_columns}")
    if "id" not in columns:
        raise ValueError(
            f"{what} has no column id, so its atoms have no order: write the dump with "
            "`dump ... custom ... id type element xu yu zu`"
        )
    order = np.argsort(parse_columns(words, [columns.index("id")], n_columns, what)[:, 0])
    positions = _positions(words, columns, origin, cell, what)
    return RawFrame(positions[order], _species(words, columns, what), cell, periodic, step=step)


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
        raise ValueError("no boundary flags")
    return low, cell, (kinds[0] == "pp", kinds[1] == "pp", kinds[2] == "pp")


def _positions(
    words: list[str], columns: list[str], origin: np.ndarray, cell: np.ndarray, what: str
) -> np.ndarray:
    names = next((names for names in _COORDINATES if set(names) <= set(columns)), None)
    if names is None:
        raise ValueError(
            f"{what} must have columns x y z, xu yu zu, xs ys zs or xsu ysu zsu; got "
            f"{' '.join(columns)}"
        )
    places = [columns.index(name) for name in names]
    positions = parse_columns(words, places, len(columns), what)
    if names[0].startswith("xs"):
        positions = origin + positions @ cell
    if "u" not in names[0] and set(_IMAGES) <= set(columns):
        images = parse_columns(words, [columns.index(i) for i in _IMAGES], len(columns), what)
        positions += images @ cell
    return positions


def _species(words: list[str], columns: list[str], what: str) -> frozenset[str]:
    if "element" in columns:
        return frozenset(words[columns.index("element") :: len(columns)])
    if "type" in columns:
        types = set(words[columns.index("type") :: len(columns)])
        if len(types) > 1:
            raise ValueError(
                f"{what} has {len(types)} atom types and no column element, and a cluster must be "
                "of one element: write the dump with `dump_modify ... element`"
            )
    return frozenset()
