"""Files of other programs become a run, whole or not at all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nanochart._files import place_folder, scratch_folder, storage_errors
from nanochart.errors import StoreError
from nanochart.interop._trajectory import TrajectoryBlock, read_trajectory
from nanochart.store import Run, create
from nanochart.store import open as open_run
from nanochart.system import System

if TYPE_CHECKING:
    from nanochart.potentials import Potential

__all__ = ["import_trajectories"]


@dataclass
class _Spool:
    """A file that has been read and checked: its positions on disk, the rest in memory."""

    name: str
    path: Path
    element: str = ""
    n_atoms: int = 0
    energies: list[np.ndarray] = field(default_factory=list)
    temperatures: list[np.ndarray] = field(default_factory=list)
    steps: list[np.ndarray] = field(default_factory=list)

    @property
    def n_frames(self) -> int:
        return sum(map(len, self.steps))

    def positions(self) -> np.ndarray:
        return np.memmap(
            self.path, dtype=np.float32, mode="r", shape=(self.n_frames, self.n_atoms, 3)
        )


def import_trajectories(
    files: Sequence[str | os.PathLike[str]],
    run_path: str | os.PathLike[str],
    *,
    element: str | None = None,
    temperature: float | Sequence[float] | None = None,
    potential: Potential | None = None,
    unwrap: bool = False,
    chunk_frames: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Make a run of trajectory files of one cluster.

    Files with the same number of frames become replicas, one each. Files of different lengths are
    joined end to end in a single replica. Either way ``source`` gives the file of each frame, as
    an index into ``run.metadata.provenance["files"]``. The run appears when all files have been
    read and found good.

    Parameters
    ----------
    files
        Extended XYZ, LAMMPS text dumps (both also gzipped), or anything ASE reads.
    run_path
        Folder of the new run.
    element
        Chemical symbol; needed where the files do not say.
    temperature
        K, one for all files or one for each; otherwise what the frames say, NaN if nothing.
    potential
        Computes the energies; otherwise they are what the frames say, NaN if nothing.
    unwrap
        Put clusters together again that the boundary of a periodic cell cuts.
    chunk_frames
        As for `nanochart.store.create`.
    progress
        Called with the number of frames read so far.

    Returns
    -------
    Run
        Open for writing, complete.

    Raises
    ------
    ValueError
        If a file or frame cannot be used; the message names both.
    FileNotFoundError
        If a file does not exist.
    StoreError
        If the run exists or cannot be written.
    """
    if isinstance(files, str | os.PathLike) or not files:
        raise ValueError(f"files must be a list of at least one file; got {files!r}")
    temperatures = _per_file(temperature, len(files))
    run_path = Path(run_path).absolute()
    taken = f"{run_path} exists already: choose another folder"
    if run_path.exists() and not (run_path.is_dir() and not any(run_path.iterdir())):
        raise StoreError(taken)
    with scratch_folder(run_path) as folder:
        spools: list[_Spool] = []
        for index, file in enumerate(files):
            spool = _Spool(Path(file).name, folder / f"{index}.float32")
            blocks = read_trajectory(file, element, unwrap=unwrap)
            for n_frames in _read(spool, blocks, Path(file), spools, potential):
                if progress is not None:
                    progress(n_frames)
            spools.append(spool)
            if not math.isnan(temperatures[index]):
                spool.temperatures = [np.full(spool.n_frames, temperatures[index])]
        _write(spools, folder / "run", potential, chunk_frames)
        place_folder(folder / "run", run_path, taken)
    return open_run(run_path, mode="a")


def _per_file(temperature: float | Sequence[float] | None, n_files: int) -> np.ndarray:
    values = np.asarray(math.nan if temperature is None else temperature, dtype=np.float64)
    if values.ndim and len(values) != n_files:
        raise ValueError(
            f"temperature must be one number or one for each of the {n_files} files; got "
            f"{len(values)}"
        )
    if np.any(values <= 0.0):
        raise ValueError(f"temperature must be above 0 K; got {temperature}")
    return np.broadcast_to(values, (n_files,))


