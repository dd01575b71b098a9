"""One configuration as a file gives it, before it is known to be a free cluster."""

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

__all__ = ["RawFrame", "open_text", "parse_columns", "read_table"]


@dataclass(frozen=True)
class RawFrame:
    """A configuration read from a file.

    Attributes
    ----------
    positions
        Å, (atom, 3).
    species
        The chemical symbols that occur; empty where the file does not say.
    cell
        Cell vectors in rows, Å, (3, 3); zeros where there is none.
    periodic
        Whether the cell repeats along each vector.
    energy
        Potential energy in eV, NaN where the file does not say.
    temperature
        K, NaN where the file does not say.
    step
        Number of the molecular dynamics step, -1 where the file does not say.
    """

    positions: np.ndarray
    species: frozenset[str]
    cell: np.ndarray
    periodic: tuple[bool, bool, bool]
    energy: float = math.nan
    temperature: float = math.nan
    step: int = -1


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, compressed by gzip or not, whatever its name."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if compressed:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as text:
            yield text
    else:
        with path.open(encoding="utf-8", errors="replace") as text:
            yield text


def read_table(file: TextIO, n_rows: int, what: str) -> tuple[list[str], int]:
    """Read the next lines as a table: its words row after row, and the number of columns.

    Raises
    ------
    ValueError
        If the file ends before, or the lines differ in their number of columns.
    """
    lines = list(islice(file, n_rows))
    if len(lines) < n_rows or n_rows < 1:
        raise ValueError(
            f"{what} is incomplete ({len(lines)} of {n_rows} atoms), as a killed program leaves "
            "it: remove it from the end of the file"
        )
    words = "".join(lines).split()
    n_columns = len(lines[0].split())
    if len(words) != n_rows * n_columns:
        raise ValueError(f"{what} must have the same number of columns for each of its atoms")
    return words, n_columns


def parse_columns(words: list[str], columns: list[int], n_columns: int, what: str) -> np.ndarray:
    """Read columns of a table as numbers, (row, column).

    Raises
    ------
    ValueError
        If something in them is not a number.
    """
    try:
        return np.array([list(map(float, words[k::n_columns])) for k in columns]).T
    except ValueError as error:
        raise ValueError(f"{what} has something other than a number ({error})") from error
