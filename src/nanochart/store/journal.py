"""The commit record of a run: an append-only log with a checksum on every line.

A chunk of data counts once its commit line is in the log, complete and with its checksum. A line
that a kill tore off has no end; it is ignored, and so are the files it would have committed. A line
holds the size and CRC-32 of each chunk file, so a file that later changed, shrank or vanished is
recognized.

The checksum of a line is the CRC-32 of its record, continued from that of the line before, so a
line that changed, vanished, came twice or moved is recognized, too. Such a log is refused: a stage
would be lost, or recorded with the settings of another.
"""

import json
import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nanochart.errors import StoreError
from nanochart.files import storage_errors
from nanochart.store.variables import FRAMES, STATIC, VARIABLES

__all__ = ["Checksum", "ChunkId", "Journal", "checksum", "encode_chunks"]

#: Size in bytes and CRC-32 of a chunk file.
Checksum = tuple[int, int]

#: Array name and index of the chunk along the frame axis.
ChunkId = tuple[str, int]

#: Length of a checksum.
_DIGITS = 8

#: Threads of one process read and write a log one after another.
_ONE = threading.RLock()


def checksum(data: bytes | memoryview) -> Checksum:
    """Size and CRC-32 of some bytes."""
    return len(data), zlib.crc32(data)


