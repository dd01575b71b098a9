"""One writer at a time.

The lock is the operating system's record lock on a file, so it ends with the process that holds
it, however that ends. The file also names the holder, for the message to whoever comes second.
Where the file system has no record locks, the name decides: a holder on this machine that no
longer runs has lost the lock.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from nanochart.errors import StoreError
from nanochart.files import storage_errors
from nanochart.processes import identity, is_alive, is_gone
from nanochart.store.files import RECORDS

__all__ = ["exclusive", "holder"]

# Record locks belong to the process, so a second holder in the same process is kept out here.
_HELD: set[tuple[int, Path]] = set()
_HELD_GUARD = threading.Lock()

#: Where Windows locks a byte: past the end, so that the holder's name stays readable.
_FAR = 1 << 30


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` for the duration of the block.

    Raises
    ------
    StoreError
        If another process, or another part of this one, holds it.
    """
    path = path.resolve()
    mark = (os.getpid(), path)
    with _HELD_GUARD:
        if mark in _HELD:
            raise StoreError(_refusal(path, _identity()))
        _HELD.add(mark)
    try:
        with storage_errors(path):
            file = _open(path)
        try:
            _acquire(file, path)
            with storage_errors(path):
                _write_holder(file, _identity())
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # a full disk must not mask the block's error
                    _write_holder(file, None)
        finally:
            file.close()  # ends the record lock
    finally:
        with _HELD_GUARD:
            _HELD.discard(mark)


def holder(run: Path) -> dict[str, Any] | None:
    """Host, process number and start of the writer of a run, None if nobody writes.

    The file is read and the lock left alone. A holder on another machine is believed: whether it
    still runs cannot be seen from here.
    """
    path = (run / RECORDS / "lock").resolve()
    # A process loses its record lock when it closes any file of that name: read nothing then.
    if (os.getpid(), path) in _HELD:
        return _identity()
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError), path.open("rb") as file:
        found = _read_holder(file)
    return found if found and not is_gone(found) else None


def _open(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    return os.fdopen(descriptor, "r+b")


def _acquire(file: IO[bytes], path: Path) -> None:
    try:
        _lock_record(file)
    except BlockingIOError:
        raise StoreError(_refusal(path, _read_holder(file))) from None
    except OSError:  # no record locks on this file system
        holder = _read_holder(file)
        if holder and not is_gone(holder):
            remedy = "" if is_alive(holder) else f"; if it no longer exists, delete {path}"
            raise StoreError(_refusal(path, holder) + remedy) from None


def _lock_record(file: IO[bytes]) -> None:
    """Take the system's lock; `BlockingIOError` if another process has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError from error
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # what some systems say instead
        raise BlockingIOError from error


def _identity() -> dict[str, Any]:
    return {**identity(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _read_holder(file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    try:
        holder = json.loads(file.read(4096) or b"{}")
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _write_holder(file: IO[bytes], holder: dict[str, Any] | None) -> None:
    file.seek(0)
    file.truncate()
    if holder is not None:
        file.write(json.dumps(holder).encode())
    file.flush()


def _refusal(path: Path, holder: dict[str, Any]) -> str:
    run = path.parent.parent.parent
    who = f"process {holder.get('pid', '?')} on {holder.get('host', 'an unknown host')}"
    since = f" since {holder['since']}" if holder.get("since") else ""
    return f"{run} is being written by {who}{since}: wait for it or end it"
