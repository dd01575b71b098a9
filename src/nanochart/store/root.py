"""The root's metadata of a run under a seal: what it was made from, and how its arrays are read.

Only what is nanochart's counts: attributes and arrays that others add do not break the seal.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from nanochart.errors import StoreError
from nanochart.files import storage_errors
from nanochart.seal import seal
from nanochart.store.files import FORMAT, FORMAT_KEY, FORMAT_OF_SEALS, SEAL_KEY
from nanochart.store.metadata import Metadata
from nanochart.store.variables import VARIABLES

__all__ = ["checked_root", "is_sealed", "sealed_root"]

_FACTS = {field.name for field in fields(Metadata)} | {FORMAT_KEY, "complete"}


def sealed_root(content: bytes) -> bytes:
    """The root's ``zarr.json`` with the seal of its values."""
    root = json.loads(content)
    root["attributes"][SEAL_KEY] = _seal(root)
    return json.dumps(root, indent=2).encode()


def checked_root(content: bytes, path: Path) -> dict[str, Any]:
    """Read the root's ``zarr.json``, which must be a group's and have the seal of its values.

    Runs that were made before there were seals have none, until they are written to.

    Parameters
    ----------
    content
        Of the file.
    path
        The file.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    try:
        root = json.loads(content)
        attributes = root["attributes"] if root["node_type"] == "group" else {}
        number = attributes.get(FORMAT_KEY)
        if isinstance(number, int) and number > FORMAT:
            return dict(root)  # to be refused as that of a newer nanochart
        known = isinstance(number, int) and number >= FORMAT_OF_SEALS
        whole = attributes[SEAL_KEY] == _seal(root) if SEAL_KEY in attributes else not known
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{path} is not readable as Zarr metadata ({error}): restore it from a copy of the run"
        ) from error
    if not whole:
        raise StoreError(
            f"{path} is damaged: its values do not have the checksum that they were written with; "
            "restore it from a copy of the run"
        )
    return dict(root)


def is_sealed(run: Path) -> bool:
    """Whether the metadata of a run have a seal: since it was made, or last written to."""
    path = run / "zarr.json"
    with storage_errors(path):
        return SEAL_KEY in checked_root(path.read_bytes(), path)["attributes"]


def _seal(root: dict[str, Any]) -> str:
    attributes = root["attributes"]
    listed = ((root.get("consolidated_metadata") or {}).get("metadata")) or {}
    return seal({
        "attributes": {key: attributes[key] for key in _FACTS & attributes.keys()},
        "arrays": {name: listed[name] for name in VARIABLES if name in listed},
    })  # fmt: skip
