"""What a run holds, as it is read: committed frames, records, damage."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from nanochart.errors import StoreError
from nanochart.files import storage_errors
from nanochart.progress import Progress, silent
from nanochart.store.attachments import find_attachment
from nanochart.store.chunk_store import ChunkStore
from nanochart.store.frames import Frames, view_frames
from nanochart.store.journal import ChunkId, Journal
from nanochart.store.metadata import Metadata
from nanochart.store.results import load_result
from nanochart.store.system import read_system, system_path
from nanochart.store.variables import FRAMES, STAGES, STATIC, stage_variables
from nanochart.system import System

__all__ = ["Damage", "RunReader"]


@dataclass(frozen=True)
class Damage:
    """A committed chunk that can no longer be read: frames ``first`` to ``last`` of ``array``."""

    array: str
    chunk: int
    first: int
    last: int
    message: str


class RunReader:
    """The half of a run that changes nothing; `nanochart.store.Run` is the whole.

    Parameters
    ----------
    path
        Folder of the run.
    metadata
        What the run was made from.
    journal
        Its commit record.
    writable
        Whether its store takes chunks.
    """

    def __init__(self, path: Path, metadata: Metadata, journal: Journal, *, writable: bool) -> None:
        self.path = path
        self.metadata = metadata
        self._journal = journal
        self._store = ChunkStore(path, journal, read_only=not writable)
        self._system: System | None = None

    def __repr__(self) -> str:
        facts = self.metadata
        return (
            f"<Run {self.path}: {facts.element}{facts.n_atoms}, {facts.n_replicas} replicas, "
            f"{self.committed()} of {self.n_frames} frames>"
        )

    @property
    def n_frames(self) -> int:
        """Number of planned frames."""
        self._journal.refresh()
        return self._journal.n_frames

    @property
    def chunk_frames(self) -> int:
        """Frames per chunk: blocks are written in multiples of it."""
        return self.metadata.chunk_frames

    @property
    def system(self) -> System:
        """Species, masses and potential, rebuilt from what is stored in the run.

        A run that was imported without a potential has the Gupta potential of its metal.

        Raises
        ------
        StoreError
            If its potential is a table that the run does not hold, or what it holds is damaged.
        """
        if self._system is None:
            self._system = read_system(self.path, self.metadata)
        return self._system

    @property
    def holds_system(self) -> bool:
        """Whether the potential is stored in the run with all of its numbers."""
        return system_path(self.path).exists()

    @property
    def complete(self) -> bool:
        """Whether the run was finalized."""
        self._journal.refresh()
        return self._journal.complete

    def committed(self, stage: str = FRAMES) -> int:
        """Return how many frames of a stage count."""
        stage_variables(stage)
        self._journal.refresh()
        return self._journal.committed.get(stage, 0)

    def pending(self, stage: str = FRAMES) -> Iterator[slice]:
        """Give the blocks of a stage that are still to be computed, one chunk each.

        For the thermal frames these reach up to the planned number, for every other stage up to
        the thermal frames that are committed.
        """
        first = self.committed(stage)
        end = self._end(stage)
        while first < end:
            last = min(end, (first // self.chunk_frames + 1) * self.chunk_frames)
            yield slice(first, last)
            first = last

    def info(self, stage: str) -> dict[str, Any]:
        """Return what was recorded about a stage by `record_info`."""
        stage_variables(stage)
        self._journal.refresh()
        return dict(self._journal.info.get(stage, {}))

    def attachment(self, name: str) -> Path | None:
        """Path of a file that was stored with the run when it was made; None if there is none.

        Its checksum is compared first.

        Raises
        ------
        StoreError
            If it is damaged.
        """
        return find_attachment(self.path, name)

    def fingerprint(self, *stages: str) -> str:
        """Hash of all that is committed of some stages, and of how they were made.

        It is that of the checksums of their chunks, so equal contents have equal fingerprints, and
        nothing is read for it.
        """
        self._journal.refresh()
        about: list[Any] = []
        for stage in (STATIC, *stages):
            count = self._journal.committed.get(stage, 0)
            # Of the thermal frames the record tells how long they took, which changes.
            info = None if stage in {STATIC, FRAMES} else self._journal.info.get(stage, {})
            about.append([stage, count, info])
        chunks = [(c, self._journal.chunks.get(c)) for c in self._committed_chunks(stages)]
        text = json.dumps([about, chunks], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def load_result(
        self, name: str, key: Mapping[str, Any], types: Mapping[str, type]
    ) -> Any | None:
        """Return a result that was kept under this key; None if there is none, or it is damaged.

        Parameters
        ----------
        name, key
            As of `Run.save_result`.
        types
            Name -> dataclass that may be in it.
        """
        return load_result(self.path, name, key, types)

    def frames(self, first: int = 0, last: int | None = None, every: int = 1) -> Frames:
        """Return a typed view of committed frames: configurations, minima, chart, motifs, families.

        Parameters
        ----------
        first, last
            The view goes from frame ``first`` to before frame ``last``; None is all that are
            committed.
        every
            Take ``first`` and each ``every``-th after it.

        Raises
        ------
        ValueError
            If there are no such frames.
        """
        data = self.to_xarray()
        committed = {stage: self._journal.committed.get(stage, 0) for stage in STAGES}
        done = {stage: n for stage, n in committed.items() if n}
        records = {stage: dict(self._journal.info.get(stage, {})) for stage in STAGES}
        return view_frames(data, self.path, first, last, every, done, records)

    def to_xarray(self, chunks: Any = None) -> xr.Dataset:
        """Return the committed frames as a lazy Dataset with named dimensions and units.

        Arrays of later stages hold fill values (NaN, -1) where their stage has not come yet.
        Values are read, and their checksums compared, when they are first used.

        Parameters
        ----------
        chunks
            As in `xarray.open_zarr`; the default needs no Dask.

        Raises
        ------
        StoreError
            When a damaged chunk is read; all other frames stay readable.
        """
        committed = self.committed()
        store = self._store.snapshot()
        with storage_errors(self.path):
            try:
                dataset = xr.open_zarr(store, chunks=chunks, consolidated=True)
            except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
                # An array that is not of nanochart has no seal: Zarr finds what is wrong with it.
                raise StoreError(
                    f"the metadata of {self.path} cannot be read ({error}): restore its zarr.json "
                    "files from a copy of the run"
                ) from error
        self._journal.refresh()
        if self._journal.generations != store.generations:
            return self.to_xarray(chunks)  # a stage was made anew between record and metadata
        committed_part: xr.Dataset = dataset.isel(frame=slice(0, committed))
        return committed_part

    def verify(self, progress: Progress = silent) -> list[Damage]:
        """Read every committed chunk and list those that are damaged.

        Parameters
        ----------
        progress
            Function that is called after every chunk with how far the work is.
        """
        self._journal.refresh()
        found = []
        chunks = list(self._committed_chunks())
        for k, chunk in enumerate(chunks):
            reason = self._store.damage(chunk)
            # A writer may have made its stage anew meanwhile.
            if isinstance(reason, str) and self._journal.is_committed(chunk):
                name, index = chunk
                first = index * self.chunk_frames
                last = min(first + self.chunk_frames, self.committed()) - 1
                message = self._store.describe_damage(chunk, reason)
                found.append(Damage(name, index, first, last, message))
            progress("verify", k + 1, len(chunks))
        return found

    def check_sizes(self) -> None:
        """Compare the size of every committed chunk file with the commit record.

        Quick, because nothing is read; what changed without changing its size is found when it is
        read.

        Raises
        ------
        StoreError
            If a file is missing, cut short or too long.
        """
        for chunk in list(self._committed_chunks()):
            path, sizes, found = self._sizes(chunk)
            if sizes and found not in sizes:
                self._journal.refresh()  # a writer may have replaced it meanwhile
                path, sizes, found = self._sizes(chunk)
            if sizes and found not in sizes:
                raise StoreError(
                    f"{path} is damaged: it should have {' or '.join(map(str, sorted(sizes)))} "
                    f"bytes and {'is missing' if found is None else f'has {found}'}; restore it "
                    "from a copy of the run, or start a new one"
                )

    def _sizes(self, chunk: ChunkId) -> tuple[Path, set[int], int | None]:
        """File of a chunk, the sizes that it may have, and that which it has."""
        path = self._store.chunk_path(chunk)
        sizes = {size for size, _ in self._journal.chunks.get(chunk, ())}
        return path, sizes, path.stat().st_size if path.exists() else None

    def _committed_chunks(self, stages: Sequence[str] = STAGES) -> Iterator[ChunkId]:
        for stage in (STATIC, *stages):
            for name in sorted(self._journal.stage_arrays(stage)):
                n_chunks = -(-self._journal.committed.get(stage, 0) // self.chunk_frames)
                yield from ((name, index) for index in range(n_chunks if stage != STATIC else 1))

    def _end(self, stage: str) -> int:
        return self._journal.n_frames if stage == FRAMES else self._journal.frames()
