"""Quench the frames of a run."""

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.config import (
    QuenchConfig,
    changes as differences,
    changes_sentence,
    load_config,
    quench_config,
)
from nanochart.errors import StoreError
from nanochart.minimization import quench
from nanochart.parallel import use_executor
from nanochart.potentials import Potential, is_compiled
from nanochart.progress import Progress, silent
from nanochart.store import Run
from nanochart.workflow.forecast import forecast, seconds_of
from nanochart.workflow.system import run_config, store_potential

__all__ = ["check_all_quenched", "quench_run", "quench_settings", "quenched_every", "spread"]

#: Configurations whose quench is timed for the estimate of the whole.
_FORECAST_FRAMES = 6


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
    StoreError
        If the run's configuration was changed since, in a field that is not among ``changes``.
    """
    begun = None if again else _begun(run)
    own = run_config(run)
    if begun and own:
        _refuse_later_wishes(run, begun, own.quench, changes)
    return quench_config(begun or (own.quench if own else None), dict(changes))


def _refuse_later_wishes(
    run: Run, begun: QuenchConfig, asked: QuenchConfig, changes: Mapping[str, Any]
) -> None:
    """Refuse to go on where the run was resumed with another section ``quench`` than it began with.

    A quench that was begun with options of its own, of a configuration that stayed, goes on.
    """
    first = load_config(dict(run.metadata.config)).quench.model_dump()
    wished = {
        name: value
        for name, value in asked.model_dump().items()
        if value != first[name] and name not in changes
    }
    held = {name: begun.model_dump()[name] for name in wished}
    if held != wished:
        raise StoreError(
            f"the configuration of {run.path} was changed after its frames were quenched "
            f"({changes_sentence(differences({'quench': held}, {'quench': wished}))}): quench all "
            "frames anew (--again), or name the settings to go on with as options"
        )


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
    every: int | None = None,
    again: bool = False,
    potential: Potential | None = None,
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
    every
        Quench the frames whose number is a multiple of it, of all walkers, and leave the others
        without an inherent structure (NaN, and -1 as their outcome); None goes on as the run was
        quenched so far, and quenches all frames of one that was not.
    again
        Quench anew. All that was made of the old minima is dropped.
    potential
        The one of the run, where the run keeps its name alone.
    executor
        Executor that frames run on; None is one thread for each core.
    progress
        Function that is called after every block with how far the work is.

    Raises
    ------
    StoreError
        If the run has no frames, lacks its potential or has another, or some of its frames were
        quenched with other settings or another ``every``.
    """
    settings = config or quench_settings(run, {}, again=again)
    total = run.committed()
    if total == 0:
        raise StoreError(f"{run.path} has no frames to quench: sample or import some first")
    potential = store_potential(run, table, again=again, potential=potential)
    before = quenched_every(run)
    step = every or (before if before and not again else 1)
    if before and before != step and not again:
        raise StoreError(
            f"{run.path} has the inherent structure of {_frames_of(before)}; got a request for "
            f"{_frames_of(step)}: run `nanochart quench {run.path} --again` to quench all anew"
        )
    record: dict[str, Any] = {**settings.model_dump(mode="json"), "potential": potential.name}
    if step > 1:
        record["every"] = step
    unconverged = 0
    with run.lock(), use_executor(executor) as pool:
        if again or not run.committed("quench"):
            run.begin("quench", record)
        _check_settings(run, record)
        _forecast(run, potential, settings, step, progress, pool)
        for block in list(run.pending("quench")):
            there = np.arange(block.start, block.stop) % step == 0
            result = quench(
                run.frames(block.start, block.stop).thermal.positions[there],
                potential,
                settings.max_force,
                settings.max_evaluations,
                executor=pool,
            )
            unconverged += int((~result.converged).sum())
            found: dict[str, NDArray[Any]] = {
                "inherent_positions": result.positions,
                "inherent_energy": result.energies,
                "quench_converged": result.converged.astype(np.int8),
                "quench_evaluations": result.n_evaluations,
                "quench_max_force": result.max_forces,
            }
            run.write("quench", block.start, {k: spread(v, there) for k, v in found.items()})
            note = f"{unconverged} unconverged" if unconverged else ""
            progress("quench", block.stop, total, note)


def _forecast(
    run: Run,
    potential: Potential,
    settings: QuenchConfig,
    step: int,
    progress: Progress,
    pool: Executor,
) -> None:
    """Report how long the frames that are left will take, from one frame of each of a few rungs."""
    done, total = run.committed("quench"), run.committed()
    n = -(-(total - done) // step) * run.metadata.n_replicas

    def seconds() -> float:
        middle = (done + total) // 2
        sample = run.frames(middle, middle + 1).thermal.positions[0]
        sample = sample[:: -(-len(sample) // _FORECAST_FRAMES)]
        limits = settings.max_force, settings.max_evaluations
        piece = partial(quench, sample, potential, *limits, executor=pool)
        return n / len(sample) * seconds_of(piece)

    forecast(
        progress,
        "quench",
        done,
        total,
        seconds=seconds,
        what=f"{n:,} configurations",
        executor=pool if is_compiled(potential) else None,
    )


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


def quenched_every(run: Run) -> int | None:
    """Which frames of a run are quenched: those of each so many; None where none is yet."""
    if run.committed("quench") == 0:
        return None
    return int(run.info("quench").get("every", 1))


def check_all_quenched(run: Run, what: str) -> None:
    """Refuse a run of which only some frames were to be quenched.

    Raises
    ------
    StoreError
        If it is one; says ``what`` needs all.
    """
    every = quenched_every(run) or 1
    if every > 1:
        raise StoreError(
            f"{run.path} has the inherent structure of {_frames_of(every)}, and {what} needs that "
            f"of all: run `nanochart quench {run.path} --again` first"
        )


def _frames_of(every: int) -> str:
    return "all frames" if every == 1 else f"one frame in {every}"


def spread(values: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """Values of the frames of a block that are there, fill values (NaN, -1) in the others."""
    if there.all():
        return values
    fill = np.nan if values.dtype.kind == "f" else -1
    out = np.full((len(there), *values.shape[1:]), fill, dtype=values.dtype)
    out[there] = values
    return out
