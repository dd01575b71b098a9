"""What all processes of a test session share: runs made once, and compiled kernels."""

import os
import shutil
from pathlib import Path

from filelock import FileLock

import nanochart as nc


def made_once(tmp_path_factory, name, make):
    """Folder that `make` has filled, by whichever process of the session asked for it first.

    It is of all processes: copy it before anything is written beside or into it.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, begun = root / f"shared-{name}", root / f"begun-{name}"
    with FileLock(root / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder


def forget_stale_kernels():
    """Remove compiled kernels if one is older than a source.

    Numba compiles a kernel anew when its own file changes, but not when one that it calls does.
    """
    package = Path(nc.__file__).parent
    kernels = [p for p in package.rglob("*.py") if "from numba import" in p.read_text("utf-8")]
    newest = max(source.stat().st_mtime for source in kernels)
    compiled = [*package.rglob("*.nbi"), *package.rglob("*.nbc")]
    if any(file.stat().st_mtime < newest for file in compiled):
        for file in compiled:
            file.unlink(missing_ok=True)
