"""Parallel tempering into a run that can be stopped at any moment and resumed."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ase.io
import ase.units

from nanochart.config import RunConfig, changes, changes_sentence, check_files
from nanochart.dynamics import Langevin
from nanochart.errors import ConfigError, PotentialError, StoreError
from nanochart.files import replacing
from nanochart.interop import to_atoms
from nanochart.parallel import use_executor
from nanochart.potentials import NotAtHand, Potential, check_forces
from nanochart.progress import Progress, silent
from nanochart.store import Run, create, open as open_run, stream_seed
from nanochart.system import System
from nanochart.tempering import (
    ReplicaError,
    TemperingConfig,
    initialize_tempering,
    langevin_segment,
    mapped_exchange,
    motifs_of,
    next_frame,
    within_motif,
)
from nanochart.workflow.ladder import mapped_below, mapped_every
from nanochart.workflow.recorder import Recorder, never
from nanochart.workflow.sampling_progress import Told, Work, frame_bytes
from nanochart.workflow.sessions import SessionLog, asked_config, with_time_step
from nanochart.workflow.starts import Starts, make_starts, stream_of, tell_starts
from nanochart.workflow.system import (
    MappedPairs,
    find_mapped_pairs,
    make_dynamics,
    make_potential,
)
from nanochart.workflow.tempering_rounds import TemperingRounds

__all__ = ["changed_stages", "sample"]

#: Bytes of positions that are committed together.
_BLOCK_BYTES = 500_000
#: Fields that may differ between a run and the configuration it is resumed with: its length, and
#: what later stages are asked to do.
_CHANGEABLE = (("tempering", "time_per_replica"), ("quench",), ("rdf",), ("training",))


def sample(
    config: RunConfig,
    path: str | Path,
    *,
    resume: bool = False,
    potential: Potential | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
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
    potential
        One of your own in place of what the configuration names. The run keeps its name alone, so
        hand it over again to go on.
    executor
        Executor that replicas run on; None is one thread for each core. The frames do not depend on
        it.
    progress
        Function that is called after every frame with how far the work is.
    stop
        Asked after every frame; once it answers True, all that was computed is saved and the run
        returned, not ``complete``.

    Raises
    ------
    ConfigError
        If the configuration asks for the impossible.
    StoreError
        If the run cannot be made or continued.
    DynamicsError
        If a replica leaves the physical region. All frames before that are saved, and the state
        of the replica before the fatal round beside the run.
    """
    config = check_files(config, must_exist=not resume)
    potential = _potential(config, path, potential, resume=resume)
    run = _open(config, path, potential) if resume else None
    # What the starts decided is stored with the run, which needs their files no more.
    radius = None if run is None else run.metadata.provenance.get("sphere_radius")
    time_step = None if run is None else run.metadata.time_step
    starts = None
    if radius is None or time_step is None:
        starts = make_starts(config, potential)
        dynamics = make_dynamics(config, potential, starts.positions)
        dynamics = replace(dynamics, time_step=time_step or dynamics.time_step)
    else:
        dynamics = Langevin(time_step, config.dynamics.friction, radius)
    within = config.tempering.within
    if run is None:
        assert starts is not None  # noqa: S101  only a run that exists needs none
        tell_starts(progress, starts, config, len(config.tempering.ladder))
        if within is not None:
            _check_region(within, potential, starts)
        pairs = find_mapped_pairs(config, potential, dynamics, starts.positions, executor)
        run = _create(config, path, potential, dynamics, starts, pairs)
    n_steps = config.steps_per_round(dynamics.time_step)
    per_frame = config.tempering.exchanges_per_frame
    tempering = TemperingConfig(config.tempering.ladder, n_steps, per_frame)
    segment = free = langevin_segment(potential, dynamics)
    if within is not None:
        segment = within_motif(free, potential, dynamics, within)
    below, every = mapped_below(run), mapped_every(run)
    mapped = mapped_exchange(potential, dynamics, below, every) if below else None
    with run.lock(), use_executor(executor) as pool:
        kind = TemperingRounds(config.n_discarded, per_frame)
        recorder = Recorder.restore(run, kind)
        if recorder is None:
            if starts is None:
                starts = make_starts(config, potential)
            state = initialize_tempering(
                starts.positions, potential, tempering, stream_seed(run.metadata)
            )
            recorder = Recorder.begin(run, kind, state)
        else:
            check_forces(potential, recorder.state.replicas.positions[0])
        told = Told(config, kind, dynamics.time_step, progress)
        recorder.record(
            partial(next_frame, segment=segment, config=tempering, executor=pool, mapped=mapped),
            SessionLog(run, executor, config.model_dump(mode="json"), per_frame),
            ahead=partial(told.ahead, Work(free, segment, tempering, mapped, pool)),
            told=told,
            stop=stop,
            explained=partial(_explained, run),
        )
    return run


def _check_region(motif: str, potential: Potential, starts: Starts) -> None:
    """Refuse a restriction that cannot be kept to from the beginning."""
    of = motifs_of(potential, starts.positions)
    for name, found in zip(starts.sources, of, strict=True):
        if found != motif:
            raise ConfigError(
                f"each of starts must be of the motif that tempering.within keeps to, {motif}; got "
                f"{name}, which quenches to {found or 'nothing that converges'}: leave it out, or "
                f"name a structure file of that motif, best:{motif}, or RUN:{motif} of a search"
            )


