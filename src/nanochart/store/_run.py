"""A run on disk: committed frames to read, whole chunks to write."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from nanochart._files import storage_errors, sync_all
from nanochart.errors import StoreError
from nanochart.store import _blocks, _layout
from nanochart.store._attachments import find_attachment
from nanochart.store._checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from nanochart.store._chunk_store import ChunkStore, chunk_key
from nanochart.store._files import RECORDS
from nanochart.store._frames import Frames, view_frames
from nanochart.store._journal import ChunkId, Journal, encode_chunks
from nanochart.store._lock import exclusive
from nanochart.store._metadata import Metadata
from nanochart.store._switch import finish_switch, stage_arrays
from nanochart.store._system import (
    check_system,
    read_system,
    same_system,
    system_path,
    write_system,
)
from nanochart.store._variables import (
    DEPENDENTS,
    FRAMES,
    STAGES,
    STATIC,
    VARIABLES,
    stage_variables,
)
from nanochart.system import System

__all__ = ["Damage", "Run"]


@dataclass(frozen=True)
class Damage:
    """A committed chunk that can no longer be read: frames ``first`` to ``last`` of ``array``."""

    array: str
    chunk: int
    first: int
    last: int
    message: str


class Run:
    """A run on disk; made by `nanochart.store.create` and `nanochart.store.open`.

    Frames count once the commit record says so. The record is one line per block, with the
    checksum of every chunk file, written after the files have reached the disk: a kill loses at
    most the block in flight. What was written and not committed is never returned, and is
    overwritten when the run goes on.

    Attributes
    ----------
    path
        Folder of the run, a Zarr group.
    metadata
        What it was made from.
    """

    def __init__(self, path: Path, metadata: Metadata, journal: Journal, *, writable: bool) -> None:
        self.path = path
        self.metadata = metadata
        self._journal = journal
        self._writable = writable
        self._store = ChunkStore(path, journal, read_only=not writable)
        self._locked = 0  # the thread that holds the lock by this object
        self._open_arrays: dict[str, Any] = {}
        self._system: System | None = None

    def __repr__(self) -> str:
        facts = self.metadata
        return (
            f"<Run {self.path}: {facts.element}{facts.n_atoms}, {facts.n_replicas} replicas, "
            f"{self.committed()} of {self.n_frames} frames>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_locked": 0, "_open_arrays": {}}  # a lock is one process's

    # -- what there is -----------------------------------------------------------------------

    @property
    def n_frames(self) -> int:
        """Planned frames."""
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
        """Blocks of a stage that are still to be computed, one chunk each.

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

    def frames(self, first: int = 0, last: int | None = None) -> Frames:
        """Return a typed view of committed frames: configurations, minima, chart, motifs, families.

        Parameters
        ----------
        first, last
            From which frame to before which; None is all that are committed.

        Raises
        ------
        ValueError
            If there are no such frames.
        """
        data = self.to_xarray()
        committed = {stage: self._journal.committed.get(stage, 0) for stage in STAGES}
        done = {stage: n for stage, n in committed.items() if n}
        records = {stage: dict(self._journal.info.get(stage, {})) for stage in STAGES}
        return view_frames(data, self.path, first, last, done, records)

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
            except (ValueError, KeyError) as error:
                raise StoreError(
                    f"the metadata of {self.path} cannot be read ({error}): restore its zarr.json "
                    "files from a copy of the run"
                ) from error
        self._journal.refresh()
        if self._journal.generations != store.generations:
            return self.to_xarray(chunks)  # a stage was made anew between record and metadata
        committed_part: xr.Dataset = dataset.isel(frame=slice(0, committed))
        return committed_part

    def verify(self) -> list[Damage]:
        """Read every committed chunk and list those that are damaged."""
        self._journal.refresh()
        found = []
        for chunk in list(self._committed_chunks()):
            reason = self._store.damage(chunk)
            # A writer may have made its stage anew meanwhile.
            if isinstance(reason, str) and self._journal.is_committed(chunk):
                name, index = chunk
                first = index * self.chunk_frames
                last = min(first + self.chunk_frames, self.committed()) - 1
                message = self._store.describe_damage(chunk, reason)
                found.append(Damage(name, index, first, last, message))
        return found

    # -- writing -----------------------------------------------------------------------------

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer for the duration of the block.

        Within it, the same thread may ask for it again.

        Raises
        ------
        StoreError
            If another process is; it is named with its host and process number.
        """
        self.require_writable()
        if self._locked == threading.get_ident():  # one that holds it calls another that needs it
            yield
            return
        with exclusive(self.path / RECORDS / "lock"):
            self._locked = threading.get_ident()
            try:
                self._journal.refresh()
                self._open_arrays.clear()  # another writer may have changed them
                finish_switch(self._store)
                _layout.remove_leftovers(self.path)
                _layout.repair(self._store)
                yield
            finally:
                self._locked = 0

    def write_frames(self, first: int, data: Mapping[str, ArrayLike]) -> None:
        """Write and commit a block of thermal frames; as `write` for the stage "frames"."""
        self.write(FRAMES, first, data)

    def write(self, stage: str, first: int, data: Mapping[str, ArrayLike]) -> None:
        """Write and commit a block of frames of one stage.

        Parameters
        ----------
        stage
            "frames" or another of the stages of `nanochart.store.VARIABLES`.
        first
            Number of the block's first frame: those before it must be committed.
        data
            Variable -> array with the dimensions of `nanochart.store.VARIABLES`. All blocks of a
            stage hold the same variables. A block ends at the end of a chunk, or with the last
            frame there is.

        Raises
        ------
        ValueError
            If the block does not fit the run.
        StoreError
            If it cannot be written; nothing of it counts then.
        """
        self.require_writable()
        with self._exclusive():
            self._journal.refresh()
            arrays = _blocks.check_block(self._shape(), stage, data)
            count = len(next(iter(arrays.values())))
            self._check_extent(stage, first, count)
            self._prepare(stage, arrays)
            self._store.take_written()
            for name, values in arrays.items():
                self._array(name)[first : first + count] = values
            written = self._store.take_written()
            self._commit(stage, first, count, written)

    def store_system(self, system: System) -> None:
        """Store species, masses and potential in the run, so that no later step needs a table.

        Raises
        ------
        StoreError
            If the energies of the run were made with another potential, or it cannot be written.
        """
        check_system(self.path, self.metadata, system)
        if self.holds_system and same_system(self.system, system):
            return
        self.require_writable()
        with self._exclusive():
            write_system(self.path, system)
            self._system = system

    def begin(self, stage: str, info: Mapping[str, Any]) -> None:
        """Begin a stage anew: it is empty, and so is all that was made of its results.

        The settings are recorded by the same line that drops what was there, so that the frames
        which follow, one block after the other, are never those of other settings.

        Parameters
        ----------
        stage
            A stage other than "frames".
        info
            How it will be computed, for `info` to return.
        """
        cleared = _and_dependents(stage)
        self.require_writable()
        with self._exclusive(), storage_errors(self.path):
            record = {"stage": stage, "clears": cleared, "info": dict(info)}
            self._journal.append({"kind": "begin", **record})
            self._open_arrays.clear()
            for each in cleared:
                _layout.replace_stage(self._store, each, {})

    def replace(self, stage: str, data: Mapping[str, ArrayLike], info: Mapping[str, Any]) -> None:
        """Put new results in the place of those of a stage, with their record, or change nothing.

        All that was made of the results before is dropped in the same moment. Whenever the process
        is killed, a reader finds the stage before as a whole, or the new one as a whole.

        Parameters
        ----------
        stage
            A stage other than "frames".
        data
            Variable -> values of all committed frames, as for `write`.
        info
            How they were computed, for `info` to return.

        Raises
        ------
        ValueError
            If the data do not fit the run.
        StoreError
            If they cannot be written; what was there before stays.
        """
        cleared = _and_dependents(stage)
        self.require_writable()
        with self._exclusive():
            self._journal.refresh()
            arrays = _blocks.check_block(self._shape(), stage, data)
            count, frames = len(next(iter(arrays.values()))), self._journal.frames()
            if count != frames or not count:
                raise ValueError(
                    f"the stage {stage!r} is replaced with all {frames} committed frames; got "
                    f"{count}"
                )
            token, chunks = stage_arrays(self._store, cleared, arrays)
            record = {"stage": stage, "clears": cleared, "frames": count, "token": token}
            written = {"chunks": encode_chunks(chunks), "info": dict(info)}
            self._journal.append({"kind": "switch", **record, **written})
            self._open_arrays.clear()
            finish_switch(self._store)

    def record_info(self, stage: str, info: Mapping[str, Any]) -> None:
        """Record how a stage was computed (its settings, its model), for `info` to return."""
        stage_variables(stage)
        self.require_writable()
        with self._exclusive():
            self._journal.append({"kind": "info", "stage": stage, "info": dict(info)})

    def require_writable(self) -> None:
        """Refuse a run that was opened for reading.

        Raises
        ------
        StoreError
            If it was.
        """
        if not self._writable:
            raise StoreError(f"{self.path} was opened for reading: open it with mode='a' to write")

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

    def clear(self, stage: str) -> None:
        """Remove a derived stage, so that it can be computed again."""
        if stage not in STAGES[1:]:
            raise ValueError(
                f"the stage to clear must be one of {', '.join(STAGES[1:])}; got {stage!r}: "
                "use truncate for thermal frames"
            )
        self.require_writable()
        with self._exclusive(), storage_errors(self.path):
            self._journal.refresh()
            self._journal.append({"kind": "clear", "stage": stage})
            self._open_arrays.clear()
            _layout.replace_stage(self._store, stage, {})

    def truncate(self, n_frames: int) -> None:
        """Give up the committed frames from ``n_frames`` on, in all stages.

        A run that continues from a checkpoint calls this with the checkpoint's frames, and then
        writes those that followed it again.
        """
        committed = self.committed()
        if not 0 <= n_frames <= committed:
            raise ValueError(
                f"n_frames must be between 0 and the {committed} committed frames; got {n_frames}"
            )
        self.require_writable()
        if n_frames < committed:
            with self._exclusive():
                self._journal.append({"kind": "truncate", "frames": n_frames})
                _layout.consolidate(self._store, {"complete": False})

    def extend(self, n_frames: int) -> None:
        """Plan for a longer run of ``n_frames`` frames in all."""
        self.require_writable()
        with self._exclusive():
            planned = self.n_frames
            if n_frames < planned:
                raise ValueError(
                    f"n_frames must be at least the {planned} frames already planned; got "
                    f"{n_frames}: use truncate to give up frames"
                )
            if n_frames > planned:
                self._journal.append({"kind": "planned", "n_frames": n_frames})
                _layout.resize(self._store)
                self._open_arrays.clear()

    def finalize(self) -> None:
        """Mark the run complete.

        Raises
        ------
        StoreError
            If planned frames are missing, or files of committed ones.
        """
        self.require_writable()
        with self._exclusive():
            committed, planned = self.committed(), self.n_frames
            if committed < planned:
                raise StoreError(
                    f"{self.path} has {committed} of {planned} planned frames, so it is not "
                    "complete: resume it first"
                )
            self.check_sizes()
            self._journal.append({"kind": "complete"})
            _layout.consolidate(self._store, {"complete": True})

    def save_checkpoint(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> None:
        """Save all that is needed to continue after the committed frames.

        The checkpoint before this one is kept until the next.

        Parameters
        ----------
        arrays
            Name -> array; numbers only.
        info
            Plain JSON values.
        """
        self.require_writable()
        with self._exclusive():
            save_checkpoint(self.path / RECORDS, arrays, info, self.committed())

    def load_checkpoint(self) -> Checkpoint | None:
        """Load the newest complete checkpoint, None if none was saved.

        More frames may be committed than it knows of; see `truncate`.

        Raises
        ------
        StoreError
            If checkpoints were saved and none can be used.
        """
        return load_checkpoint(self.path / RECORDS, self.committed())

    # -- within ------------------------------------------------------------------------------

    def _shape(self) -> dict[str, int]:
        facts = self.metadata
        return {"replica": facts.n_replicas, "atom": facts.n_atoms, "xyz": 3}

    def _end(self, stage: str) -> int:
        return self._journal.n_frames if stage == FRAMES else self._journal.frames()

    def _exclusive(self) -> AbstractContextManager[None]:
        return nullcontext() if self._locked else self.lock()

    def _array(self, name: str) -> Any:
        if name not in self._open_arrays:
            self._open_arrays[name] = _blocks.open_array(self._store, name)
        return self._open_arrays[name]

    def _check_extent(self, stage: str, first: int, count: int) -> None:
        committed = self._journal.committed.get(stage, 0)
        end = self._end(stage)
        if first != committed:
            raise ValueError(
                f"a block of the stage {stage!r} must begin at frame {committed}, the first that "
                f"is not committed; got {first}"
            )
        if first + count > end:
            raise ValueError(
                f"a block of the stage {stage!r} must end by frame {end}, the number of "
                f"{'planned' if stage == FRAMES else 'committed thermal'} frames; got {count} "
                f"frames from {first}"
            )
        if count == 0 or ((first + count) % self.chunk_frames and first + count != end):
            raise ValueError(
                f"a block must end at a multiple of {self.chunk_frames} frames (one chunk) or at "
                f"frame {end}, because a committed chunk is not rewritten; got {count} frames "
                f"from {first}: use run.pending({stage!r})"
            )

    def _prepare(self, stage: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Make the arrays of a stage at its first block; later blocks must hold the same."""
        present = self._journal.stage_arrays(stage)
        if self._journal.committed.get(stage, 0) and present != set(arrays):
            raise ValueError(
                f"all blocks of the stage {stage!r} must hold the same variables, here "
                f"{', '.join(sorted(present))}; got {', '.join(sorted(arrays))}"
            )
        if present == set(arrays) and present:
            return
        self._open_arrays.clear()
        shapes = {name: values.shape[1:] for name, values in arrays.items()}
        _layout.replace_stage(self._store, stage, shapes)

    def _commit(
        self, stage: str, first: int, count: int, written: Mapping[ChunkId, tuple[int, int]]
    ) -> None:
        files = [self.path / chunk_key(chunk) for chunk in written]
        with storage_errors(self.path):
            sync_all([*files, *{file.parent for file in files}])
        record = {"stage": stage, "first": first, "frames": count}
        self._journal.append({"kind": "commit", **record, "chunks": encode_chunks(written)})

    def _committed_chunks(self) -> Iterator[ChunkId]:
        for stage in (STATIC, *STAGES):
            for name in sorted(self._journal.stage_arrays(stage)):
                n_chunks = -(-self._journal.committed.get(stage, 0) // self.chunk_frames)
                yield from ((name, index) for index in range(n_chunks if stage != STATIC else 1))

    def lay_out(
        self,
        static: Mapping[str, tuple[np.ndarray, dict[str, Any]]],
        framed: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Make the first arrays of a new run (called by `nanochart.store.create` alone).

        Parameters
        ----------
        static
            Variable without a frame axis -> values and more attributes.
        framed
            Variable of the thermal frames -> shape without the frame axis.
        """
        for name, (values, attributes) in static.items():
            _layout.add_array(self.path, VARIABLES[name], values.shape, 0, 0, attributes=attributes)
            self._array(name)[:] = values
        self._commit(STATIC, 0, 0, self._store.take_written())
        _layout.replace_stage(self._store, FRAMES, framed)


def _and_dependents(stage: str) -> list[str]:
    """A stage with those that were made of its results."""
    if stage not in DEPENDENTS:
        raise ValueError(
            f"the stage to make anew must be one of {', '.join(DEPENDENTS)}; got {stage!r}"
        )
    return [stage, *DEPENDENTS[stage]]
