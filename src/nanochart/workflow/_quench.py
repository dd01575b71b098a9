"""Quench the frames of a run."""

from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.errors import StoreError
from nanochart.minimization import quench
from nanochart.store import STAGES, Run
from nanochart.workflow._config import QuenchConfig
from nanochart.workflow._system import run_config, store_potential

__all__ = ["quench_run"]


def quench_run(
    run: Run,
    config: QuenchConfig | None = None,
    *,
    table: str | Path | None = None,
    again: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> None:
    """Add the inherent structure of every frame that has none yet.

    Parameters
    ----------
    run
        Open for writing.
    config
        Target of the minimization; None takes the run's own.
    table
        An ``eam/alloy`` table for a run that does not hold its potential; it is stored in the run.
    again
        Quench all frames anew. All that was made of the old minima is dropped.
    executor
        Where frames run; None is one thread per core.
    progress
        Told of every block.

    Raises
    ------
    StoreError
        If the run has no frames, lacks its potential, or has another.
    """
    total = run.committed()
    if total == 0:
        raise StoreError(f"{run.path} has no frames to quench: sample or import some first")
    own = run_config(run)
    settings = config or (own.quench if own else QuenchConfig())
    potential = store_potential(run, table, again=again)
    positions = run.to_xarray()["positions"]
    unconverged = 0
    with run.lock(), use_executor(executor) as pool:
        if again:
            for stage in reversed(STAGES[STAGES.index("quench") :]):
                run.clear(stage)
        for block in list(run.pending("quench")):
            result = quench(
                positions[block].to_numpy().astype(np.float64),
                potential,
                settings.max_force,
                settings.max_evaluations,
                executor=pool,
            )
            unconverged += int((~result.converged).sum())
            run.write(
                "quench",
                block.start,
                {
                    "inherent_positions": result.positions,
                    "inherent_energy": result.energies,
                    "quench_converged": result.converged.astype(np.int8),
                    "quench_evaluations": result.n_evaluations,
                    "quench_max_force": result.max_forces,
                },
            )
            note = f"{unconverged} unconverged" if unconverged else ""
            progress("quench", block.stop, total, note)
        run.record_info("quench", {**settings.model_dump(mode="json"), "potential": potential.name})
