"""A file that has been read and checked waits on the disk until all are, then they are a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nanochart.files import storage_errors
from nanochart.interop.trajectory import LeftOut, TrajectoryBlock
from nanochart.shown import short_repr
from nanochart.store import create
from nanochart.system import System

if TYPE_CHECKING:
    from nanochart.potentials import Potential

__all__ = ["Spool", "keep", "write_run"]


@short_repr
@dataclass
class Spool:
    """A file that has been read and checked: its positions on disk, the rest in memory."""

    name: str
    path: Path
    element: str = ""
    n_atoms: int = 0
    energies: list[np.ndarray] = field(default_factory=list)
    temperatures: list[np.ndarray] = field(default_factory=list)
    steps: list[np.ndarray] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    @property
    def n_frames(self) -> int:
        """Frames that were read."""
        return sum(map(len, self.steps))

    def positions(self, frames: slice) -> np.ndarray:
        """Read some frames; the file is closed again, because a process may open a thousand."""
        first, last, _ = frames.indices(self.n_frames)
        size, count = 3 * self.n_atoms, max(0, last - first)
        values = np.fromfile(self.path, np.float32, count * size, offset=4 * first * size)
        return values.reshape(count, self.n_atoms, 3)


def keep(spool: Spool, block: TrajectoryBlock, potential: Potential | None, file: Path) -> None:
    """Add a block to the spool of its file."""
    # In double precision: single ones are spaced by 0.06 Å at a million Å from the origin.
    centred = block.positions - block.positions.mean(axis=1, keepdims=True)
    with storage_errors(spool.path), spool.path.open("ab") as target:
        target.write(np.ascontiguousarray(centred, dtype=np.float32).data)
    spool.energies.append(_energies(block, potential, file))
    spool.temperatures.append(block.temperatures)
    spool.steps.append(block.steps)
    spool.left_out = block.left_out


def _energies(block: TrajectoryBlock, potential: Potential | None, file: Path) -> np.ndarray:
    if potential is None:
        return block.energies
    try:
        return np.asarray(potential.energy_forces(block.positions)[0], dtype=np.float64)
    except ValueError:
        for number, positions in zip(block.frames, block.positions, strict=True):
            try:
                potential.energy_forces(positions)
            except ValueError as error:
                raise ValueError(
                    f"{file}: the energy of frame {number} cannot be computed: {error}"
                ) from error
        raise


def write_run(
    spools: list[Spool], path: Path, potential: Potential | None, chunk_frames: int | None
) -> None:
    """Make the run of all spools."""
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
    run = create(
        path,
        element=spools[0].element,
        n_atoms=spools[0].n_atoms,
        n_frames=len(steps),
        n_replicas=steps.shape[1],
        kind="imported",
        system=None if potential is None else System.pure(potential, spools[0].n_atoms),
        provenance=_provenance(spools, as_replicas=as_replicas),
        chunk_frames=chunk_frames,
    )
    starts = np.cumsum([0, *(spool.n_frames for spool in spools)])
    with run.lock():
        for block in run.pending():
            if as_replicas:
                positions = _side_by_side([spool.positions(block) for spool in spools])
            else:
                parts = [
                    spool.positions(slice(max(0, block.start - start), block.stop - start))
                    for spool, start, end in zip(spools, starts[:-1], starts[1:], strict=True)
                    if start < block.stop and block.start < end
                ]
                positions = _end_to_end(parts)
            rest = {name: values[block] for name, values in columns.items()}
            run.write_frames(block.start, {"positions": positions, **rest})
        run.finalize()


def _provenance(spools: list[Spool], *, as_replicas: bool) -> dict[str, object]:
    """What the run was made of, and what of it was left out."""
    left_out = {spool.name: asdict(spool.left_out) for spool in spools}
    return {
        "files": [spool.name for spool in spools],
        "as_replicas": as_replicas,
        "left_out": {name: what for name, what in left_out.items() if what != asdict(LeftOut())},
    }


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    """Join (frame, ...) arrays of equal length as (frame, replica, ...)."""
    return np.stack(parts, axis=1)


def _end_to_end(parts: list[np.ndarray]) -> np.ndarray:
    """Join (frame, ...) arrays one after another as (frame, 1, ...)."""
    return np.concatenate(parts)[:, None]
