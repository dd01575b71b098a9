"""Which process made something, whether it still runs, and whose turn it is."""

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["identity", "in_turn", "is_alive", "is_gone", "made_by_gone", "mark"]


def identity() -> dict[str, Any]:
    """Host, number and start of this process; the start tells it from a later one of its number."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": _start(pid)}


def is_gone(process: Mapping[str, Any]) -> bool:
    """Whether a process ran on this machine and no longer does.

    Of another machine, or on a system that does not tell, the answer is no.
    """
    if process.get("host") != socket.gethostname() or os.name != "posix":
        return False
    pid = process.get("pid")
    if not isinstance(pid, int) or not 0 < pid < 2**31:
        return True  # no process has that number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    start = _start(pid)
    return start is not None and process.get("started") not in {None, start}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether a process is known to run on this machine: its number has the start it tells."""
    here = process.get("host") == socket.gethostname() and isinstance(process.get("pid"), int)
    return here and process.get("started") not in {None, ""} and not is_gone(process)


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block with the same file or folder.

    Nobody waits where it cannot be opened, or the system has no locks. A file is made if missing.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            how = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
            descriptor = os.open(path, how, 0o666)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def mark() -> str:
    """A name for something unfinished, by which `made_by_gone` knows who left it."""
    me = identity()
    return f"{me['host']}-{me['pid']}-{me['started'] or ''}-{secrets.token_hex(4)}"


def made_by_gone(name: str) -> bool:
    """Whether a `mark` is that of a process that no longer runs; no, for any other text."""
    host, *rest = name.rsplit("-", 3)
    if len(rest) != 3 or not rest[0].isdecimal():
        return False
    return is_gone({"host": host, "pid": int(rest[0]), "started": rest[1] or None})


def _start(pid: int) -> str | None:
    """Start time of a process in the kernel's ticks, None where that is not to be had."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[19]
