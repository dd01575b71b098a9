"""A run on disk: whole chunks to write, and the records beside them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nanochart.errors import StoreError
from nanochart.files import storage_errors
from nanochart.store import layout
from nanochart.store.blocks import BlockWriter
from nanochart.store.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from nanochart.store.files import RECORDS
from nanochart.store.journal import Journal, encode_chunks
from nanochart.store.lock import exclusive
from nanochart.store.metadata import Metadata
from nanochart.store.reading import RunReader
from nanochart.store.results import save_result
from nanochart.store.switch import finish_switch, stage_arrays
from nanochart.store.system import check_system, same_system, write_system
from nanochart.store.variables import DEPENDENTS, FRAMES, STAGES, stage_variables
from nanochart.system import System

__all__ = ["Run"]


class Run(RunReader):
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
        What the run was made from.
    """

    def __init__(self, path: Path, metadata: Metadata, journal: Journal, *, writable: bool) -> None:
        super().__init__(path, metadata, journal, writable=writable)
        self._writable = writable
        self._blocks = BlockWriter(self._store, metadata)
        self._locked = 0  # the thread that holds the lock by this object

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_locked": 0}  # a lock is one process's

    def save_result(self, name: str, result: Any, key: Mapping[str, Any]) -> bool:
        """Keep a result that was made of the run, beside its frames.

        Another process may write the run meanwhile. A run that was opened for reading, or cannot be
        written to, keeps nothing; that is no error, because the result can be made again.

        Parameters
        ----------
        name
            Of the result.
        result
            Dataclasses, tuples, mappings of numbers, text, arrays.
        key
            Plain JSON values: all that it depends on; see `fingerprint`.

        Returns
        -------
        bool
            Whether it is kept.
        """
        return self._writable and save_result(self.path, name, result, key)

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
                self._blocks.forget()  # another writer may have changed them
                finish_switch(self._store)
                layout.remove_leftovers(self.path)
                layout.repair(self._store)
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
            Array of each variable, with the dimensions of `nanochart.store.VARIABLES`. All blocks
            of a stage hold the same variables. A block ends at the end of a chunk, or with the last
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
            self._blocks.write(stage, first, self._blocks.check(stage, data), self._end(stage))

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
            Settings of the stage, for `info` to return.
        """
        cleared = _and_dependents(stage)
        self.require_writable()
        with self._exclusive(), storage_errors(self.path):
            record = {"stage": stage, "clears": cleared, "info": dict(info)}
            self._journal.append({"kind": "begin", **record})
            self._blocks.forget()
            for each in cleared:
                layout.replace_stage(self._store, each, {})

    def replace(self, stage: str, data: Mapping[str, ArrayLike], info: Mapping[str, Any]) -> None:
        """Put new results in the place of those of a stage, with their record, or change nothing.

        All that was made of the results before is dropped in the same moment. Whenever the process
        is killed, a reader finds the stage before as a whole, or the new one as a whole.

        Parameters
        ----------
        stage
            A stage other than "frames".
        data
            Values of each variable for all committed frames, as for `write`.
        info
            Settings of the stage, for `info` to return.

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
            arrays = self._blocks.check(stage, data)
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
            self._blocks.forget()
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
            self._blocks.forget()
            layout.replace_stage(self._store, stage, {})

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
                layout.consolidate(self._store, {"complete": False})

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
                layout.resize(self._store)
                self._blocks.forget()

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
            layout.consolidate(self._store, {"complete": True})

    def save_checkpoint(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> None:
        """Save all that is needed to continue after the committed frames.

        The checkpoint before this one is kept until the next.

        Parameters
        ----------
        arrays
            Arrays of numbers by name.
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

    def _exclusive(self) -> AbstractContextManager[None]:
        return nullcontext() if self._locked else self.lock()


def _and_dependents(stage: str) -> list[str]:
    """A stage with those that were made of its results."""
    if stage not in DEPENDENTS:
        raise ValueError(
            f"the stage to make anew must be one of {', '.join(DEPENDENTS)}; got {stage!r}"
        )
    return [stage, *DEPENDENTS[stage]]
