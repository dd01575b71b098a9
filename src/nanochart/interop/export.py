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
from nanochart.motifs import atom_types
from nanochart.progress import Progress, silent
from nanochart.store import Frames, Run

__all__ = ["export_extxyz"]

#: Kind of structures -> the stage that makes them.
_STAGES = {"thermal": "frames", "inherent": "quench"}
#: Type of an atom -> its number in OVITO, and one that it has not for a fivefold axis.
_ENVIRONMENTS = {"other": 0, "fcc": 1, "hcp": 2, "ico": 4, "axis": 5}


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
    (eV), ``temperature`` (K), ``step``, ``chart``, ``motif`` and ``family``. Atoms of labelled
    inherent structures have a column ``environment``, by `nanochart.motifs.atom_types`: 0 other, 1
    fcc, 2 hcp, 4 ico, which are OVITO's numbers, and 5 axis. The file appears when it is complete.

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
        open_to_write(temporary, compressed=path.suffix == ".gz") as file,
    ):
        for start in range(0, len(stored), run.chunk_frames):
            stop = min(start + run.chunk_frames, len(stored))
            block = stored.take(np.arange(start, stop))
            for text in _format_block(block, structures, run.metadata.element):
                file.write(text)
                count += 1
            progress("export", stop, len(stored))
    return count


def open_to_write(path: Path, *, compressed: bool = False) -> TextIO:
    """Open a text file for writing, compressed by gzip or not: that of a `replacing`."""
    if compressed:
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=6)
    return path.open("w", encoding="utf-8", newline="")


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
    names = _names(block)
    around = None
    if structures == "inherent" and block.has("label"):
        around = _environments(positions, symbol)
    for place, number in enumerate(block.numbers.tolist()):
        for replica, cluster in enumerate(positions[place]):
            info: dict[str, Any] = {"frame": number, "replica": replica}
            if steps is not None and steps[place] >= 0:
                info["step"] = steps[place]
            values = {k: v[place, replica] for k, v in walkers.items() if v is not None}
            if number in places:
                values["chart"] = places[number][replica]
            info |= {key: value for key, value in values.items() if np.isfinite(value).all()}
            info |= {key: str(each[place, replica]) for key, each in names.items()}
            columns = {} if around is None else {"environment": around[place, replica]}
            yield format_frame(symbol, cluster, info, columns)


def _names(block: Frames) -> dict[str, NDArray[np.str_]]:
    """Motif and family of each configuration, as far as the block has them."""
    found = {}
    if block.has("label"):
        found["motif"] = block.motifs.labels()
    if block.has("families"):
        found["family"] = block.families.labels()
    return found


def _environments(positions: NDArray[np.float64], symbol: str) -> NDArray[np.int64]:
    """Number of each atom's environment, (frame, replica, atom)."""
    types = atom_types(positions, symbol)
    numbers = np.zeros(types.shape, dtype=np.int64)
    for name, number in _ENVIRONMENTS.items():
        numbers[types == name] = number
    return numbers
