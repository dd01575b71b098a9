"""Files that appear whole or not at all, and what to say when they cannot be written."""

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from nanochart.errors import StoreError

__all__ = ["FORMAT", "RECORDS", "storage_errors", "sync_all", "write_atomic"]

#: Version of the layout on disk; a reader refuses a newer one.
FORMAT = 1

#: Folder of the files that are not Zarr: commit record, checkpoints, lock. It is the folder of a
#: scalar Zarr array, because a reader lists the members of a group but never those of an array;
#: anywhere else Zarr would warn about objects that it does not recognize.
RECORDS = Path("restart") / "files"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` in the block into a `StoreError` that says what to do about ``path``."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                f"no space is left for {path}: free some and resume; what was committed is intact"
            ) from error
        if error.errno in _FORBIDDEN:
            raise StoreError(
                f"{path} must be readable and writable for this, but the system says "
                f"{error.strerror!r}: change its permissions or copy the run elsewhere"
            ) from error
        raise StoreError(f"{path} cannot be read or written: {error.strerror or error}") from error


def sync_all(paths: Sequence[Path]) -> None:
    """Wait until files and the names in folders have reached the disk.

    All at once, because a file system can serve many such requests in one turn of its journal.
    """
    if paths:
        with ThreadPoolExecutor(max_workers=min(16, len(paths))) as pool:
            list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # only POSIX systems open folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(
    path: Path, data: bytes | memoryview, *, staging: Path | None = None, sync: bool = True
) -> None:
    """Write a file that readers see whole or not at all, also when the process is killed.

    Parameters
    ----------
    path
        The file; its folder is made if missing.
    data
        The content.
    staging
        Folder of the temporary file, on the same file system; that of ``path`` if None.
    sync
        Whether to wait for the disk before the file takes its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = (staging or path.parent) / f"{path.name}.{secrets.token_hex(6)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        _sync(path.parent)
