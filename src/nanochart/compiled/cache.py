"""Numba's cache of compiled kernels: a place for it, and one process at a time in it.

Numba keeps what it compiled beside the sources or in the user's cache folder, and refuses to
compile at all if it can write neither: a package that another user installed, in a job without a
home. A private folder of the temporary files takes their place then.
"""

import os
import stat
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from nanochart.processes import in_turn

__all__ = ["fallback_sentence", "guard_cache", "prepare_cache"]

_VARIABLE = "NUMBA_CACHE_DIR"

#: The folder that took the place of the usual ones in this process.
_fallback: list[str] = []


def prepare_cache(package: Path) -> None:
    """Set ``NUMBA_CACHE_DIR`` if nothing that is compiled could be kept, before Numba is imported.

    A folder that the user named by that variable is left alone.
    """
    if os.environ.get(_VARIABLE) or not package.is_dir():
        return
    folders = [package, *(p for p in package.iterdir() if p.is_dir() and p.name[0] not in "_.")]
    if all(_writable(f / "__pycache__") for f in folders) or _writable(_user_cache()):
        return
    folder = _private_folder()
    if folder is not None:
        os.environ[_VARIABLE] = folder
        _fallback.append(folder)


def fallback_sentence() -> str | None:
    """What to tell a user whose kernels are kept in the temporary files; None if they are not."""
    if not _fallback:
        return None
    return (
        f"neither the package nor the home folder can be written, so compiled kernels are kept in "
        f"{_fallback[0]}, which may not last: set {_VARIABLE} to a folder that does"
    )


def guard_cache() -> None:
    """Let the processes that share a cache write and read it one at a time.

    Numba enters the name of a kernel's file in an index and then writes the file, each whole, but
    without a lock: of two processes that compile a loop for other types, or for the processors of
    other machines, both can choose one name, and a third then reads one kernel as the other.
    """
    from numba.core.caching import IndexDataCacheFile

    for name in ("save", "load"):
        method = getattr(IndexDataCacheFile, name)
        if not hasattr(method, "__wrapped__"):
            setattr(IndexDataCacheFile, name, _alone(method))


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def guarded(self: Any, *arguments: Any) -> Any:
        with in_turn(Path(self._cache_path) / "kernels.lock"):
            return method(self, *arguments)

    return guarded


def _writable(folder: Path) -> bool:
    """Whether a folder can be written, or made and written."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _user_cache() -> Path:
    """Where Numba keeps what it compiles for a user (as ``appdirs`` has it)."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.expanduser raises without a home
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


def _private_folder() -> str | None:
    """A folder of this user alone: what others can write there would be run by this process."""
    import tempfile

    owner = getattr(os, "getuid", lambda: "user")()
    try:
        folder = Path(tempfile.gettempdir()) / f"nanochart-kernels-{owner}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        theirs = hasattr(os, "getuid") and found.st_uid != owner
        if theirs or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            return tempfile.mkdtemp(prefix="nanochart-kernels-")
    except OSError:
        return None
    return str(folder)
