"""Thermal configuration -> inherent structure."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.minimization import kernels
from nanochart.minimization.foreign import minimize_called
from nanochart.parallel import chunks, map_in_order, threads_at_once
from nanochart.potentials import Potential, check_positions, is_compiled, overlap_sentence
from nanochart.shown import short_repr

__all__ = ["QuenchResult", "quench"]

Floats = NDArray[np.float64]

#: Most frames that one task minimizes: its cost is hidden, and the last tasks balance.
_CHUNK = 16
#: Frames that a potential which is called from Python is asked for together.
_AT_ONCE = 64


@short_repr
@dataclass(frozen=True)
class QuenchResult:
    """Inherent structures and how well they converged.

    ``positions`` (..., atom, 3) in Å; ``energies`` (...) in eV; ``max_forces`` (...), the largest
    force on an atom in eV/Å; ``converged`` (...), whether it is below the target;
    ``n_evaluations`` (...), force evaluations spent.
    """

    positions: Floats
    energies: Floats
    max_forces: Floats
    converged: NDArray[np.bool_]
    n_evaluations: NDArray[np.int64]

    @property
    def unconverged(self) -> list[tuple[int, ...]]:
        """Indices of the frames that missed the target."""
        return [tuple(int(i) for i in index) for index in np.argwhere(~self.converged)]


def quench(
    positions: ArrayLike,
    potential: Potential,
    max_force: float = 1e-4,
    max_evaluations: int = 5_000,
    max_step: float = 0.1,
    executor: Executor | None = None,
) -> QuenchResult:
    """Relax every frame to its inherent structure, a local minimum of the potential energy.

    Limited-memory BFGS (Liu, Nocedal, Math. Program. 45, 503 (1989)) without a line search: a
    step is taken as it is unless an atom would move further than ``max_step`` or the energy would
    rise. Short steps keep to the basin of the start. Frames are independent and run in parallel.

    Parameters
    ----------
    positions
        Thermal configurations (..., atom, 3) in Å.
    potential
        Potential that gives energies and forces.
    max_force
        Largest force on an atom, in eV/Å, with which a frame has converged.
    max_evaluations
        Force evaluations that a frame may take; a frame that needs more comes back unconverged.
    max_step
        Longest move of an atom in an iteration, in Å.
    executor
        Executor that the frames run on; None is one thread for each core. A potential that is
        called from Python runs in this thread, unless the executor is one of processes.

    Raises
    ------
    ValueError
        If an argument is out of range, or atoms of a frame overlap.

    Examples
    --------
    >>> import nanochart as nc
    >>> gold = nc.potentials.gupta("Au")
    >>> q = nc.minimization.quench([[0, 0, 0], [2.4, 0, 0]], gold)
    >>> bool(q.converged), bool(q.energies < gold.energy([[0, 0, 0], [2.4, 0, 0]]))
    (True, True)
    """
    for name, value, unit in (
        ("max_force", max_force, "eV/Å"),
        ("max_evaluations", max_evaluations, "force evaluations"),
        ("max_step", max_step, "Å"),
    ):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} of a quench must be positive ({unit}); got {value!r}")
    x = check_positions(positions)
    frames = x.reshape(-1, *x.shape[-2:])
    work = partial(_quench_chunk, potential, max_force, max_step, max_evaluations)
    size = min(_CHUNK, max(1, ceil(len(frames) / threads_at_once())))  # few frames use all cores
    if not is_compiled(potential):
        size = _AT_ONCE
    items = [frames[c] for c in chunks(len(frames), size)]
    parts = list(map_in_order(work, items, executor, threads=is_compiled(potential)))
    if not parts:
        parts = [work(frames)]
    relaxed, result, status = (np.concatenate([p[k] for p in parts]) for k in range(3))
    if is_compiled(potential) and (status == kernels.OVERLAP).any():
        raise ValueError(
            overlap_sentence(frames, int(np.argmax(status == kernels.OVERLAP)), potential)
        )
    lead = x.shape[:-2]
    return QuenchResult(
        positions=relaxed.reshape(x.shape),
        energies=result[:, 0].reshape(lead)[()],
        max_forces=result[:, 1].reshape(lead)[()],
        converged=(status == kernels.CONVERGED).reshape(lead)[()],
        n_evaluations=result[:, 2].astype(np.int64).reshape(lead)[()],
    )


def _quench_chunk(
    potential: Potential, max_force: float, max_step: float, max_evaluations: int, frames: Floats
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    if not is_compiled(potential):
        return minimize_called(potential, frames, max_force, max_step, max_evaluations)
    relaxed = frames.copy()
    result = np.zeros((len(frames), 3))
    status = np.zeros(len(frames), dtype=np.int64)
    for k in range(len(frames)):
        status[k] = kernels.minimize(
            potential.model, relaxed[k], max_force, max_step, max_evaluations, 0.5, result[k]
        )
    return relaxed, result, status