def changed_stages(config: RunConfig, path: str | Path) -> dict[str, str]:
    """What a run that is resumed would be asked otherwise of the stages after sampling.

    Parameters
    ----------
    config
        What the run is to be resumed with.
    path
        Folder of the run.

    Returns
    -------
    dict of str to str
        Section ("quench", "rdf", "training") -> a sentence that says what was and is asked, and
        which command takes it up.
    """
    run = open_run(path)
    found = {}
    for section, stage in (("quench", "quench"), ("rdf", "train"), ("training", "train")):
        was, now = (
            {section: c[section]} for c in (asked_config(run), config.model_dump(mode="json"))
        )
        if differing := changes(was, now):
            anew = " --again" if section == "quench" else ""
            done = bool(run.info(stage)) and (stage == "train" or run.committed("quench") > 0)
            found[section] = f"{changes_sentence(differing)}: " + (
                f"`nanochart {stage} {path}{anew}` takes it up, for what is there is as it was"
                if done
                else f"`nanochart {stage} {path}` takes it up"
            )
    return found


def _potential(
    config: RunConfig, path: str | Path, given: Potential | None, *, resume: bool
) -> Potential:
    """As given or configured; of a run whose table may be gone, its own."""
    if given is not None:
        return given
    table = config.system.table
    held = open_run(path).system.potential if resume else None
    if isinstance(held, NotAtHand) and config.system.calculator is None:
        held.energy_forces(())
    stored = table is not None and not Path(table).is_file()
    return held if held is not None and stored else make_potential(config)


def _explained(run: Run, error: BaseException) -> str | None:
    """Save the replica that failed, if one did, and say what to do about it."""
    if isinstance(error, PotentialError):
        return f"{error}; the {run.committed()} frames of {run.path} are kept: mend it and resume"
    if not isinstance(error, ReplicaError):
        return None
    state = error.state
    info = {
        "replica": error.replica,
        "rung": error.rung,
        "temperature": float(state.temperatures[0]),
        "step": int(state.steps[0]),
    }
    atoms = to_atoms(state.positions[0], run.metadata.element, info)
    atoms.set_velocities(state.velocities[0] / ase.units.fs)
    path = run.path.with_suffix(".failed.extxyz")
    with replacing(path) as file:
        ase.io.write(file, atoms, format="extxyz")
    return (
        f"{error}; the {run.committed()} frames of {run.path} are kept and the replica's state "
        f"before this round is in {path}, but to resume would end in the same way: change "
        f"dynamics.time_step (fs), the ladder or dynamics.confinement (Å) and start a new run"
    )


def _create(
    config: RunConfig,
    path: str | Path,
    potential: Potential,
    dynamics: Langevin,
    starts: Starts,
    pairs: MappedPairs,
) -> Run:
    names = starts.names
    n_replicas = len(config.tempering.ladder)
    block = max(1, _BLOCK_BYTES // (n_replicas * frame_bytes(config)))
    return create(
        path,
        element=config.system.metal,
        n_atoms=config.system.n_atoms,
        n_frames=config.n_frames,
        n_replicas=n_replicas,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        ladder=config.tempering.ladder.temperatures,
        start_motifs=[names[k % len(names)] for k in range(n_replicas)],
        system=System.pure(potential, config.system.n_atoms),
        stream=stream_of(config, potential),
        provenance={
            "sphere_radius": dynamics.sphere_radius,
            "time_step": dynamics.time_step,
            "mapped_below": pairs.below,
            "mapped_every": pairs.every,
            "minima_last_to": pairs.lasting,
            **({"above_known": list(starts.above)} if starts.above else {}),
        },
        chunk_frames=min(config.n_frames, block),
        attempts_per_frame=config.tempering.exchanges_per_frame,
    )


def _open(config: RunConfig, path: str | Path, potential: Potential) -> Run:
    run = open_run(path, mode="a")
    if run.metadata.kind != "sampled":
        raise StoreError(f"{run.path} was imported, so there is nothing to resume")
    run.check_sizes()
    asked = config.model_dump(mode="json")
    before, now = (_begun_with(c, run.metadata.time_step) for c in (run.metadata.config, asked))
    changed = [c for c in changes(before, now) if not any(c.within(*path) for path in _CHANGEABLE)]
    if changed:
        raise StoreError(
            f"{run.path} was sampled with other settings ({changes_sentence(changed)}): resume it "
            "with its own configuration, or start a new run"
        )
    run.store_system(System.pure(potential, config.system.n_atoms))
    if config.n_frames < run.n_frames:
        raise StoreError(
            f"{run.path} is planned for {run.n_frames} frames, and time_per_replica asks for "
            f"{config.n_frames}: a run can be made longer, not shorter"
        )
    run.extend(config.n_frames)
    return run


def _begun_with(config: dict[str, Any], time_step: float | None) -> dict[str, Any]:
    """A configuration as a resumed run sees it: it has begun, wherever its files have gone.

    The potential of a table is told from another by its numbers, when it is stored.
    """
    system, tempering = dict(config["system"]), dict(config["tempering"])
    if isinstance(system["potential"], str) and system["potential"] != "gupta":
        system["potential"] = "a table"
    # As it was found, or as it was before there was one.
    if tempering.get("mapped_below") == "auto":
        del tempering["mapped_below"]
    if tempering.get("within", "") is None:
        del tempering["within"]
    if tempering.get("exchanges_per_frame") == 1:
        del tempering["exchanges_per_frame"]
    starts = [Path(s).name for s in config["starts"]]
    begun = {**config, "system": system, "tempering": tempering, "starts": starts}
    return with_time_step(begun, time_step)
