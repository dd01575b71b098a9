"""Runs become files that other programs read."""

import gzip
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
import xarray as xr

from nanochart._files import replacing
from nanochart.interop._extxyz import format_frame
from nanochart.store import Run

__all__ = ["export_extxyz"]

#: Kind of structures -> variables of their positions, energies and chart coordinates.
_STRUCTURES = {
    "thermal": ("positions", "energy", "chart"),
    "inherent": ("inherent_positions", "inherent_energy", "inherent_chart"),
}


def export_extxyz(
    run: Run,
    path: str | os.PathLike[str],
    structures: Literal["thermal", "inherent"] = "thermal",
    frames: slice | Sequence[int] | None = None,
) -> int:
    """Write configurations of a run as extended XYZ, frame by frame and replica by replica.

    The comment line of each holds ``frame``, ``replica`` and, where the run has them, ``energy``
    (eV), ``temperature`` (K), ``step`` and ``chart``. The file appears when it is complete.

    Parameters
    ----------
    run
        The run.
    path
        The file; one of that name is replaced. A name that ends in ".gz" is compressed.
    structures
        "thermal" configurations, or the "inherent" structures they quench to.
    frames
        Which frames, all if None.

    Returns
    -------
    int
        Number of configurations written.

    Raises
    ------
    ValueError
        If the run has no such structures, or not for these frames.
    StoreError
        If the file cannot be written, or the run is damaged.
    """
    if structures not in _STRUCTURES:
        raise ValueError(f"structures must be 'thermal' or 'inherent'; got {structures!r}")
    stage = "frames" if structures == "thermal" else "quench"
    numbers = _frame_numbers(frames, run.committed(stage), run, stage)
    dataset = run.to_xarray()
    path = Path(path)
    count = 0
    with (
        replacing(path) as temporary,
        _open_text(temporary, compressed=path.suffix == ".gz") as file,
    ):
        for start in range(0, len(numbers), run.chunk_frames):
            block = dataset.isel(frame=numbers[start : start + run.chunk_frames])
            for text in _format_block(block, structures, run.metadata.element, numbers[start:]):
                file.write(text)
                count += 1
    return count


def _open_text(path: Path, *, compressed: bool) -> TextIO:
    if compressed:
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=6)
    return path.open("w", encoding="utf-8")


def _frame_numbers(
    frames: slice | Sequence[int] | None, available: int, run: Run, stage: str
) -> np.ndarray:
    numbers = np.arange(available)
    if isinstance(frames, slice):
        numbers = numbers[frames]
    elif frames is not None:
        numbers = np.asarray(frames, dtype=np.int64)
    if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= available:
        raise ValueError(
            f"frames to export must be among the {available} that {run.path} has of the stage "
            f"{stage!r}; got {frames!r}" + ("" if available else ": run that stage first")
        )
    return numbers


def _format_block(
    block: xr.Dataset, structures: str, symbol: str, numbers: np.ndarray
) -> Iterable[str]:
    positions_name, energy_name, chart_name = _STRUCTURES[structures]
    positions = block[positions_name].values
    names = {"energy": energy_name, "temperature": "temperature", "chart": chart_name}
    walkers = {key: block[name].values for key, name in names.items() if name in block}
    steps = block["step"].values if "step" in block else np.full(len(positions), -1)
    for k, frame in enumerate(positions):
        for replica, cluster in enumerate(frame):
            info: dict[str, Any] = {"frame": numbers[k], "replica": replica}
            if steps[k] >= 0:
                info["step"] = steps[k]
            info |= {
                key: values[k, replica]
                for key, values in walkers.items()
                if np.isfinite(values[k, replica]).all()
            }
            yield format_frame(symbol, cluster, info)
