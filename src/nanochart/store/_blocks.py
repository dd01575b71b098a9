"""Blocks of frames: checked against the run, then written into their chunks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike

from nanochart.store._chunk_store import ChunkStore
from nanochart.store._variables import Variable, stage_variables

__all__ = ["check_block", "open_array"]


def open_array(store: ChunkStore, name: str) -> Any:
    """Open an array for writing."""
    store.require_array(name)
    # A chunk of nothing but fill values is written too: it counts as much as any other.
    with zarr.config.set({"array.write_empty_chunks": True}):
        return zarr.open_array(store, path=name, mode="r+")


def check_block(
    sizes: Mapping[str, int], stage: str, data: Mapping[str, ArrayLike]
) -> dict[str, np.ndarray]:
    """Bring a block of frames into the types on disk, after checking that it fits the run.

    Parameters
    ----------
    sizes
        Dimension -> size, as far as the run fixes it.
    stage
        The block's stage.
    data
        Variable -> values.

    Raises
    ------
    ValueError
        If a variable is unknown, missing, of the wrong shape, or positions are not finite.
    """
    table = {variable.name: variable for variable in stage_variables(stage)}
    unknown = sorted(set(data) - set(table))
    if unknown:
        raise ValueError(
            f"the stage {stage!r} holds the variables {', '.join(table)}; got {', '.join(unknown)}"
        )
    missing = [v.name for v in table.values() if v.required and v.name not in data]
    if missing or not data:
        raise ValueError(
            f"a block of the stage {stage!r} must hold {', '.join(missing) or 'a variable'}; got "
            f"{', '.join(data) or 'nothing'}"
        )
    known = dict(sizes)
    arrays = {name: _check_values(table[name], values, known) for name, values in data.items()}
    # Of a run of which one frame in so many is quenched, the others have no minimum.
    outcome = arrays.get("quench_converged")
    for name, values in arrays.items():
        if name.endswith("positions"):
            _check_finite(name, values, None if outcome is None else outcome == -1)
    return arrays


def _check_values(variable: Variable, values: ArrayLike, known: dict[str, int]) -> np.ndarray:
    array = np.asarray(values)
    expected = tuple(known.get(dim, dim) for dim in variable.dims)
    fits = array.ndim == len(expected) and all(
        isinstance(size, str) or size == found
        for size, found in zip(expected, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{variable.name!r} must have the shape ({', '.join(map(str, expected))}); got "
            f"{array.shape}"
        )
    known.update(zip(variable.dims, array.shape, strict=True))
    if array.dtype.kind not in ("iub" if variable.dtype.startswith("int") else "fiu"):
        raise ValueError(
            f"{variable.name!r} must hold {variable.dtype}; got an array of {array.dtype}"
        )
    if variable.dtype.startswith("int") and array.size:
        limits = np.iinfo(variable.dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ValueError(
                f"{variable.name!r} must lie between {limits.min} and {limits.max}; got values "
                f"from {array.min()} to {array.max()}"
            )
    return np.ascontiguousarray(array, dtype=variable.dtype)


def _check_finite(name: str, positions: np.ndarray, absent: np.ndarray | None) -> None:
    wrong = ~np.isfinite(positions).all(axis=(2, 3))
    if absent is not None:
        wrong &= ~absent
    if wrong.any():
        frame, replica = np.argwhere(wrong)[0]
        raise ValueError(
            f"{name!r} must be finite (Å); got NaN or infinity in frame {frame} of the "
            f"block, replica {replica}: the configuration has exploded"
        )
