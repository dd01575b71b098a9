"""Extended and plain XYZ, plain or gzipped: read one frame at a time, written as ASE reads it.

The reader holds one frame in memory and takes no notice of the columns that a trajectory does not
need. Comment lines are parsed by ASE.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from ase.io.extxyz import key_val_str_to_dict

from nanochart.interop._frame import RawFrame, open_text, parse_columns, read_table

__all__ = ["format_frame", "is_xyz", "read_xyz"]

_DEFAULT_PROPERTIES = "species:S:1:pos:R:3"


def is_xyz(path: Path) -> bool:
    """Whether a file is named as XYZ files are."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool({".xyz", ".extxyz"} & set(suffixes[-2:]))


def read_xyz(path: Path) -> Iterator[RawFrame]:
    """Read the frames of a file.

    Raises
    ------
    ValueError
        If a frame is incomplete or lacks what is needed; the sentence begins with its number.
    """
    with open_text(path) as file:
        number = 0
        for line in iter(file.readline, ""):
            if line.strip():
                yield _read_frame(file, line, f"frame {number}")
                number += 1


def _read_frame(file: TextIO, first: str, what: str) -> RawFrame:
    try:
        n_atoms = int(first)
    except ValueError:
        raise ValueError(
            f"{what} must begin with its number of atoms; got {first.strip()[:40]!r}"
        ) from None
    comment = file.readline().strip()
    info = key_val_str_to_dict(comment) if "=" in comment else {}
    words, n_columns = read_table(file, n_atoms, what)
    columns = _columns(str(info.get("Properties", _DEFAULT_PROPERTIES)), n_columns, what)
    start = columns["pos"]
    positions = parse_columns(words, [start, start + 1, start + 2], n_columns, what)
    cell = np.asarray(info.get("Lattice", np.zeros((3, 3))), dtype=np.float64).reshape(3, 3).T
    periodic = np.broadcast_to(np.asarray(info.get("pbc", "Lattice" in info), dtype=bool), 3)
    return RawFrame(
        positions,
        frozenset(words[columns["species"] :: n_columns]) if "species" in columns else frozenset(),
        cell,
        (bool(periodic[0]), bool(periodic[1]), bool(periodic[2])),
        _number(info, "energy", math.nan),
        _number(info, "temperature", math.nan),
        int(_number(info, "step", -1)),
    )


def _columns(properties: str, n_columns: int, what: str) -> dict[str, int]:
    """Return the first column of each property, from ``name:type:width`` triples."""
    parts = properties.split(":")
    columns, place = {}, 0
    try:
        for name, width in zip(parts[::3], parts[2::3], strict=True):
            columns[name] = place
            place += int(width)
    except ValueError:
        place = n_columns + 1
    if place > n_columns or "pos" not in columns:
        raise ValueError(
            f"{what} must have the columns that its Properties name, with pos among them; got "
            f"{properties!r} and {n_columns} columns"
        )
    return columns


def _number(info: Mapping[str, Any], key: str, default: float) -> float:
    """Return a number from the comment line, ``default`` if it is missing or something else."""
    try:
        value = float(info.get(key, default))
    except (TypeError, ValueError):
        return default
    return value


def format_frame(symbol: str, positions: np.ndarray, info: Mapping[str, Any]) -> str:
    """Write one free cluster as extended XYZ.

    Parameters
    ----------
    symbol
        Chemical symbol of all atoms.
    positions
        Å, (atom, 3); nine digits, so that single precision survives.
    info
        Key -> number or array of numbers for the comment line; NaN is left out.
    """
    words = [f"Properties={_DEFAULT_PROPERTIES}", *(f"{k}={_word(v)}" for k, v in info.items())]
    words = [word for word in words if not word.endswith("=nan")]
    body = (
        f"{symbol:2s} %15.9g %15.9g %15.9g\n" * len(positions) % tuple(positions.ravel().tolist())
    )
    return f'{len(positions)}\n{" ".join(words)} pbc="F F F"\n{body}'


def _word(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim == 0:
        return repr(array.item())
    return '"' + " ".join(repr(item) for item in array.ravel().tolist()) + '"'
