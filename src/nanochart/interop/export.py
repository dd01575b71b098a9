"""Runs become files that other programs read."""

import gzip
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from nanochart.files import replacing
from nanochart.interop.extxyz import format_frame
from nanochart.progress import Progress, silent
from nanochart.store import Frames, Run

__all__ = ["export_extxyz"]

#: Kind of structures -> the stage that makes them.
_STAGES = {"thermal": "frames", "inherent": "quench"}


def export_extxyz(
    run: Run,
    path: str | os.PathLike[str],
    structures: Literal["thermal", "inherent"] = "thermal",
    frames: slice | Sequence[int] | None = None,
    *,
    progress: Progress = silent,
) -> int:
    """Write configurations of a run as extended XYZ, frame by frame and replica by replica.

    The comment line of each holds ``frame``, ``replica`` and, where the run has them, ``energy``
    (eV), ``temperature`` (K), ``step`` and ``chart``. The file appears when it is complete.

    Parameters
    ----------
    run
        The run.
    path
        File to write; one of that name is replaced. A file whose name ends in ".gz" is compressed.
    structures
        What to write: "thermal" configurations, or the "inherent" structures that they quench to.
    frames
        Which frames, all if None; of a slice, those that have such structures, where only one
        frame in so many was quenched.
    progress
        Function that is called after every block of frames with how far the work is.

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
    if structures not in _STAGES:
        raise ValueError(f"structures must be 'thermal' or 'inherent'; got {structures!r}")
    stage = _STAGES[structures]
    whole = run.frames()
    stored = (whole.with_minima() if structures == "inherent" else whole).at(frames, stage)
    path = Path(path)
    count = 0
    with (
        replacing(path) as temporary,
        _open_text(temporary, compressed=path.suffix == ".gz") as file,
    ):
        for start in range(0, len(stored), run.chunk_frames):
            stop = min(start + run.chunk_frames, len(stored))
            block = stored.take(np.arange(start, stop))
            for text in _format_block(block, structures, run.metadata.element):
                file.write(text)
                count += 1
            progress("export", stop, len(stored))
    return count


def _open_text(path: Path, *, compressed: bool) -> TextIO:
    if compressed:
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=6)
    return path.open("w", encoding="utf-8")


def _format_block(
    block: Frames, structures: Literal["thermal", "inherent"], symbol: str
) -> Iterator[str]:
    stored = block.inherent if structures == "inherent" else block.thermal
    walkers = {"energy": stored.energies, "temperature": block.thermal.temperatures}
    charted = block.having("chart")
    places: dict[int, NDArray[np.float64]] = {}
    if structures in charted.charted:
        coordinates = charted.chart(structures).coordinates
        places = dict(zip(charted.numbers.tolist(), coordinates, strict=True))
    steps, positions = block.thermal.steps, stored.positions
    for place, number in enumerate(block.numbers.tolist()):
        for replica, cluster in enumerate(positions[place]):
            info: dict[str, Any] = {"frame": number, "replica": replica}
            if steps is not None and steps[place] >= 0:
                info["step"] = steps[place]
            values = {k: v[place, replica] for k, v in walkers.items() if v is not None}
            if number in places:
                values["chart"] = places[number][replica]
            info |= {key: value for key, value in values.items() if np.isfinite(value).all()}
            yield format_frame(symbol, cluster, info)
