"""COLVAR and HILLS files as PLUMED writes and reads them.

Energies are in eV, times in ps and lengths in Å, as a run with ``UNITS LENGTH=A ENERGY=eV`` has
them; a comment in the file says so. Of well-tempered metadynamics the heights in HILLS are those
that PLUMED writes, times γ/(γ - 1), so that the sum of the hills is minus the free energy
(PLUMED's manual, METAD).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import StoreError
from nanochart.files import write_text

__all__ = ["ColvarFile", "write_colvar", "write_hills"]

Floats = NDArray[np.float64]

_UNITS = "# units: ps, eV, Å (UNITS LENGTH=A ENERGY=eV)"


def write_colvar(path: str | Path, times: ArrayLike, columns: Mapping[str, ArrayLike]) -> None:
    """Write a COLVAR file: a time in ps and one number for each name, a row for each time."""
    names = list(columns)
    table = np.column_stack([np.asarray(times, dtype=np.float64), *columns.values()])
    _write(path, ["time", *names], table, [])


def write_hills(
    path: str | Path,
    times: ArrayLike,
    names: Sequence[str],
    centres: ArrayLike,
    sigma: Sequence[float],
    heights: ArrayLike,
    bias_factor: float,
) -> None:
    """Write a HILLS file.

    Parameters
    ----------
    path
        Path of the file.
    times
        Times in ps, (hill,).
    names
        Names of the d variables.
    centres
        Centres of the hills, (hill, d).
    sigma
        Widths of the hills, (d,).
    heights
        Heights in eV as they were added to the bias, (hill,).
    bias_factor
        Bias factor γ.
    """
    s = np.asarray(centres, dtype=np.float64)
    widths = np.broadcast_to(np.asarray(sigma, dtype=np.float64), s.shape)
    scaled = np.asarray(heights, dtype=np.float64) * bias_factor / (bias_factor - 1.0)
    factor = np.full(len(s), bias_factor)
    table = np.column_stack([np.asarray(times, dtype=np.float64), s, widths, scaled, factor])
    fields = ["time", *names, *(f"sigma_{name}" for name in names), "height", "biasf"]
    _write(path, fields, table, ["#! SET multivariate false", "#! SET kerneltype gaussian"])


class ColvarFile:
    """A COLVAR file as `write_colvar` makes it, one row at a time while a simulation goes on.

    Parameters
    ----------
    path
        Path of the file.
    names
        Names of the columns after the time.

    Raises
    ------
    StoreError
        If there is a file of that name.
    """

    def __init__(self, path: str | Path, names: Sequence[str]) -> None:
        self.path = Path(path).absolute()
        try:
            self._put("x", _head(["time", *names], []))
        except FileExistsError:
            raise StoreError(
                f"{path} is there already, and a simulation does not write over another's: take "
                "another name"
            ) from None
        except OSError as error:
            raise StoreError(f"{path} cannot be written ({error})") from error

    def add(self, time: float, row: Sequence[float]) -> None:
        """Write a row; it can be read at once."""
        try:
            self._put("a", [_row([time, *row])])
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written ({error})") from error

    def _put(self, mode: str, lines: Sequence[str]) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def _head(fields: Sequence[str], settings: Sequence[str]) -> list[str]:
    return [f"#! FIELDS {' '.join(fields)}", *settings, _UNITS]


def _row(values: Sequence[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _write(path: str | Path, fields: Sequence[str], table: Floats, settings: list[str]) -> None:
    rows = [_row(row) for row in table.tolist()]
    write_text(path, "\n".join([*_head(fields, settings), *rows]) + "\n")
