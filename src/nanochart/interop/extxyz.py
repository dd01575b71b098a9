"""Extended and plain XYZ, plain or gzipped: read one frame at a time, written as ASE reads it.

The reader holds one frame in memory and takes no notice of the columns that a trajectory does not
need. Comment lines are parsed by ASE.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.extxyz import key_val_str_to_dict

from nanochart.interop.frame import FrameError, RawFrame, number, step_number
from nanochart.interop.text import Lines, open_text, parse_columns, read_frames, read_table

__all__ = ["format_frame", "is_xyz", "read_xyz"]

_DEFAULT_PROPERTIES = "species:S:1:pos:R:3"
#: Keys of a comment line without which a frame would be another: they must be legible.
_KEYS = ("Properties", "Lattice", "pbc", "energy", "temperature", "step")


def is_xyz(path: Path) -> bool:
    """Whether a file is named as XYZ files are."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool({".xyz", ".extxyz"} & set(suffixes[-2:]))


def read_xyz(path: Path) -> Iterator[RawFrame | FrameError]:
    """Read the frames of a file; in place of one that cannot be read, what is wrong with it."""
    with open_text(path) as lines:
        yield from read_frames(lines, _read_frame, _is_count)


def _is_count(line: str) -> bool:
    word = line.strip()
    return word.isascii() and word.isdigit() and len(word) < 20


def _read_frame(lines: Lines, what: str) -> RawFrame | None:
    first = lines.next_filled()
    if not first:
        return None
    if not _is_count(first):
        raise FrameError(f"{what} must begin with its number of atoms; got {first.strip()[:40]!r}")
    info = _comment(lines.next().strip(), what)
    words, n_columns = read_table(lines, int(first), what)
    columns = _columns(str(info.get("Properties", _DEFAULT_PROPERTIES)), n_columns, what)
    start = columns["pos"]
    positions = parse_columns(words, [start, start + 1, start + 2], n_columns, what)
    cell, periodic = _cell(info, what)
    return RawFrame(
        positions,
        frozenset(words[columns["species"] :: n_columns]) if "species" in columns else frozenset(),
        cell,
        periodic,
        number(info.get("energy"), math.nan),
        number(info.get("temperature"), math.nan),
        step_number(number(info.get("step"), -1), what),
    )


def _comment(comment: str, what: str) -> dict[str, Any]:
    """Keys and values of a comment line; none of one that is plain text."""
    text = comment.lstrip("= \t")
    if "=" not in text:
        return {}
    try:
        return dict(key_val_str_to_dict(text))
    except Exception as error:  # whatever ASE's parser meets in text that was not meant for it
        if not any(f"{key}=" in text for key in _KEYS):
            return {}
        raise FrameError(
            f"{what} must have a comment line of keys and values; got {comment[:60]!r} "
            f"({error!s:.100})"
        ) from error


def _cell(info: Mapping[str, Any], what: str) -> tuple[np.ndarray, tuple[bool, bool, bool]]:
    try:
        cell = np.asarray(info.get("Lattice", np.zeros((3, 3))), dtype=np.float64).reshape(3, 3).T
        flags = np.asarray(info.get("pbc", "Lattice" in info)).astype(np.bool_, casting="equiv")
        x, y, z = np.broadcast_to(flags, 3)
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"{what} must have nine numbers in Lattice and three of T or F in pbc; got "
            f"{error!s:.100}"
        ) from error
    return cell, (bool(x), bool(y), bool(z))


def _columns(properties: str, n_columns: int, what: str) -> dict[str, int]:
    """Return the first column of each property, from ``name:type:width`` triples."""
    parts = properties.split(":")
    columns, widths, place = {}, {}, 0
    try:
        for name, width in zip(parts[::3], parts[2::3], strict=True):
            columns[name], widths[name] = place, int(width)
            place += max(1, widths[name])
    except ValueError:
        place = n_columns + 1
    if place > n_columns or widths.get("pos") != 3 or widths.get("species", 1) != 1:
        raise FrameError(
            f"{what} must have the columns that its Properties name, with pos among them; got "
            f"{properties[:200]!r} and {n_columns} columns"
        )
    return columns


def format_frame(
    symbol: str,
    positions: np.ndarray,
    info: Mapping[str, Any],
    columns: Mapping[str, np.ndarray] | None = None,
) -> str:
    """Write one free cluster as extended XYZ.

    Parameters
    ----------
    symbol
        Chemical symbol of all atoms.
    positions
        Å, (atom, 3); nine digits, so that single precision survives.
    info
        Key -> number, word or array of numbers for the comment line; NaN is left out.
    columns
        Name -> integers (atom,) for further columns.
    """
    more = columns or {}
    properties = "".join([_DEFAULT_PROPERTIES, *(f":{name}:I:1" for name in more)])
    words = [f"Properties={properties}", *(f"{k}={_word(v)}" for k, v in info.items())]
    words = [word for word in words if not word.endswith("=nan")]
    line = f"{symbol:2s} %15.9g %15.9g %15.9g{' %d' * len(more)}\n"
    numbers = np.column_stack([positions, *more.values()]) if more else positions
    body = line * len(positions) % tuple(numbers.ravel().tolist())
    return f'{len(positions)}\n{" ".join(words)} pbc="F F F"\n{body}'


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return repr(array.item())
    return '"' + " ".join(repr(item) for item in array.ravel().tolist()) + '"'
