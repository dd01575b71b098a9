"""The one writer of JSON, of CSV and of lines, for whatever a command hands to its user."""

import csv
import json
import math
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nanochart.files import replacing, write_text

__all__ = ["printable", "to_json", "write_csv", "write_json"]

#: Kinds of characters that a terminal obeys or does not show: controls, formats, halves, unknown.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    r"""Give a text whose characters are all seen, so that no name of a file commands a terminal.

    Others are written as Python does, ESC as ``\x1b``; ends of lines and tabs stay.
    """
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _UNSEEN
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def write_json(path: str | os.PathLike[str], values: Any) -> Path:
    """Write values as JSON, whole or not at all; NaN and infinity, which it lacks, become null."""
    return write_text(path, to_json(values, indent=1) + "\n")


def to_json(values: Any, *, indent: int | None = None) -> str:
    """Give values as JSON; NaN and infinity, which it lacks, become null."""
    return json.dumps(_plain(values), indent=indent, allow_nan=False)


def write_csv(
    path: str | os.PathLike[str],
    header: Sequence[str],
    rows: Iterable[Iterable[Any]],
    *,
    digits: int = 9,
) -> Path:
    """Write a table, whole or not at all.

    Parameters
    ----------
    path
        The file; its folder is made if missing.
    header
        Names of the columns, with their units.
    rows
        Their values.
    digits
        Significant digits of a number that is no integer.
    """
    with replacing(path) as target, target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow([f"{x:.{digits}g}" if isinstance(x, float) else x for x in row])
    return Path(path)


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
