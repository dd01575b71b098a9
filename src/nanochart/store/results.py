"""Results that were made of a run's frames, kept with the run so that nobody makes them twice.

A result knows what it was made of: its key. Under another key it is not there. It is a copy of what
can be made again, so a damaged one counts as absent, and a run that cannot be written to keeps
none. The writer's lock is not needed: a file appears whole, under a name of its own key.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanochart.errors import StoreError
from nanochart.files import replacing, storage_errors
from nanochart.store.attachments import pack, unpack
from nanochart.store.codec import decode, encode
from nanochart.store.files import RECORDS

__all__ = ["load_result", "save_result"]

_FOLDER = "results"
_MAGIC = b"nanochart result 1 "
#: Results of one name that are kept, of the last keys.
_MOST = 12
#: Largest file that is read, in bytes.
_LARGEST = 1_000_000_000


def save_result(run: Path, name: str, result: Any, key: Mapping[str, Any]) -> bool:
    """Keep a result; whether it could be written.

    Raises
    ------
    TypeError
        If result or key hold what `encode` does not know.
    """
    tree, arrays = encode(result)
    known = _canonical(key)
    content = pack(arrays, {"key": json.loads(known), "tree": tree})
    # The checksum stands in the file itself: two files are not replaced in one moment.
    digest = hashlib.sha256(content).hexdigest().encode()
    path = _path(run, name, known)
    try:
        with replacing(path) as file, storage_errors(path):
            file.write_bytes(_MAGIC + digest + b"\n" + content)
        _forget(path, name)
    except (StoreError, OSError):
        return False
    return True


def load_result(
    run: Path, name: str, key: Mapping[str, Any], types: Mapping[str, type]
) -> Any | None:
    """A result of this name and key; None if there is none.

    One that is damaged is none either, with a warning: it will be made again, of frames that have
    checksums of their own.
    """
    known = _canonical(key)
    path = _path(run, name, known)
    if not path.exists():
        return None
    try:
        return _read(path, known, types)
    except (ValueError, OSError) as error:
        warnings.warn(
            f"{path} is damaged ({error}), so this result is computed again", stacklevel=3
        )
        return None


def _read(path: Path, known: str, types: Mapping[str, type]) -> Any:
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"it has {size} bytes")
    first, _, content = path.read_bytes().partition(b"\n")
    if first != _MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise ValueError("its checksum does not fit")
    arrays, info = unpack(content)
    if "tree" not in info or json.dumps(info.get("key"), sort_keys=True) != known:
        raise ValueError("it is one of another key")
    return decode(info["tree"], arrays, types)


def _forget(path: Path, name: str) -> None:
    """Remove the oldest results of a name where there are more than are kept."""
    found = sorted(path.parent.glob(f"{name}-*.npz"), key=lambda p: p.stat().st_mtime)
    for old in found[:-_MOST]:
        old.unlink(missing_ok=True)


def _path(run: Path, name: str, known: str) -> Path:
    digest = hashlib.sha256(known.encode()).hexdigest()[:16]
    return run / RECORDS / _FOLDER / f"{name}-{digest}.npz"


def _canonical(key: Mapping[str, Any]) -> str:
    return json.dumps(dict(key), sort_keys=True, allow_nan=False)
