"""Files that appear whole or not at all, and what to say when they cannot be written.

All that the package writes goes through here: a kill or a full disk leaves the file that was there
before, never a part of a new one.
"""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from nanochart.errors import StoreError
from nanochart.processes import in_turn, made_by_gone, mark

__all__ = [
    "beside",
    "place_folder",
    "remove_abandoned",
    "replacing",
    "replacing_set",
    "scratch_folder",
    "storage_errors",
    "sync_all",
    "write_atomic",
    "write_text",
]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_OUTPUT = "free some and run the command again; what was there before is intact"
_OUTPUT_SET = "free some and run the command again, which replaces all files of the set"


@contextmanager
def storage_errors(
    path: Path, *, full: str = "free some and resume; what was committed is intact"
) -> Iterator[None]:
    """Turn an `OSError` in the block into a `StoreError` that says what to do about ``path``.

    Parameters
    ----------
    path
        What is read or written.
    full
        What to do, and what is left, when the disk is full.
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(f"no space is left for {path}: {full}") from error
        if error.errno in _FORBIDDEN:
            raise StoreError(
                f"{path} must be readable and writable for this, but the system says "
                f"{error.strerror!r}: change its permissions or choose another place"
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


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A file to write in the block, which takes the name ``path`` when the block ends well.

    It has that name's ending, in a folder of its own beside it. What is no plain file, as
    ``/dev/stdout``, is written directly; of a link, the file that it leads to is replaced.

    Raises
    ------
    StoreError
        If the file cannot be written; one that was there before is intact.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    with scratch_folder(target) as folder:
        temporary = folder / target.name
        try:
            yield temporary
        except StoreError:
            raise
        except OSError as error:
            # An error with the name of another file is not about this one.
            if error.filename is not None and folder not in Path(error.filename).parents:
                raise
            with storage_errors(target, full=_OUTPUT):
                raise
        with storage_errors(target, full=_OUTPUT):
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)


@contextmanager
def replacing_set(folder: str | os.PathLike[str], name: str) -> Iterator[Path]:
    """A folder to write files in within the block, which belong together, as figures and numbers.

    When the block ends well they take their places in ``folder`` one after another, and files of
    the set before that the new one lacks are removed; which these are stands in ``.NAME.files``.
    Meanwhile ``INCOMPLETE-NAME.txt`` stands there, and a kill leaves it: without it, all files of
    the set are of one making. What else is in the folder stays.

    Parameters
    ----------
    folder
        The folder; made if missing.
    name
        Of the set, which is that of the command that makes it.

    Raises
    ------
    StoreError
        If a file cannot be written; while the block runs, the set before is intact.
    """
    target = Path(os.path.realpath(folder))
    listing, marker = target / f".{name}.files", target / f"INCOMPLETE-{name}.txt"
    with scratch_folder(target / name) as scratch:
        try:
            yield scratch
        except StoreError as error:
            raise StoreError(str(error).replace(str(scratch), str(target))) from error
        made = sorted(path.name for path in scratch.iterdir() if path.name != listing.name)
        with storage_errors(target, full=_OUTPUT_SET), in_turn(target):
            gone = sorted(set(_listed(listing)) - set(made))
            sentence = (
                f"The files of `nanochart {name}` in this folder are not all of one making: the "
                "command was stopped while it replaced them. Run it again.\n"
            )
            write_atomic(marker, sentence.encode(), staging=scratch)
            write_atomic(listing, json.dumps([*made, *gone]).encode(), staging=scratch)
            for each in made:
                (scratch / each).replace(target / each)
            for each in gone:
                (target / each).unlink(missing_ok=True)
            write_atomic(listing, json.dumps(made).encode(), staging=scratch)
            marker.unlink()
            _sync(target)


def _listed(listing: Path) -> list[str]:
    """Names of the files of a set, as it was left; none where nothing tells them."""
    try:
        names = json.loads(listing.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    known = names if isinstance(names, list) else []
    return [name for name in known if isinstance(name, str) and name == Path(name).name]


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text in UTF-8, as `replacing` does, and return its path."""
    with replacing(path) as file:
        file.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A folder beside ``path``, removed after the block.

    What processes that were killed left of such folders is removed first.
    """
    folder = beside(path)
    try:
        with storage_errors(path, full=_OUTPUT):
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(path)
            folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def beside(path: Path) -> Path:
    """Name beside ``path`` for what is to become it; see `remove_abandoned`."""
    return path.with_name(f".{path.name}.{mark()}.part")


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed left of a ``path`` in the making."""
    if not path.parent.is_dir():
        return
    head, tail = f".{path.name}.", ".part"
    for found in path.parent.iterdir():
        name = found.name
        if (
            name.startswith(head)
            and name.endswith(tail)
            and made_by_gone(name.removeprefix(head).removesuffix(tail))
        ):
            shutil.rmtree(found, ignore_errors=True)


def place_folder(folder: Path, path: Path, taken: str) -> None:
    """Give a folder that is complete its name, unless somebody else was first.

    Parameters
    ----------
    folder
        The folder, beside ``path``.
    path
        Its name; an empty folder there gives way.
    taken
        What to say if the name is taken.

    Raises
    ------
    StoreError
        If there is something of that name.
    """
    try:
        if path.exists():
            path.rmdir()
        folder.rename(path)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise StoreError(taken) from error
        raise
