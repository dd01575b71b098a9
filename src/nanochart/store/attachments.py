"""Files that belong to a run and never change, each beside its checksum.

They are written before the folder of a new run appears, so a run has all of them or none.
"""

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nanochart.errors import StoreError
from nanochart.files import storage_errors, write_atomic
from nanochart.store.files import RECORDS

__all__ = ["find_attachment", "pack", "unpack", "write_attachments"]

_INFO = "info"
#: Bytes of all arrays of a file together, at most.
_LARGEST = 4_000_000_000
#: Version of the format of an array -> what reads its header.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write_attachments(run: Path, contents: Mapping[str, bytes]) -> None:
    """Write files of a run in the making, and their checksums."""
    for name, content in contents.items():
        digest = hashlib.sha256(content).hexdigest()
        write_atomic(run / RECORDS / name, content)
        write_atomic(run / RECORDS / f"{name}.sha256", f"{digest}\n".encode())


def find_attachment(run: Path, name: str) -> Path | None:
    """File of a run whose content is what was written; None if it has none of that name.

    Raises
    ------
    StoreError
        If it is missing or damaged.
    """
    path, seal = run / RECORDS / name, run / RECORDS / f"{name}.sha256"
    if not path.exists() and not seal.exists():
        return None
    with storage_errors(path):
        found = [p.read_bytes() if p.exists() else None for p in (path, seal)]
    content, digest = found
    if content is None or digest is None or hashlib.sha256(content).hexdigest() != _text(digest):
        what = "is missing" if content is None else "does not have the checksum beside it"
        raise StoreError(f"{path} is damaged: it {what}; restore it from a copy of the run")
    return path


def _text(digest: bytes) -> str:
    return digest.decode("ascii", errors="replace").strip()


def pack(arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> bytes:
    """Pack arrays of numbers and plain JSON values into the content of one file."""
    text = json.dumps(dict(info), allow_nan=False).encode()
    buffer = io.BytesIO()
    parts = {_INFO: np.frombuffer(text, dtype=np.uint8), **arrays}
    np.savez_compressed(buffer, **parts)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(source: Path | bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `pack` was given, from a file of its content or the content itself.

    Raises
    ------
    ValueError
        If it is no such content, or its arrays are larger than what is there.
    """
    if isinstance(source, Path):
        with storage_errors(source):
            source = source.read_bytes()
    try:
        _check_sizes(source)
        with np.load(io.BytesIO(source), allow_pickle=False) as stored:
            arrays = dict(stored)
        info = json.loads(arrays.pop(_INFO).tobytes())
    except (
        zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RecursionError,
    ) as error:  # fmt: skip
        raise ValueError(f"it is no file of arrays ({error})") from error
    if not isinstance(info, dict):
        raise ValueError(f"it is no file of arrays: it tells of {info!r:.40}")  # noqa: TRY004
    return arrays, info


def _check_sizes(content: bytes) -> None:
    """Compare what the arrays say of their sizes with what they hold, before any is made."""
    with zipfile.ZipFile(io.BytesIO(content)) as stored:
        parts = stored.infolist()
        total = sum(part.file_size for part in parts)
        if total > _LARGEST:
            raise ValueError(f"its arrays have {total} bytes, more than {_LARGEST}")
        for part in parts:
            with stored.open(part) as file:
                read_header = _HEADERS.get(np.lib.format.read_magic(file))
                if read_header is None:
                    raise ValueError(f"{part.filename} has an unknown format")
                shape, _, dtype = read_header(file)
                if math.prod(shape) * dtype.itemsize != part.file_size - file.tell():
                    raise ValueError(f"{part.filename} does not have the size that it states")
