"""Text files of other programs, plain or gzipped, read line by line and within bounds."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np

from nanochart.interop.frame import FrameError, RawFrame

__all__ = [
    "CUT_SHORT",
    "Lines",
    "open_text",
    "parse_columns",
    "read_frames",
    "read_table",
]

#: What to do about a frame that is incomplete.
CUT_SHORT = "as a killed program leaves it: remove it, or import with --skip-bad-frames"
#: Characters of one line, and of the atoms of one frame, beyond which a file is no trajectory. A
#: compressed file may hold a thousand times its size.
_LONGEST_LINE = 2**20
_LONGEST_ROW = 2**17
_LARGEST_FRAME = 2**26
#: Atoms of one frame, and of those how many are read at once.
_MOST_ATOMS = 1_000_000
_ROWS = 256


class Lines:
    """The lines of a text file, which may be pushed back."""

    def __init__(self, file: TextIO) -> None:
        self._number = 0
        self._file = file
        self._pushed: list[str] = []  # the next one last

    def next(self) -> str:
        """Return the next line with its end, "" at the end of the file.

        Raises
        ------
        ValueError
            If the line is longer than any of a trajectory, or the compressed data are damaged.
        EOFError
            If the compressed data end too early.
        """
        return self._pushed.pop() if self._pushed else self._read(1, _LONGEST_LINE)[0]

    def several(self, count: int) -> list[str]:
        """Return the next lines, "" for those after the end of the file; raises as `next`."""
        pushed = [self._pushed.pop() for _ in range(min(count, len(self._pushed)))]
        return pushed + self._read(count - len(pushed), _LONGEST_ROW)

    def next_filled(self) -> str:
        """Return the next line that is not blank, "" at the end of the file."""
        for line in iter(self.next, ""):
            if line.strip():
                return line
        return ""

    def begins_with(self, text: str) -> bool:
        """Whether the file does; asked before anything is read."""
        return self._readlines(1, len(text))[0] == text

    def push_back(self, *lines: str) -> None:
        """Let the next lines be these."""
        self._pushed += lines[::-1]

    def _read(self, count: int, longest: int) -> list[str]:
        lines = self._readlines(count, longest + 1)
        if lines and max(map(len, lines)) > longest:
            line = self._number + 1 + next(k for k, v in enumerate(lines) if len(v) > longest)
            raise ValueError(
                f"line {line} is longer than {longest:,} characters, as none of a trajectory is: "
                "name a trajectory file"
            )
        self._number += count
        return lines

    def _readlines(self, count: int, limit: int) -> list[str]:
        readline = self._file.readline
        try:
            return [readline(limit) for _ in range(count)]
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"the compressed data are damaged ({error}): copy or write the file again"
            ) from error


@contextmanager
def open_text(path: Path) -> Iterator[Lines]:
    """Open a text file, compressed by gzip or not, whatever its name."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if compressed:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as text:
            yield Lines(text)
    else:
        with path.open(encoding="utf-8", errors="replace") as text:
            yield Lines(text)


def read_frames(
    lines: Lines,
    read_one: Callable[[Lines, str], RawFrame | None],
    is_first_line: Callable[[str], bool],
) -> Iterator[RawFrame | FrameError]:
    """Read frames one after another, and go on after one that is bad.

    Parameters
    ----------
    lines
        The file.
    read_one
        Reads the frame of a name ("frame 3"), or returns None at the end of the file.
    is_first_line
        Whether a line looks like the first of a frame: where reading goes on after a bad one.
    """
    number = 0
    while True:
        result: RawFrame | FrameError | None
        try:
            result = read_one(lines, f"frame {number}")
        except EOFError:
            yield FrameError(
                f"frame {number} is incomplete, because the compressed data end before the "
                f"end-of-stream marker, {CUT_SHORT}"
            )
            return
        except FrameError as error:
            result = error
        if result is None:
            return
        yield result
        if isinstance(result, FrameError):
            try:
                while (line := lines.next()) and not is_first_line(line):
                    pass
            except EOFError:
                return
            lines.push_back(line)
        number += 1


def read_table(lines: Lines, n_rows: int, what: str) -> tuple[list[str], int]:
    """Read the next lines as a table: its words row after row, and the number of columns.

    Raises
    ------
    FrameError
        If the file ends before, also within the last number, or the lines differ in their number
        of columns.
    """
    if not 1 <= n_rows <= _MOST_ATOMS:
        raise FrameError(f"{what} must have 1 to {_MOST_ATOMS:,} atoms; got {n_rows}")
    rows: list[list[str]] = []
    size = 0
    while len(rows) < n_rows:
        found = lines.several(min(_ROWS, n_rows - len(rows)))
        more = [line.split() for line in found]
        n_columns = len((rows or more)[0])
        if n_columns == 0 or set(map(len, more)) != {n_columns}:
            odd = next(k for k, words in enumerate(more) if len(words) != n_columns or not words)
            lines.push_back(*found[odd:])
            if not more[odd]:
                read = len(rows) + odd
                raise FrameError(f"{what} is incomplete ({read} of {n_rows} atoms), {CUT_SHORT}")
            raise FrameError(
                f"{what} must have the same number of columns for each of its atoms; got "
                f"{len(more[odd])} after {n_columns}"
            )
        rows += more
        size += sum(map(len, found))
        if size > _LARGEST_FRAME:
            raise ValueError(f"{what} is larger than any of a trajectory: name a trajectory file")
    if not found[-1].endswith("\n") and not _is_whole(rows):
        raise FrameError(
            f"{what} may be cut inside its last number, {rows[-1][-1]!r}, because its last line "
            "has no end: add one if that number is whole"
        )
    return list(chain.from_iterable(rows)), len(rows[0])


def _is_whole(rows: list[list[str]]) -> bool:
    """Whether the last number has as many decimals as all above it, and these have some."""
    decimals = {len(words[-1].partition(".")[2]) for words in rows}
    return len(rows) > 1 and len(decimals) == 1 and decimals != {0}


def parse_columns(words: list[str], columns: list[int], n_columns: int, what: str) -> np.ndarray:
    """Read columns of a table as numbers, (row, column).

    Raises
    ------
    FrameError
        If something in them is not a number.
    """
    try:
        return np.array([list(map(float, words[k::n_columns])) for k in columns]).T
    except ValueError as error:
        raise FrameError(f"{what} has something other than a number ({error!s:.100})") from error
