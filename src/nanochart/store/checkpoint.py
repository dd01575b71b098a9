"""Checkpoints: all that a run needs to continue with identical numbers.

One checkpoint is two files, arrays (``.npz``, never pickled) and a description (``.json``) that is
written last and holds the checksum of the first and its own. The one before is kept, so there is
always a complete one, whatever a kill leaves of the newest.
"""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nanochart.errors import StoreError
from nanochart.files import storage_errors, write_atomic
from nanochart.seal import seal
from nanochart.shown import short_repr

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

_KEPT = 2
_SEAL = "seal"


@short_repr
@dataclass(frozen=True)
class Checkpoint:
    """A saved state of a run in progress, from which it can go on.

    Attributes
    ----------
    arrays
        Saved arrays by name.
    info
        JSON values that were saved beside the arrays.
    frames
        Number of thermal frames that were committed when the checkpoint was saved.
    skipped
        One sentence for each newer checkpoint that is damaged or has lost its frames.
    """

    arrays: dict[str, np.ndarray]
    info: dict[str, Any]
    frames: int
    skipped: tuple[str, ...] = ()


def save_checkpoint(
    folder: Path, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any], frames: int
) -> None:
    """Write a checkpoint and drop all but it and the one before.

    Raises
    ------
    TypeError
        If an array holds objects or ``info`` is not JSON.
    StoreError
        If it cannot be written; the previous one stays.
    """
    plain = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in plain.items():
        if array.dtype.hasobject:
            raise TypeError(
                f"the array {name!r} of a checkpoint must hold numbers, because objects would be "
                f"pickled; got dtype {array.dtype}"
            )
    buffer = io.BytesIO()
    np.savez(buffer, **plain)  # type: ignore[arg-type]
    data = buffer.getbuffer()
    description = {
        "frames": frames,
        "sha256": hashlib.sha256(data).hexdigest(),
        "info": dict(info),
    }
    try:
        text = json.dumps({**description, _SEAL: seal(description)}, allow_nan=True).encode()
    except TypeError as error:
        raise TypeError(f"the info of a checkpoint must be plain JSON; got {error}") from error
    present = list(_numbers(folder))
    number = present[0] + 1 if present else 1
    path = folder / f"checkpoint-{number:06d}.json"
    with storage_errors(path):
        write_atomic(path.with_suffix(".npz"), data)
        write_atomic(path, text)
    for old in present[_KEPT - 1 :]:
        for suffix in (".json", ".npz"):
            with contextlib.suppress(OSError):
                (folder / f"checkpoint-{old:06d}{suffix}").unlink(missing_ok=True)


def load_checkpoint(folder: Path, committed: int) -> Checkpoint | None:
    """Read the newest complete checkpoint whose frames are all committed.

    Parameters
    ----------
    folder
        Where the checkpoints are.
    committed
        Thermal frames that count.

    Returns
    -------
    Checkpoint or None
        None if none was ever saved.

    Raises
    ------
    StoreError
        If some were saved and none can be used.
    """
    skipped = []
    for number in _numbers(folder):
        path = folder / f"checkpoint-{number:06d}.json"
        found = _read(path)
        if isinstance(found, str):
            skipped.append(f"{path} {found}")
        elif found.frames > committed:
            skipped.append(
                f"{path} follows frame {found.frames}, but only {committed} frames are committed"
            )
        else:
            return Checkpoint(found.arrays, found.info, found.frames, tuple(skipped))
    if not skipped:
        return None
    raise StoreError(
        "no checkpoint of the run can be used, so it cannot be resumed; its committed frames stay "
        f"readable ({'; '.join(skipped)}): start a new run, or restore a checkpoint from a copy"
    )


def _numbers(folder: Path) -> Iterator[int]:
    """Numbers of the checkpoints whose description exists, newest first."""
    names = (path.stem.rpartition("-")[2] for path in folder.glob("checkpoint-*.json"))
    yield from sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def _read(path: Path) -> Checkpoint | str:
    """Read a checkpoint, or say what is wrong with it."""
    try:
        description = json.loads(path.read_bytes())
        own = description.pop(_SEAL, None)  # earlier versions wrote none
        known = description.keys() == {"frames", "sha256", "info"}
        if not known or (own is not None and own != seal(description)):
            return "does not have the checksum that it was written with"
        data = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(data).hexdigest() != description["sha256"]:
            return f"does not match {path.with_suffix('.npz').name}, which is cut short or changed"
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Checkpoint(dict(arrays), description["info"], int(description["frames"]))
    except FileNotFoundError:
        return "has lost its .npz file"
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        return f"is unreadable ({error})"
