"""Quench the frames of a run."""

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.errors import StoreError
from nanochart.minimization import quench
from nanochart.store import Run
from nanochart.workflow._config import QuenchConfig, quench_config
from nanochart.workflow._system import run_config, store_potential

__all__ = ["quench_run", "quench_settings"]


def quench_settings(run: Run, changes: Mapping[str, Any], *, again: bool = False) -> QuenchConfig:
    """What a quench of a run is asked to do: its settings with some fields changed.

    A quench that was begun goes on with what it was begun with; a new one takes the run's own.

    Parameters
    ----------
    run
        The run.
    changes
        Field of `QuenchConfig` -> value.
    again
        Whether all frames are quenched anew.

    Raises
    ------
    ConfigError
        If a field is unknown or its value is not possible.
    """
    begun = None if again else _begun(run)
    own = run_config(run)
    return quench_config(begun or (own.quench if own else None), dict(changes))


def _begun(run: Run) -> QuenchConfig | None:
    """Settings that the quenched frames of a run were computed with; None where there are none."""
    recorded = run.info("quench")
    if not run.committed("quench") or not recorded:
        return None
    known = QuenchConfig.model_fields
    return QuenchConfig.model_validate({k: v for k, v in recorded.items() if k in known})


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
        Target of the minimization; None takes that of the frames which are quenched already, or
        the run's own.
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
        If the run has no frames, lacks its potential or has another, or some of its frames were
        quenched with other settings.
    """
    settings = config or quench_settings(run, {}, again=again)
    total = run.committed()
    if total == 0:
        raise StoreError(f"{run.path} has no frames to quench: sample or import some first")
    potential = store_potential(run, table, again=again)
    record = {**settings.model_dump(mode="json"), "potential": potential.name}
    unconverged = 0
    with run.lock(), use_executor(executor) as pool:
        if again or not run.committed("quench"):
            run.begin("quench", record)
        _check_settings(run, record)
        for block in list(run.pending("quench")):
            result = quench(
                run.frames(block.start, block.stop).thermal.positions,
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


def _check_settings(run: Run, asked: Mapping[str, Any]) -> None:
    """Refuse to add minima to those of other settings."""
    recorded = run.info("quench")
    changed = [
        f"{name} {recorded.get(name, 'unknown')} and not {value}"
        for name, value in asked.items()
        if recorded.get(name) != value
    ]
    if changed:
        raise StoreError(
            f"{run.committed('quench')} of the {run.committed()} frames of {run.path} were "
            f"quenched with {', '.join(changed)}, and minima of two settings do not go together: "
            "go on with those settings, or quench all frames anew (--again)"
        )