@dataclass
class Journal:
    """The state that the log of one run spells out; `refresh` reads on, `append` adds a line.

    Attributes
    ----------
    path
        The log.
    n_frames
        Planned frames.
    committed
        Stage -> number of frames that count.
    chunks
        Chunk -> the checksums its file may have. Two, while a chunk that was committed before it
        was full is being replaced by a fuller one.
    info
        Stage -> what was recorded about it.
    complete
        Whether the run is finalized.
    ended
        Whether it ever was.
    chunk_frames
        Frames per chunk.
    generations
        Stage -> how often it was cleared or replaced. Frames of two generations do not go together.
    switch
        Token of the arrays that were last put in the place of others, None before the first.
    """

    path: Path
    chunk_frames: int
    n_frames: int = 0
    committed: dict[str, int] = field(default_factory=dict)
    chunks: dict[ChunkId, tuple[Checksum, ...]] = field(default_factory=dict)
    info: dict[str, dict[str, Any]] = field(default_factory=dict)
    complete: bool = False
    ended: bool = False
    generations: dict[str, int] = field(default_factory=dict)
    switch: str | None = None
    _offset: int = 0
    _lines: int = 0
    _crc: int = 0  # of the last line
    _chained: bool = False  # whether a line was read that continues the one before

    def refresh(self) -> None:
        """Read the lines that were added since the last time.

        Raises
        ------
        StoreError
            If the log is missing or damaged.
        """
        with _ONE:
            self._read_on()

    def _read_on(self) -> None:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError as error:
            raise StoreError(
                f"the commit record {self.path} is missing, so no frame of the run counts: "
                "restore it from a copy of the run"
            ) from error
        if size == self._offset:
            return
        if size < self._offset:  # an older copy was put in its place: read it from the start
            self.n_frames, self._offset, self.complete, self.ended = 0, 0, False, False
            self.committed, self.chunks, self.info = {}, {}, {}
            self.generations, self.switch = {}, None
            self._lines, self._crc, self._chained = 0, 0, False
        with storage_errors(self.path), self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        end = text.rfind(b"\n") + 1  # the rest may be a line in the making
        for line in text[:end].split(b"\n")[:-1]:
            record = self._decode(line)
            # Earlier versions went on behind a line that a kill tore off.
            torn = not self._chained and not line.endswith(b"}")
            if record is None and not torn:
                raise StoreError(
                    f"line {self._lines + 1} of the commit record {self.path} is damaged or out of "
                    "place, so what followed cannot be relied on: restore the file from a copy of "
                    "the run (xarray.open_zarr reads the arrays without any check)"
                )
            self._lines += 1
            self._offset += len(line) + 1
            if record is not None:
                self._apply(record)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a line and wait until it is on the disk."""
        body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
        with _ONE, storage_errors(self.path):
            if self.path.exists():
                self.refresh()
                os.truncate(self.path, self._offset)  # the rest is a line that a kill tore off
            with self.path.open("ab") as file:
                file.write(b"%08x %s\n" % (zlib.crc32(body, self._crc), body))
                file.flush()
                os.fsync(file.fileno())
            self.refresh()

    def stage_arrays(self, stage: str) -> set[str]:
        """Names of the arrays that hold committed chunks of a stage."""
        return {name for name, _ in self.chunks if VARIABLES[name].stage == stage}

    def is_committed(self, chunk: ChunkId) -> bool:
        """Whether a chunk holds frames that count."""
        name, index = chunk
        stage = VARIABLES[name].stage
        if stage == STATIC:
            return chunk in self.chunks
        return index * self.chunk_frames < self.committed.get(stage, 0)

    def _decode(self, line: bytes) -> dict[str, Any] | None:
        """Read a record, or None from a line that is torn, damaged or out of place."""
        crc, _, body = line.partition(b" ")
        try:
            found = int(crc, 16) if len(crc) == _DIGITS else -1
            if found == zlib.crc32(body, self._crc):
                self._chained |= self._lines > 0
            elif self._chained or found != zlib.crc32(body):  # as earlier versions wrote them
                return None
            record = json.loads(body)
        except ValueError:
            return None
        self._crc = found
        return record if isinstance(record, dict) else None

    def _apply(self, record: dict[str, Any]) -> None:
        kind = record["kind"]
        if kind == "planned":
            self.n_frames, self.complete = record["n_frames"], False
        elif kind == "commit":
            self.committed[record["stage"]] = record["first"] + record["frames"]
            self.chunks.update({chunk: (value,) for chunk, value in _chunks(record).items()})
        elif kind == "replace":
            for chunk, value in _chunks(record).items():
                self.chunks[chunk] = (*self.chunks.get(chunk, ()), value)
        elif kind == "info":
            self.info[record["stage"]] = record["info"]
        elif kind == "complete":
            self.complete = self.ended = True
        elif kind == "truncate":
            self.complete = False
            for stage, frames in self.committed.items():
                self.committed[stage] = min(frames, record["frames"])
            self._forget()
        elif kind in {"clear", "begin", "switch"}:
            self._begin(record)

    def _begin(self, record: dict[str, Any]) -> None:
        """Drop stages and, unless that was all, begin one anew: empty, or with all its frames."""
        for stage in record.get("clears", [record["stage"]]):
            self.committed.pop(stage, None)
            self.info.pop(stage, None)
            self.generations[stage] = self.generations.get(stage, 0) + 1
        self._forget()
        if record["kind"] == "clear":
            return
        self.info[record["stage"]] = record["info"]
        if record["kind"] == "switch":
            self.committed[record["stage"]] = record["frames"]
            self.chunks.update({chunk: (value,) for chunk, value in _chunks(record).items()})
            self.switch = record["token"]

    def _forget(self) -> None:
        """Drop the checksums of chunks that no longer count."""
        self.chunks = {c: v for c, v in self.chunks.items() if self.is_committed(c)}

    def frames(self) -> int:
        """Thermal frames that count."""
        return self.committed.get(FRAMES, 0)


def encode_chunks(chunks: Mapping[ChunkId, Checksum]) -> dict[str, list[int]]:
    """Chunk checksums as they stand in a line of the log."""
    return {f"{name}/{index}": list(value) for (name, index), value in chunks.items()}


def _chunks(record: dict[str, Any]) -> dict[ChunkId, Checksum]:
    found: dict[ChunkId, Checksum] = {}
    for key, (size, crc) in record["chunks"].items():
        name, _, index = key.rpartition("/")
        if name in VARIABLES:
            found[name, int(index)] = (size, crc)
    return found
