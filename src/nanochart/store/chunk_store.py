"""The Zarr store of a run: chunks are checked against the commit record in both directions.

Zarr itself reads a missing chunk as fill values and a flipped bit as data. Through this store a
committed chunk is its bytes or a `StoreError`, and a chunk that was never committed is missing,
whatever a killed process may have left in its place.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore

from nanochart.errors import StoreError
from nanochart.files import storage_errors, write_atomic
from nanochart.store.files import RECORDS
from nanochart.store.journal import Checksum, ChunkId, Journal, checksum, encode_chunks
from nanochart.store.root import checked_root, sealed_root
from nanochart.store.staged import waiting
from nanochart.store.variables import FRAMES, STATIC, VARIABLES

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

__all__ = ["ChunkStore", "chunk_key"]

_ROOT = "zarr.json"


def chunk_key(chunk: ChunkId) -> str:
    """Path of a chunk file in the run: one chunk along the frame axis, whole along the others."""
    name, index = chunk
    return f"{name}/" + ".".join(["c", str(index), *"0" * (len(VARIABLES[name].dims) - 1)])


def _chunk_id(key: str) -> ChunkId | None:
    """Find the chunk that a key names, None for metadata and foreign arrays."""
    name, _, file = key.partition("/")
    parts = file.split(".")
    if name not in VARIABLES or parts[0] != "c" or not parts[1:2] or not parts[1].isdecimal():
        return None
    return name, int(parts[1])


class ChunkStore(LocalStore):
    """A local Zarr store that knows the commit record of its run.

    Attributes
    ----------
    journal
        The commit record.
    generations
        Stage -> the generation that is read; None reads whatever there is.
    written
        Checksums of the chunks written since `take_written` was last called.
    """

    def __init__(
        self,
        root: Path,
        journal: Journal,
        *,
        read_only: bool = False,
        generations: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(root, read_only=read_only)
        self.journal = journal
        self.generations = generations
        self.written: dict[ChunkId, Checksum] = {}
        self._held: dict[str, bytes] | None = None

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002  Zarr's API
        """Return the same store with the given permission."""
        return type(self)(
            self.root, self.journal, read_only=read_only, generations=self.generations
        )

    def snapshot(self) -> "ChunkStore":
        """Return a store to read from, which mixes no frames of two generations of a stage."""
        seen = dict(self.journal.generations)
        return ChunkStore(self.root, self.journal, read_only=True, generations=seen)

    def take_written(self) -> dict[ChunkId, Checksum]:
        """Hand over the checksums of the chunks written since the last call."""
        written, self.written = self.written, {}
        return written

    @contextmanager
    def one_root(self) -> Iterator[None]:
        """Hold back the root's metadata, so that several changes appear in one atomic write."""
        self._held = {}
        try:
            yield
            held, self._held = self._held, None
            for key, data in held.items():
                self._write(key, data)
        finally:
            self._held = None

    async def get(
        self,
        key: str,
        prototype: "BufferPrototype | None" = None,
        byte_range: "ByteRequest | None" = None,
    ) -> "Buffer | None":
        """Read a value; a committed chunk that is damaged is a `StoreError`."""
        if _chunk_id(key) is None and key != _ROOT:
            return self._checked_metadata(key, await super().get(key, prototype, byte_range))
        return await asyncio.to_thread(
            self.get_sync, key, prototype=prototype, byte_range=byte_range
        )

    def _checked_metadata(self, key: str, found: "Buffer | None") -> "Buffer | None":
        """Refuse metadata that is damaged, by the name of its file."""
        if found is not None and key == _ROOT:
            checked_root(found.to_bytes(), self.root / key)
        elif found is not None and key.endswith(_ROOT):
            try:
                json.loads(found.to_bytes())
            except (ValueError, RecursionError) as error:
                raise StoreError(
                    f"{self.root / key} is damaged ({error}): restore it from a copy of the run"
                ) from error
        return found

    def get_sync(
        self,
        key: str,
        *,
        prototype: "BufferPrototype | None" = None,
        byte_range: "ByteRequest | None" = None,
    ) -> "Buffer | None":
        """Read a value, as `get`; newer Zarr calls this directly."""
        prototype = prototype or default_buffer_prototype()
        if self._held and key in self._held:
            return prototype.buffer.from_bytes(self._held[key])
        chunk = _chunk_id(key)
        if key == _ROOT and (folder := waiting(self.root, self.journal)) is not None:
            with contextlib.suppress(FileNotFoundError):  # it was moved to its place meanwhile
                content = (folder / _ROOT).read_bytes()
                checked_root(content, folder / _ROOT)
                return prototype.buffer.from_bytes(content)
        if chunk is None:
            return self._checked_metadata(
                key, super().get_sync(key, prototype=prototype, byte_range=byte_range)
            )
        if byte_range is not None:
            raise StoreError(
                f"{key} must be read whole, because its checksum covers the whole file; "
                f"got a request for {byte_range}: open the run without sharding"
            )
        data = self.read_chunk(chunk)
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(self, prototype: "BufferPrototype", key_ranges: Any) -> list[Any]:
        """Read several values, each as `get` does."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def set(self, key: str, value: "Buffer") -> None:
        """Write a value atomically and, for a chunk, note its checksum."""
        self._check_writable()
        await asyncio.to_thread(self._write, key, value.to_bytes())

    def set_sync(self, key: str, value: "Buffer") -> None:
        """Write a value, as `set`; newer Zarr calls this directly."""
        self._check_writable()
        self._write(key, value.to_bytes())

    async def set_if_not_exists(self, key: str, value: "Buffer") -> None:
        """Write a value unless there is one."""
        if not await self.exists(key):
            await self.set(key, value)

    def read_chunk(self, chunk: ChunkId) -> bytes | None:
        """Bytes of a committed chunk, None for a chunk that was not committed.

        Raises
        ------
        StoreError
            If the file is not what was committed.
        """
        self._check_generation(chunk)
        if not self.journal.is_committed(chunk):
            return None
        reason = self.damage(chunk)
        # That may have read the record again: a stage that was made anew meanwhile is not damaged,
        # and what is there now does not go with what was read before.
        self._check_generation(chunk)
        if isinstance(reason, str):
            if not self.journal.is_committed(chunk):
                return None
            raise StoreError(self.describe_damage(chunk, reason))
        return reason

    def _check_generation(self, chunk: ChunkId) -> None:
        stage = VARIABLES[chunk[0]].stage
        now = self.journal.generations.get(stage, 0)
        if self.generations is not None and self.generations.get(stage, 0) != now:
            raise StoreError(
                f"the stage {stage!r} of {self.root} was made anew while it was read: nothing is "
                "damaged; read it again"
            )

    def damage(self, chunk: ChunkId) -> bytes | str:
        """Bytes of a committed chunk, or in what way its file is not what was committed."""
        found = self._match(chunk)
        if isinstance(found, str):
            # A writer may have replaced the chunk since the commit record was last read.
            self.journal.refresh()
            found = self._match(chunk)
        return found

    def chunk_path(self, chunk: ChunkId) -> Path:
        """File of a committed chunk: in its place, or still beside it."""
        folder = waiting(self.root, self.journal)
        if folder is not None and (folder / chunk_key(chunk)).exists():
            return folder / chunk_key(chunk)
        return self.root / chunk_key(chunk)

    def _match(self, chunk: ChunkId) -> bytes | str:
        expected = self.journal.chunks.get(chunk, ())
        if not expected:
            return "has no intact line in the commit record"
        path = self.chunk_path(chunk)
        try:
            with storage_errors(path):
                data = path.read_bytes()
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                return "is missing"
            raise
        if checksum(data) in expected:
            return data
        sizes = " or ".join(str(size) for size, _ in expected)
        if len(data) in {size for size, _ in expected}:
            return "does not have the checksum it was committed with"
        return f"has {len(data)} bytes instead of {sizes}"

    def describe_damage(self, chunk: ChunkId, reason: str) -> str:
        """Say in one sentence what is damaged, which frames that loses, and the remedy."""
        name, index = chunk
        stage = VARIABLES[name].stage
        path = self.root / chunk_key(chunk)
        if stage == STATIC:
            return f"{name!r} of {self.root}: the file {path} {reason}; restore it from a copy"
        length = self.journal.chunk_frames
        first = index * length
        last = min(first + length, self.journal.committed.get(stage, first + length)) - 1
        remedy = (
            "restore the file from a copy of the run, or read the other frames"
            if stage == FRAMES
            else f"clear the stage {stage!r} and compute it again"
        )
        return (
            f"{name!r} of {self.root} is damaged in chunk {index} (frames {first} to {last}): "
            f"the file {path} {reason}; {remedy}"
        )

    def require_array(self, name: str) -> None:
        """Refuse to write to an array that somebody removed."""
        if not (self.root / name / _ROOT).exists():
            raise StoreError(
                f"the array {self.root / name} has vanished from the run, so its frames are lost: "
                "restore it from a copy of the run, or start a new one"
            )

    def _write(self, key: str, data: bytes) -> None:
        if self._held is not None and key == _ROOT:
            self._held[key] = data
            return
        path = self.root / key
        if key == _ROOT:
            data = sealed_root(data)
        chunk = _chunk_id(key)
        replaces = False
        if chunk is not None:
            value = checksum(data)
            self.written[chunk] = value
            self.require_array(chunk[0])
            replaces = self.journal.is_committed(chunk)
            if replaces:
                # The old bytes count until the new ones are in place: accept both, and nothing
                # in between, whenever a kill may come.
                self.journal.append({"kind": "replace", "chunks": encode_chunks({chunk: value})})
        with storage_errors(path):
            # New chunks reach the disk together, just before their commit line is written.
            write_atomic(path, data, staging=self.root / RECORDS, sync=chunk is None or replaces)
