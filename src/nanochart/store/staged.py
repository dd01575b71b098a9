"""Where arrays of a run wait that count already and are not in their places yet."""

from pathlib import Path

from nanochart.store.files import RECORDS
from nanochart.store.journal import Journal

__all__ = ["staged", "waiting"]

_ROOT = "zarr.json"


def staged(run: Path, token: str) -> Path:
    """Folder of arrays that wait for their places."""
    return run / RECORDS / f"{token}.part"


def waiting(run: Path, journal: Journal) -> Path | None:
    """Folder of arrays that count and are not all in their places yet; None if there is none."""
    if journal.switch is None:
        return None
    folder = staged(run, journal.switch)
    return folder if (folder / _ROOT).exists() else None
