"""Blocks of frames: checked against the run, then written into their chunks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike

from nanochart.files import storage_errors, sync_all
from nanochart.store import layout
from nanochart.store.chunk_store import ChunkStore, chunk_key
from nanochart.store.journal import encode_chunks
from nanochart.store.metadata import Metadata
from nanochart.store.variables import FRAMES, STATIC, VARIABLES, Variable, stage_variables

__all__ = ["BlockWriter"]


class BlockWriter:
    """Checks the blocks of a run, writes them, and commits them.

    Parameters
    ----------
    store
        Store of the run.
    metadata
        What the run was made from, which fixes the sizes.
    """

    def __init__(self, store: ChunkStore, metadata: Metadata) -> None:
        self._store = store
        self._journal = store.journal
        self._sizes = {"replica": metadata.n_replicas, "atom": metadata.n_atoms, "xyz": 3}
        self._open_arrays: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open_arrays": {}}

    def forget(self) -> None:
        """Open the arrays anew, because another writer may have changed them."""
        self._open_arrays.clear()

    def check(self, stage: str, data: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Bring a block into the types on disk; a `ValueError` if it does not fit the run."""
        return _check_block(self._sizes, stage, data)

    def write(self, stage: str, first: int, arrays: Mapping[str, np.ndarray], end: int) -> None:
        """Write and commit a checked block.

        Parameters
        ----------
        stage
            The block's stage.
        first
            Number of its first frame.
        arrays
            As `check` returns them.
        end
            Frames that the stage can have.

        Raises
        ------
        ValueError
            If the block does not follow what is committed.
        """
        count = len(next(iter(arrays.values())))
        self._check_extent(stage, first, count, end)
        self._prepare(stage, arrays)
        self._store.take_written()
        for name, values in arrays.items():
            self._array(name)[first : first + count] = values
        self._commit(stage, first, count)

    def lay_out(
        self,
        static: Mapping[str, tuple[np.ndarray, dict[str, Any]]],
        framed: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Make the first arrays of a new run.

        Parameters
        ----------
        static
            Values and more attributes of each variable without a frame axis.
        framed
            Shape without the frame axis of each variable of the thermal frames.
        """
        for name, (values, attributes) in static.items():
            layout.add_array(
                self._store.root, VARIABLES[name], values.shape, 0, 0, attributes=attributes
            )
            self._array(name)[:] = values
        self._commit(STATIC, 0, 0)
        layout.replace_stage(self._store, FRAMES, framed)

    def _array(self, name: str) -> Any:
        """Open an array for writing."""
        if name not in self._open_arrays:
            self._store.require_array(name)
            # A chunk of nothing but fill values is written too: it counts as much as any other.
            with zarr.config.set({"array.write_empty_chunks": True}):
                array = zarr.open_array(self._store, path=name, mode="r+")
            self._open_arrays[name] = array
        return self._open_arrays[name]

    def _check_extent(self, stage: str, first: int, count: int, end: int) -> None:
        chunk = self._journal.chunk_frames
        committed = self._journal.committed.get(stage, 0)
        if first != committed:
            raise ValueError(
                f"a block of the stage {stage!r} must begin at frame {committed}, the first that "
                f"is not committed; got {first}"
            )
        if first + count > end:
            raise ValueError(
                f"a block of the stage {stage!r} must end by frame {end}, the number of "
                f"{'planned' if stage == FRAMES else 'committed thermal'} frames; got {count} "
                f"frames from {first}"
            )
        if count == 0 or ((first + count) % chunk and first + count != end):
            raise ValueError(
                f"a block must end at a multiple of {chunk} frames (one chunk) or at "
                f"frame {end}, because a committed chunk is not rewritten; got {count} frames "
                f"from {first}: use run.pending({stage!r})"
            )

    def _prepare(self, stage: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Make the arrays of a stage at its first block; later blocks must hold the same."""
        present = self._journal.stage_arrays(stage)
        if self._journal.committed.get(stage, 0) and present != set(arrays):
            raise ValueError(
                f"all blocks of the stage {stage!r} must hold the same variables, here "
                f"{', '.join(sorted(present))}; got {', '.join(sorted(arrays))}"
            )
        if present == set(arrays) and present:
            return
        self._open_arrays.clear()
        shapes = {name: values.shape[1:] for name, values in arrays.items()}
        layout.replace_stage(self._store, stage, shapes)

    def _commit(self, stage: str, first: int, count: int) -> None:
        """Bring what was written to the disk, and then the line that makes it count."""
        written = self._store.take_written()
        files = [self._store.root / chunk_key(chunk) for chunk in written]
        with storage_errors(self._store.root):
            sync_all([*files, *{file.parent for file in files}])
        record = {"stage": stage, "first": first, "frames": count}
        self._journal.append({"kind": "commit", **record, "chunks": encode_chunks(written)})


def _check_block(
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
