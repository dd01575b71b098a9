"""The arrays of a stage, replaced as a whole or not at all.

The new arrays are written beside the run's, with the root's metadata as they will be. One line of
the commit record then makes them count; only after it they are moved to their places. A reader
looks in both, so whenever a kill comes there is either the stage before, with its record, or the
new one with its own. The next writer finishes the moves.
"""

import json
import secrets
import shutil
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import zarr
from zarr.storage import LocalStore

from nanochart.files import storage_errors, sync_all, write_atomic
from nanochart.store.files import RECORDS
from nanochart.store.journal import Checksum, ChunkId, checksum
from nanochart.store.layout import create_array
from nanochart.store.root import checked_root, sealed_root
from nanochart.store.staged import staged, waiting
from nanochart.store.variables import VARIABLES, stage_variables

if TYPE_CHECKING:
    from nanochart.store.chunk_store import ChunkStore

__all__ = ["finish_switch", "stage_arrays"]

_ROOT = "zarr.json"


def stage_arrays(
    store: "ChunkStore", cleared: Iterable[str], arrays: Mapping[str, np.ndarray]
) -> tuple[str, dict[ChunkId, Checksum]]:
    """Write arrays beside a run, on the disk and not yet part of it.

    Parameters
    ----------
    store
        Store of the run.
    cleared
        Stages whose arrays they replace.
    arrays
        Variable -> values of all committed frames.

    Returns
    -------
    token
        What the commit record calls them by.
    chunks
        Their chunks with their checksums.
    """
    journal, run = store.journal, store.root
    token = f"switch-{secrets.token_hex(6)}"
    folder = staged(run, token)
    chunks: dict[ChunkId, Checksum] = {}
    with storage_errors(run):
        root = checked_root((run / _ROOT).read_bytes(), run / _ROOT)
        listed = root["consolidated_metadata"]["metadata"]
        for stage in cleared:
            for variable in stage_variables(stage):
                listed.pop(variable.name, None)
        folder.mkdir()
        for name, values in arrays.items():
            create_array(
                folder / name,
                VARIABLES[name],
                values.shape[1:],
                journal.n_frames,
                journal.chunk_frames,
            )
            with zarr.config.set({"array.write_empty_chunks": True}):
                array = zarr.open_array(LocalStore(folder / name), mode="r+")
                array[: len(values)] = values
            listed[name] = json.loads((folder / name / _ROOT).read_bytes())
            for file in (folder / name).glob("c.*"):
                chunks[name, int(file.name.split(".")[1])] = checksum(file.read_bytes())
        (folder / _ROOT).write_bytes(sealed_root(json.dumps(root).encode()))
        sync_all([folder, *folder.rglob("*")])
    return token, chunks


def finish_switch(store: "ChunkStore") -> None:
    """Move arrays that count to their places, after their line was written."""
    journal, run = store.journal, store.root
    folder = waiting(run, journal)
    if folder is None:
        return
    with storage_errors(run):
        root = (folder / _ROOT).read_bytes()
        listed = checked_root(root, folder / _ROOT)["consolidated_metadata"]["metadata"]
        old = run / RECORDS / "replaced.part"
        old.mkdir(exist_ok=True)
        for name in VARIABLES:
            new, place = folder / name, run / name
            if place.exists() and (new.exists() or name not in listed):
                shutil.rmtree(old / name, ignore_errors=True)
                place.rename(old / name)
            if new.exists():
                new.rename(place)
        sync_all([run])
        write_atomic(run / _ROOT, root, staging=run / RECORDS)
        (folder / _ROOT).unlink()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
