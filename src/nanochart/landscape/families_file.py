"""Saved families: one safetensors file with a JSON header, as models are."""

import os
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nanochart.autoencoder import read_tensors, write_tensors
from nanochart.errors import ModelError
from nanochart.landscape.choice import Trial
from nanochart.landscape.families_config import FamiliesConfig

__all__ = ["read_families", "write_families"]

FORMAT: Final = "nanochart families"
#: 2 came with a checksum, 3 with one method; earlier files are read as before.
VERSION = 3

#: What files before version 3 said of other methods, and that of the one that is left.
_RETIRED: Final = {
    "method": "hdbscan", "bandwidth": "auto", "number": "auto", "criterion": "stability",
}  # fmt: skip


class _Header(BaseModel):
    """What a file of families says beside its arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format: Literal["nanochart families"] = FORMAT
    version: int = VERSION
    config: FamiliesConfig
    reach: float = Field(ge=0.0)
    size: float
    trials: tuple[Trial, ...]
    names: tuple[str, ...]
    cards: tuple[dict[str, Any], ...]
    provenance: dict[str, Any]


def write_families(
    path: str | os.PathLike[str],
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    about: Mapping[str, Any],
) -> None:
    """Write the arrays of families, and what else they are made of; see ``Families.save``."""
    arrays: dict[str, NDArray[Any]] = {"points": points, "labels": labels.astype(np.int16)}
    write_tensors(path, arrays, _Header(**about).model_dump(mode="json"))


def read_families(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What families that `write_families` wrote are made of; see ``load_families``."""
    tensors, values = read_tensors(path, FORMAT, VERSION)
    source, remedy = os.fspath(path), "run `nanochart families` again"
    try:
        header = _Header.model_validate(_of_today(values, source))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"the header of {source} is damaged ({where}: {first['msg']}): {remedy}"
        ) from error
    points, labels = tensors.get("points"), tensors.get("labels")
    if points is None or labels is None:
        raise ModelError(f"{source} lacks the arrays 'points' or 'labels': {remedy}")
    if (
        points.ndim != 2
        or labels.shape != points.shape[:1]
        or points.size == 0
        or not np.isfinite(points).all()
        or labels.dtype.kind != "i"
        or labels.min() < 0
        or labels.max() != len(header.names) - 1
    ):
        raise ModelError(
            f"the arrays of {source} must be finite points (minimum, d) and their labels from 0 to "
            f"{len(header.names) - 1}; got shapes {points.shape} and {labels.shape}: {remedy}"
        )
    about = {name: getattr(header, name) for name in _Header.model_fields}
    del about["format"], about["version"]
    return {"points": points.astype(np.float64), "labels": labels.astype(np.int64), **about}


def _of_today(values: dict[str, Any], source: str) -> dict[str, Any]:
    """A header of any version as one of today's."""
    config = values.get("config")
    if not isinstance(config, dict) or not _RETIRED.keys() <= config.keys() or "knob" not in values:
        return values
    if any(config[key] != default for key, default in _RETIRED.items()):
        raise ModelError(
            f"{source} holds families by {config['method']!r} and {config['criterion']!r}, which "
            "are settings no more: run `nanochart families` again"
        )
    kept = {key: value for key, value in config.items() if key not in _RETIRED}
    kept["size"] = None if kept.get("size") == "auto" else kept.get("size")
    rest = {key: value for key, value in values.items() if key != "knob"}
    return {**rest, "config": kept, "size": values["knob"]}