def _read(
    spool: _Spool,
    blocks: Iterator[TrajectoryBlock],
    file: Path,
    before: list[_Spool],
    potential: Potential | None,
) -> Iterator[int]:
    """Read a file into its spool; yields the number of frames read so far, of all files."""
    done = sum(other.n_frames for other in before)
    for block in blocks:
        if not spool.steps:
            spool.element, spool.n_atoms = block.element, block.positions.shape[1]
            _check_same(spool, file, before, potential)
        with storage_errors(spool.path), spool.path.open("ab") as target:
            target.write(np.ascontiguousarray(block.positions, dtype=np.float32).data)
        spool.energies.append(_energies(block, potential, file))
        spool.temperatures.append(block.temperatures)
        spool.steps.append(block.steps)
        yield done + spool.n_frames


def _check_same(
    spool: _Spool, file: Path, before: list[_Spool], potential: Potential | None
) -> None:
    """All files are of one cluster, and of the potential's element."""
    if potential is not None and potential.symbol != spool.element:
        raise ValueError(
            f"{file}: frame 0 must be of {potential.symbol} for the energy to be computed with its "
            f"potential; got {spool.element}"
        )
    if before and (before[0].element, before[0].n_atoms) != (spool.element, spool.n_atoms):
        raise ValueError(
            f"{file}: frame 0 must be {before[0].element}{before[0].n_atoms} as in "
            f"{before[0].name}; got {spool.element}{spool.n_atoms}: import different clusters "
            "into different runs"
        )


def _energies(block: TrajectoryBlock, potential: Potential | None, file: Path) -> np.ndarray:
    if potential is None:
        return block.energies
    try:
        return np.asarray(potential.energy(block.positions), dtype=np.float64)
    except ValueError as error:
        last = block.first + len(block.positions) - 1
        raise ValueError(
            f"{file}: the energy of frames {block.first} to {last} cannot be computed ({error})"
        ) from error


def _write(
    spools: list[_Spool], path: Path, potential: Potential | None, chunk_frames: int | None
) -> None:
    lengths = {spool.n_frames for spool in spools}
    as_replicas = len(lengths) == 1
    join = _side_by_side if as_replicas else _end_to_end
    steps = join([np.concatenate(spool.steps) for spool in spools])
    columns = {
        "energy": join([np.concatenate(spool.energies) for spool in spools]),
        "temperature": join([np.concatenate(spool.temperatures) for spool in spools]),
        "source": join([np.full(s.n_frames, k, dtype=np.int16) for k, s in enumerate(spools)]),
        # One number of steps per frame, where the files agree on it.
        "step": np.where(np.ptp(steps, axis=1) == 0, steps[:, 0], -1),
    }
    stored = [spool.positions() for spool in spools]
    run = create(
        path,
        element=spools[0].element,
        n_atoms=spools[0].n_atoms,
        n_frames=len(steps),
        n_replicas=steps.shape[1],
        kind="imported",
        system=None if potential is None else System.pure(potential, spools[0].n_atoms),
        provenance={"files": [spool.name for spool in spools], "as_replicas": as_replicas},
        chunk_frames=chunk_frames,
    )
    starts = np.cumsum([0, *(spool.n_frames for spool in spools)])
    with run.lock():
        for block in run.pending():
            if as_replicas:
                positions = _side_by_side([array[block] for array in stored])
            else:
                parts = (
                    array[max(0, block.start - start) : max(0, block.stop - start)]
                    for array, start in zip(stored, starts[:-1], strict=True)
                )
                positions = _end_to_end(list(parts))
            rest = {name: values[block] for name, values in columns.items()}
            run.write_frames(block.start, {"positions": positions, **rest})
        run.finalize()
    del stored  # before their files go


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    """Join (frame, ...) arrays of equal length as (frame, replica, ...)."""
    return np.stack(parts, axis=1)


def _end_to_end(parts: list[np.ndarray]) -> np.ndarray:
    """Join (frame, ...) arrays one after another as (frame, 1, ...)."""
    return np.concatenate(parts)[:, None]
