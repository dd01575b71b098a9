"""Files of named arrays with a JSON header, in the safetensors format: data only, never code.

The header holds the seal of itself and the arrays, so that no changed weight gives another chart.
Files of earlier versions have none, and are read as before.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from nanochart.errors import ModelError
from nanochart.files import replacing
from nanochart.seal import seal

__all__ = ["read_tensors", "write_tensors"]

_HEADER, _SEAL = "nanochart", "sha256"

# What a file is when it is not ours: PyTorch writes zip archives, pickle begins with its protocol.
_FOREIGN = {
    b"PK\x03\x04": "a zip archive, as written by torch.save",
    b"\x80": "a pickle, which could run code when read",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
}


def write_tensors(
    path: str | os.PathLike[str], tensors: dict[str, NDArray[Any]], header: dict[str, Any]
) -> None:
    """Write arrays and a header to one file, whole or not at all.

    Parameters
    ----------
    path
        The file; its folder is made if missing.
    tensors
        Arrays by name.
    header
        Anything JSON can hold, without NaN or infinity.

    Raises
    ------
    StoreError
        If the file cannot be written; a file that was there before is intact.
    """
    json.dumps(header, allow_nan=False)
    # A strided array would be written in the wrong order.
    arrays = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    text = json.dumps({**header, _SEAL: seal(header, arrays)}, sort_keys=True)
    content = save(arrays, metadata={_HEADER: text})
    with replacing(path) as file:
        file.write_bytes(content)


def read_tensors(
    path: str | os.PathLike[str], kind: str, version: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what ``write_tensors`` wrote.

    Parameters
    ----------
    path
        The file.
    kind
        What ``header["format"]`` must be, such as "nanochart model".
    version
        The newest ``header["version"]`` that this version of nanochart reads.

    Returns
    -------
    tensors, header

    Raises
    ------
    ModelError
        If the file is missing, foreign, damaged, of another kind, or from a newer nanochart.
    """
    source = Path(path)
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise ModelError(f"{source} must be a {kind} file, but it {what}: check the path")
    with source.open("rb") as file:
        start = file.read(8)
    for magic, what in _FOREIGN.items():
        if start.startswith(magic) and not _plausible_length(start, source):
            raise ModelError(
                f"{source} must be a {kind} file (safetensors), but it is {what}; it was not "
                "opened: save the model with nanochart"
            )
    try:
        with safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{source} must be a {kind} file (safetensors), but it is truncated, damaged or of "
            f"another format ({error}): copy or train it again"
        ) from error
    header = _checked_header(source, metadata, kind, version)
    own = header.pop(_SEAL, None)
    if own is not None and own != seal(header, tensors):
        raise ModelError(
            f"{source} is damaged: it does not have the checksum that it was written with; copy or "
            "make it again"
        )
    return tensors, header


def _plausible_length(start: bytes, source: Path) -> bool:
    """Whether the first 8 bytes are a header length that fits, as in a safetensors file."""
    return len(start) == 8 and int.from_bytes(start, "little") + 8 <= source.stat().st_size


def _checked_header(
    source: Path, metadata: dict[str, str], kind: str, version: int
) -> dict[str, Any]:
    try:
        header = json.loads(metadata[_HEADER])
        found_kind, found_version = header["format"], int(header["version"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"{source} is a safetensors file without the header of a {kind} file; it was written "
            "by another program: give a file that nanochart saved"
        ) from error
    if found_kind != kind:
        raise ModelError(
            f"{source} must be a {kind} file; got a {found_kind!r} file: check the path"
        )
    if found_version > version:
        raise ModelError(
            f"{source} has format version {found_version}, but this nanochart reads up to "
            f"{version}: install a newer nanochart"
        )
    return dict(header)
