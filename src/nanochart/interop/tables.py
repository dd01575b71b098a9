"""Runs become plain tables: a line for each configuration, and one for each family."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from nanochart.files import replacing
from nanochart.interop.export import open_to_write
from nanochart.progress import Progress, silent
from nanochart.store import Frames, Run

__all__ = ["configurations_table", "export_csv"]

#: Card of a family -> column of the table of families.
_CARD = {
    "name": "family", "share": "share", "minima": "minima", "purity": "purity",
    "energy_low": "lowest_energy_above_all_eV", "energy_high": "highest_energy_above_all_eV",
    "sentence": "sentence",
}  # fmt: skip


def configurations_table(frames: Frames) -> pd.DataFrame:
    """Numbers and names of each configuration of a view, a row each, as far as there are any.

    Columns are ``frame``, ``replica``, ``step``, ``temperature_K``, ``energy_eV``,
    ``inherent_energy_eV``, ``motif``, ``family``, and the places ``s1``, ``s2``, ... of the thermal
    configuration and ``inherent_s1``, ... of its minimum. What a stage has not reached yet is
    empty, or "unknown".

    Parameters
    ----------
    frames
        Some frames of a run.
    """
    frames = frames.so_far
    shape = (len(frames), frames.n_replicas)
    number, replica = np.meshgrid(frames.numbers, np.arange(shape[1]), indexing="ij")
    thermal = frames.thermal
    columns: dict[str, Any] = {"frame": number, "replica": replica}
    if thermal.steps is not None:
        columns["step"] = np.broadcast_to(thermal.steps[:, None], shape)
    columns |= {"temperature_K": thermal.temperatures, "energy_eV": thermal.energies}
    if frames.has("quench"):
        columns["inherent_energy_eV"] = frames.inherent.energies
    if frames.has("label"):
        columns["motif"] = frames.motifs.labels()
    if frames.has("families"):
        columns["family"] = frames.families.labels()
    kinds: tuple[tuple[Literal["thermal", "inherent"], str], ...]
    kinds = (("thermal", "s"), ("inherent", "inherent_s"))
    for kind, prefix in kinds:
        if kind in frames.charted:
            places = frames.chart(kind).coordinates
            columns |= {f"{prefix}{k + 1}": places[..., k] for k in range(places.shape[-1])}
    there = {name: np.ravel(values) for name, values in columns.items() if values is not None}
    return pd.DataFrame(there)


def export_csv(
    run: Run,
    path: str | os.PathLike[str],
    frames: slice | Sequence[int] | None = None,
    *,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Write the configurations of a run as a table, and its families as another beside it.

    Parameters
    ----------
    run
        The run.
    path
        File to write, as ``au147.csv``; one of that name is replaced. A file whose name ends in
        ".gz" is compressed. Families, where there are any, are in ``au147-families.csv``.
    frames
        Which frames, all if None.
    progress
        Function that is called after every block of frames with how far the work is.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    ValueError
        If the run has no such frames.
    StoreError
        If a file cannot be written, or the run is damaged.
    """
    path, stored = Path(path), run.frames().at(frames)
    with (
        replacing(path) as temporary,
        open_to_write(temporary, compressed=path.suffix == ".gz") as file,
    ):
        for start in range(0, len(stored), run.chunk_frames):
            stop = min(start + run.chunk_frames, len(stored))
            block = configurations_table(stored.take(np.arange(start, stop)))
            block.to_csv(file, index=False, header=start == 0, lineterminator="\n")
            progress("export", stop, len(stored))
    cards = run.info("families").get("cards", ()) if stored.has("families") else ()
    if not cards:
        return (path,)
    beside = path.with_name(f"{path.name.removesuffix('.gz').removesuffix('.csv')}-families.csv")
    with replacing(beside) as temporary, open_to_write(temporary) as file:
        _write_cards(csv.writer(file, lineterminator="\n"), cards)
    return path, beside


def _write_cards(table: Any, cards: Sequence[Mapping[str, Any]]) -> None:
    table.writerow(_CARD.values())
    for card in cards:
        table.writerow([card.get(key, "") for key in _CARD])
