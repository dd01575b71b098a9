"""Files of other programs become a run, whole or not at all."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nanochart.errors import StoreError
from nanochart.files import place_folder, scratch_folder
from nanochart.interop.spool import Spool, keep, write_run
from nanochart.interop.trajectory import read_trajectory
from nanochart.store import Run, open as open_run

if TYPE_CHECKING:
    from nanochart.potentials import Potential

__all__ = ["import_trajectories"]


#: ``source`` numbers the files with two bytes.
_MOST_FILES = 2**15 - 1


def import_trajectories(
    files: Sequence[str | os.PathLike[str]],
    run_path: str | os.PathLike[str],
    *,
    element: str | None = None,
    temperature: float | Sequence[float] | None = None,
    potential: Potential | Callable[[str], Potential | None] | None = None,
    unwrap: bool = False,
    cell: float | Sequence[float] | None = None,
    unit: str | None = None,
    largest_fragment: bool = False,
    skip_bad_frames: bool = False,
    n_atoms: int | None = None,
    chunk_frames: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Make a run of trajectory files of one cluster.

    Files with the same number of frames become replicas, one each. Files of different lengths are
    joined end to end in a single replica. Either way ``source`` gives the file of each frame, as
    an index into ``run.metadata.provenance["files"]``, the names from the folder on that they
    share. Every frame is centred on the mean of its atoms. The run appears when all files have
    been read and found good; what was left out is counted in ``provenance["left_out"]``.

    Parameters
    ----------
    files
        Trajectory files: extended XYZ, LAMMPS text dumps (both also gzipped), or anything ASE
        reads.
    run_path
        Folder of the new run.
    element, unwrap, cell, unit, largest_fragment, skip_bad_frames, n_atoms
        Settings of the reading, as for `read_trajectory`.
    temperature
        Temperature in K, one for all files or one for each; None takes what the frames say, NaN if
        nothing.
    potential
        Potential that computes the energies, or a function that finds it by the element; None takes
        the energies that the frames say, NaN if none.
    chunk_frames
        Frames per chunk, as for `nanochart.store.create`.
    progress
        Function that is called with the number of frames read so far.

    Returns
    -------
    Run
        The run, complete and open for writing.

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
    names = _names([Path(file) for file in files])
    run_path = Path(run_path).absolute()
    taken = f"{run_path} exists already: choose another folder"
    if run_path.exists() and not (run_path.is_dir() and not any(run_path.iterdir())):
        raise StoreError(taken)
    with scratch_folder(run_path) as folder:
        spools: list[Spool] = []
        found: Potential | None = None
        for index, file in enumerate(files):
            spool = Spool(names[index], folder / f"{index}.float32")
            blocks = read_trajectory(
                file,
                element,
                unwrap=unwrap,
                cell=cell,
                unit=unit,
                largest_fragment=largest_fragment,
                skip_bad_frames=skip_bad_frames,
                n_atoms=n_atoms,
            )
            done = sum(other.n_frames for other in spools)
            for block in blocks:
                if not spool.steps:
                    spool.element, spool.n_atoms = block.element, block.positions.shape[1]
                    if not spools:
                        found = potential(block.element) if callable(potential) else potential
                    _check_same(spool, Path(file), spools, found)
                keep(spool, block, found, Path(file))
                if progress is not None:
                    progress(done + spool.n_frames)
            spools.append(spool)
            if not math.isnan(temperatures[index]):
                spool.temperatures = [np.full(spool.n_frames, temperatures[index])]
        write_run(spools, folder / "run", found, chunk_frames)
        place_folder(folder / "run", run_path, taken)
    return open_run(run_path, mode="a")


def _per_file(temperature: float | Sequence[float] | None, n_files: int) -> np.ndarray:
    if temperature is None:
        return np.full(n_files, math.nan)
    values = np.asarray(temperature, dtype=np.float64)
    if values.ndim and len(values) != n_files:
        raise ValueError(
            f"temperature must be one number or one for each of the {n_files} files; got "
            f"{len(values)}"
        )
    if not (np.isfinite(values) & (values > 0.0)).all():
        raise ValueError(f"temperature must be a finite number above 0 K; got {temperature}")
    return np.broadcast_to(values, (n_files,))


def _names(files: list[Path]) -> list[str]:
    """Return names that tell files apart: their paths from the folder on that they share."""
    if len(files) > _MOST_FILES:
        raise ValueError(
            f"files must be at most {_MOST_FILES:,}; got {len(files):,}: join some of them"
        )
    paths = [file.absolute() for file in files]
    (twice, count), *_ = Counter(path.resolve() for path in paths).most_common(1)
    if count > 1:
        raise ValueError(
            f"files must be given once; got {twice} {count} times: frames that are counted twice "
            "make errors too small"
        )
    if len(paths) == 1:
        return [paths[0].name]
    try:
        shared = os.path.commonpath(paths)
    except ValueError:  # on several drives
        return [str(path) for path in paths]
    return [path.relative_to(shared).as_posix() for path in paths]


def _check_same(spool: Spool, file: Path, before: list[Spool], potential: Potential | None) -> None:
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
