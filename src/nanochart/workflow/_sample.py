"""Parallel tempering into a run, resumable at any committed block."""

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.dynamics import State
from nanochart.errors import StoreError
from nanochart.potentials import Potential
from nanochart.store import Checkpoint, Run, create
from nanochart.store import open as open_run
from nanochart.tempering import (
    Ladder,
    Round,
    TemperingState,
    initialize_tempering,
    langevin_segment,
    step,
)
from nanochart.workflow._config import RunConfig
from nanochart.workflow._system import (
    check_potential,
    make_dynamics,
    make_potential,
    make_starts,
    start_names,
)

__all__ = ["sample"]

#: Bytes of positions that are committed together, and at most lost in a kill.
_BLOCK_BYTES = 500_000
#: Discarded rounds between checkpoints.
_DISCARD_BLOCK = 50
#: What may differ between a run and the configuration it is resumed with.
_EXTENSIBLE = ("time_per_replica",)


def sample(
    config: RunConfig,
    path: str | Path,
    *,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> Run:
    """Sample a cluster by parallel tempering.

    Parameters
    ----------
    config
        What to sample.
    path
        Folder of the run.
    resume
        Go on with the run that is there. It may be made longer (``time_per_replica``); all else
        must be as it was. The frames are those of a run that was never stopped, to the last bit.
    executor
        Where replicas run; None is one thread per core.
    progress
        Told of every round.

    Raises
    ------
    ConfigError
        If the configuration asks for the impossible.
    StoreError
        If the run cannot be made or continued.
    """
    potential = make_potential(config)
    run = _open(config, path, potential) if resume else None
    starts = make_starts(config, potential)
    dynamics, tempering = make_dynamics(config, potential, starts)
    if run is None:
        run = _create(config, path, dict(potential.parameters, name=potential.name))
    segment = langevin_segment(potential, dynamics)
    with run.lock(), use_executor(executor) as pool:
        state = _restore(run, config)
        if state is None:
            state = initialize_tempering(starts, potential, tempering, config.seed)
        exchanges = _Exchanges(tempering.ladder)
        discarded, total = config.n_discarded, config.n_discarded + config.n_rounds
        while state.round < discarded:
            state, observed = step(state, segment, tempering, pool)
            progress("sample", state.round, total, exchanges.add(observed, "equilibrating"))
            if state.round % _DISCARD_BLOCK == 0 or state.round == discarded:
                _save(run, state)
        for block in list(run.pending()):
            rounds: list[Round] = []
            for _ in range(block.start, block.stop):
                state, observed = step(state, segment, tempering, pool)
                rounds.append(observed)
                progress("sample", state.round, total, exchanges.add(observed))
            run.write_frames(block.start, _frames(rounds))
            _save(run, state)
        if not run.complete:
            run.finalize()
    return run


class _Exchanges:
    """Counts of exchanges since the command began, for the eye."""

    def __init__(self, ladder: Ladder) -> None:
        self.temperatures = ladder.temperatures
        self.tried = np.zeros(max(len(ladder) - 1, 0), dtype=np.int64)
        self.accepted = self.tried.copy()

    def add(self, observed: Round, prefix: str = "") -> str:
        """Take up a round, and say how the ladder does."""
        self.tried += observed.accepted >= 0
        self.accepted += observed.accepted == 1
        words = [prefix] if prefix else []
        if self.tried.sum():
            words.append(f"acceptance {self.accepted.sum() / self.tried.sum():.0%}")
        if self.tried.size and self.tried.min() >= 10:
            k = int(np.argmin(self.accepted / self.tried))
            low, high = self.temperatures[k : k + 2]
            words.append(f"lowest {self.accepted[k] / self.tried[k]:.0%} at {low:g}-{high:g} K")
        return ", ".join(words)


def _frames(rounds: list[Round]) -> dict[str, np.ndarray]:
    # Recentred: the ensemble knows no position of the centre of mass, and float32 likes the origin.
    positions = np.stack([r.positions for r in rounds])
    positions = positions - positions.mean(axis=2, keepdims=True)
    frames = {
        "positions": positions,
        "energy": np.stack([r.energies for r in rounds]),
        "temperature": np.stack([r.temperatures for r in rounds]),
        "rung": np.stack([r.rungs for r in rounds]),
        "step": np.array([r.steps for r in rounds]),
    }
    if len(rounds[0].accepted):
        frames["exchange_accepted"] = np.stack([r.accepted for r in rounds])
    return frames


def _create(config: RunConfig, path: str | Path, potential: dict[str, Any]) -> Run:
    names = start_names(config)
    n_replicas = len(config.tempering.ladder)
    frame_bytes = 12 * config.system.n_atoms * n_replicas
    return create(
        path,
        element=config.system.metal,
        n_atoms=config.system.n_atoms,
        n_frames=config.n_rounds,
        n_replicas=n_replicas,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        ladder=config.tempering.ladder.temperatures,
        start_motifs=[names[k % len(names)] for k in range(n_replicas)],
        potential=potential,
        chunk_frames=min(config.n_rounds, max(1, _BLOCK_BYTES // frame_bytes)),
    )


def _open(config: RunConfig, path: str | Path, potential: Potential) -> Run:
    run = open_run(path, mode="a")
    before, now = dict(run.metadata.config), config.model_dump(mode="json")
    if run.metadata.kind != "sampled":
        raise StoreError(f"{run.path} was imported, so there is nothing to resume")
    run.check_sizes()
    for values in (before, now):
        values["tempering"] = {k: v for k, v in values["tempering"].items() if k not in _EXTENSIBLE}
        # What later stages are asked to do has no part in the sampling.
        for section in ("quench", "rdf", "training"):
            values.pop(section)
    changed = list(_differences(before, now))
    if changed:
        raise StoreError(
            f"{run.path} was sampled with other settings ({'; '.join(changed)}): resume it with "
            f"its own configuration, or start a new run"
        )
    check_potential(run, potential)
    if config.n_rounds < run.n_frames:
        raise StoreError(
            f"{run.path} is planned for {run.n_frames} frames, and time_per_replica asks for "
            f"{config.n_rounds}: a run can be made longer, not shorter"
        )
    run.extend(config.n_rounds)
    return run


def _differences(before: Any, now: Any, field: str = "") -> Iterator[str]:
    """Each field that differs, by its path, with what it was and what it is."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            path = f"{field}.{key}" if field else key
            yield from _differences(before.get(key), now.get(key), path)
    elif before != now:
        yield f"{field} was {before}, is {now}"


def _save(run: Run, state: TemperingState) -> None:
    replicas = state.replicas
    run.save_checkpoint(
        {
            "positions": replicas.positions,
            "velocities": replicas.velocities,
            "temperatures": replicas.temperatures,
            "random": replicas.random,
            "steps": replicas.steps,
            "rungs": state.rungs,
        },
        {"round": state.round, "seed": state.seed},
    )


def _restore(run: Run, config: RunConfig) -> TemperingState | None:
    """State after the last checkpoint; frames that were committed after it are given up."""
    checkpoint: Checkpoint | None = run.load_checkpoint()
    if checkpoint is None:
        run.truncate(0)
        return None
    arrays = checkpoint.arrays
    names = ("positions", "velocities", "temperatures", "random", "steps")
    state = TemperingState(
        State(*(arrays[name] for name in names)),
        arrays["rungs"],
        int(checkpoint.info["round"]),
        int(checkpoint.info["seed"]),
    )
    run.truncate(max(0, state.round - config.n_discarded))
    return state
