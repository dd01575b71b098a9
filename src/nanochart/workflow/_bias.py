"""Biased dynamics into a run that can be stopped at any moment and resumed."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.biasing import (
    BiasedDynamics,
    BiasedRound,
    BiasedState,
    BiasingState,
    BiasPlan,
    MetadynamicsState,
    NoState,
    OPESState,
    biased_round,
)
from nanochart.dynamics import State, initialize
from nanochart.errors import ConvergenceError, DynamicsError, StoreError
from nanochart.store import Run, create, stream_fingerprint, stream_seed
from nanochart.store import open as open_run
from nanochart.units import BOLTZMANN
from nanochart.workflow._bias_config import BiasConfig
from nanochart.workflow._bias_plans import attachments_of, dynamics_of, plan_of
from nanochart.workflow._bias_resolve import Resolved, check_stop, resolve
from nanochart.workflow._bias_then import SourceThen
from nanochart.workflow._changes import changes, changes_sentence
from nanochart.workflow._forecast import forecast, seconds_of
from nanochart.workflow._quench import quenched_every
from nanochart.workflow._sample import _FORECAST_STEPS, _never
from nanochart.workflow._sessions import SessionLog

__all__ = ["bias_run"]

_BLOCK_BYTES = 500_000
_CHECKPOINT_SECONDS = 30.0
#: Frames over which the kinetic temperature is averaged, and the excess that is too much.
_HEATED, _TOO_HOT = 400, 0.03
#: Frames that count before the error is first asked for.
_FEWEST = 100
#: Fields that may differ between a run and the configuration it is resumed with.
_CHANGEABLE = ("time", "stop", "run", "model")
_WALKERS = ("positions", "velocities", "temperatures", "random", "steps")
_ROUND = (
    "positions", "energies", "kinetic_energies", "values", "bias_energies", "work", "centres",
    "log_weights", "steps",
)  # fmt: skip
_STATES = {state.__name__: state for state in (MetadynamicsState, OPESState, NoState)}


def bias_run(
    config: BiasConfig,
    path: str | Path,
    *,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = _never,
) -> Run:
    """Bias a cluster along collective variables.

    What the configuration names is looked up in the source run once, when the run is made; the
    numbers are stored with it, and it goes on with those, whatever became of the source. The run
    holds a frame of each walker at the end of each round, with its variables, the energy of the
    bias, the centre of a restraint, the work, and the logarithm of its weight. Every command for
    runs works on it.

    Parameters
    ----------
    config
        What to do.
    path
        Folder of the new run.
    resume
        Go on with the run that is there, with equal bits; ``time`` may be longer, and ``stop``
        another. The source is not needed.
    executor
        Executor that walkers run on; None is one thread for each core. The frames do not depend on
        it.
    progress
        Function that is called after every round with how far the work is.
    stop
        Asked after every round; once it answers True, all is saved and the run returned.

    Raises
    ------
    ConfigError, StoreError, ModelError
        If the configuration does not fit what there is, or a run to resume holds no plan.
    DynamicsError
        If a walker leaves the physical region; all rounds before that are saved.
    """
    if resume:
        run = _open(config, path)
        plan = plan_of(run)
        dynamics = dynamics_of(run, plan)
        _check_between(run, config)  # before anything of the run is changed
        run.extend(_n_rounds(config, plan, run))
    else:
        config.require_length()
        resolved = resolve(config)
        plan, dynamics = resolved.plan, resolved.dynamics
        run = _create(config, path, resolved)
    with run.lock(), use_executor(executor) as pool:
        biasing = _restored(run) or _begun(run, plan, dynamics)
        log = SessionLog(run, executor, config.model_dump(mode="json"))
        # What was committed before is judged first: a kill may have come before it was.
        reached = None if biasing.pending else _reached(run, config)
        stopped = False
        told = progress if reached is None else silent
        _forecast(run, biasing.state, plan, dynamics, told, pool)
        try:
            while not stopped and reached is None and run.committed() < run.n_frames:
                if not biasing.full:
                    state, observed = biased_round(
                        biasing.state, dynamics, plan.biasing, plan.steps_per_round, pool
                    )
                    biasing.take_up(state, observed)
                    log.add_round()
                    progress("bias", state.round, run.n_frames, _note(observed))
                    stopped = stop()
                if biasing.full:
                    biasing.commit()
                    biasing.save()
                    log.record_if_due()
                    _check_heat(run, plan)
                    reached = _reached(run, config)
                elif stopped or biasing.age > _CHECKPOINT_SECONDS:
                    biasing.save()
        except StoreError:
            raise
        except BaseException as error:
            biasing.save()
            sentence = str(error) if isinstance(error, DynamicsError) else None
            log.record(failure=sentence)
            if sentence is None:
                raise
            raise DynamicsError(
                f"{sentence}; the {run.committed()} frames of {run.path} are kept"
            ) from error
        done = reached is not None or run.committed() == run.n_frames
        log.record(stopped=reached, advice=_unconnected(run, plan) if done else None)
        if run.committed() == run.n_frames and not run.complete:
            run.finalize()
    return run


def _forecast(
    run: Run,
    state: BiasingState,
    plan: BiasPlan,
    dynamics: BiasedDynamics,
    progress: Progress,
    pool: Executor,
) -> None:
    """Report how long the rounds that are left will take."""
    walkers, stride = state.walkers, dynamics.stride
    n_steps = stride * max(1, min(_FORECAST_STEPS, plan.steps_per_round) // stride)
    left = (run.n_frames - state.round) * plan.steps_per_round
    bias = plan.biasing.bias(state.method, 0, len(plan.variables))
    forecast(
        progress,
        "bias",
        state.round,
        run.n_frames,
        seconds=lambda: (
            left
            * len(walkers)
            / n_steps
            * seconds_of(lambda: dynamics(walkers[0], bias, n_steps, n_steps))
        ),
        what=f"{len(walkers)} walkers of {left * dynamics.dynamics.time_step * 1e-6:.3g} ns",
        executor=pool,
        at_once=len(walkers),
    )


def _n_rounds(config: BiasConfig, plan: BiasPlan, run: Run) -> int:
    """Rounds that the run is to have, at least those that are planned."""
    n_rounds = plan.n_rounds or config.rounds(config.time or 0.0)
    if n_rounds < run.n_frames:
        raise StoreError(
            f"{run.path} is planned for {run.n_frames} frames, and time asks for {n_rounds}: a run "
            "can be made longer, not shorter"
        )
    return n_rounds


def _check_heat(run: Run, plan: BiasPlan) -> None:
    r"""Refuse walkers that the bias heats: impulses too far apart for how fast the variable moves.

    The mean of :math:`2 K / 3 N k_B` over the last frames is compared with the temperature; one
    frame has the relative spread :math:`\sqrt{2 / 3N}`.

    Raises
    ------
    DynamicsError
        If it is higher by more than 3 % and by six standard errors.
    """
    n = run.committed()
    data = run.frames(max(0, n - _HEATED)).thermal.kinetic_energies
    if data is None:
        return
    n_atoms = run.metadata.n_atoms
    heat = float(data.mean()) / (1.5 * n_atoms * BOLTZMANN)
    excess = heat / plan.temperature - 1.0
    error = np.sqrt(2.0 / (3.0 * n_atoms * data.size))
    if excess > _TOO_HOT and excess > 6.0 * error:
        raise DynamicsError(
            f"the bias heats the walkers: their kinetic temperature is {heat:.0f} K in place of "
            f"{plan.temperature:g} K over the last {len(data)} frames, because the bias acts "
            f"every {plan.stride} steps only, and where it drives the walkers a variable moves "
            "faster than that; take a smaller stride, add a guard, or a weaker bias"
        )


def _reached(run: Run, config: BiasConfig) -> str | None:
    """That the difference that was asked for is known, in a sentence; None if it is not yet."""
    from nanochart.workflow._fes import state_difference

    wanted = config.stop
    if wanted is None or run.committed() < _FEWEST * (quenched_every(run) or wanted.every):
        return None
    gap = state_difference(run, config, wanted.between)
    if not (gap.known and gap.error <= wanted.error):
        return None
    return (
        f"F({wanted.between[1]}) - F({wanted.between[0]}) = {gap.value:.3f} ± {gap.error:.3f} "
        f"eV is known to {wanted.error:g} eV"
    )


def _unconnected(run: Run, plan: BiasPlan) -> str | None:
    """That windows of umbrella sampling do not overlap, in a sentence; None if they do."""
    from nanochart.workflow._fes_samples import weighted_frames

    if plan.method_name != "umbrella":
        return None
    try:
        weighted_frames(run, None, membership="place").weighted()
    except ConvergenceError as error:
        return f"{run.path} gives no free energies: {error}"
    except StoreError:  # too short for them
        return None
    return None


def _note(observed: BiasedRound) -> str:
    middle = np.median(observed.values, axis=0)
    where = ", ".join(f"{value:.3g}" for value in middle)
    return f"walkers around {where}; bias {observed.bias_energies.max():.3g} eV"


def _create(config: BiasConfig, path: str | Path, resolved: Resolved) -> Run:
    plan = resolved.plan
    n_rounds = plan.n_rounds or config.rounds(config.time or 0.0)
    return create(
        path,
        element=plan.element,
        n_atoms=plan.n_atoms,
        n_frames=n_rounds,
        n_replicas=plan.n_walkers,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        system=resolved.system,
        stream=stream_fingerprint("biased", plan.seed, {"plan": plan.fingerprint}),
        provenance={
            "chart_of": plan.origin.run,
            "model": resolved.chart,
            "method": plan.method_name,
            "variables": list(plan.names),
            "units": list(plan.units),
            "starts": list(plan.start_names),
            "time_per_frame": plan.time_per_round,
        },
        kind="biased",
        chunk_frames=min(n_rounds, max(1, _BLOCK_BYTES // (12 * plan.n_atoms * plan.n_walkers))),
        attachments=attachments_of(resolved),
    )


def _check_between(run: Run, config: BiasConfig) -> None:
    if config.stop is not None:
        check_stop(config, SourceThen.of(run).family_names, config.run)


def _open(config: BiasConfig, path: str | Path) -> Run:
    run = open_run(path, mode="a")
    if run.metadata.kind != "biased":
        raise StoreError(f"{run.path} is no biased run, so there is nothing to resume")
    run.check_sizes()
    before, now = dict(run.metadata.config), config.model_dump(mode="json")
    changed = [c for c in changes(before, now) if c.path[0] not in _CHANGEABLE]
    if changed:
        raise StoreError(
            f"{run.path} was biased with other settings ({changes_sentence(changed)}): resume it "
            "with its own configuration, or start a new run"
        )
    return run


@dataclass
class _Biasing:
    """A biased run in progress: the state, and the rounds that are not committed yet."""

    run: Run
    state: BiasingState
    pending: list[BiasedRound] = field(default_factory=list)
    _saved: float = field(init=False, default_factory=time.monotonic)

    @property
    def age(self) -> float:
        return time.monotonic() - self._saved

    @property
    def full(self) -> bool:
        block: slice = next(self.run.pending())
        n_frames: int = block.stop - block.start
        return len(self.pending) == n_frames

    def take_up(self, state: BiasingState, observed: BiasedRound) -> None:
        self.state = state
        self.pending.append(observed)

    def commit(self) -> None:
        self.run.write_frames(self.run.committed(), _frames(self.state, self.pending))
        self.pending = []

    def save(self) -> None:
        if self.run.committed() + len(self.pending) != self.state.round:
            return  # an interrupt came between a round and its record
        walkers = self.state.walkers
        arrays = {name: getattr(walkers.walkers, name) for name in _WALKERS}
        arrays["work"] = walkers.work
        for name, value in self.state.method._asdict().items():
            arrays[f"method_{name}"] = np.asarray(value)
        if self.pending:
            for name in _ROUND:
                values = [np.asarray(getattr(r, name)) for r in self.pending]
                arrays[f"pending_{name}"] = np.stack(values)
        info = {
            "round": self.state.round,
            "method": type(self.state.method).__name__,
            "pending": len(self.pending),
        }
        self.run.save_checkpoint(arrays, info)
        self._saved = time.monotonic()


def _begun(run: Run, plan: BiasPlan, dynamics: BiasedDynamics) -> _Biasing:
    run.truncate(0)
    n = plan.n_walkers
    temperatures, seed = np.full(n, plan.temperature), stream_seed(run.metadata)
    walkers = initialize(plan.starts, dynamics.potential, temperatures, seed)
    method = plan.biasing.initialize(len(plan.variables))
    return _Biasing(run, BiasingState(BiasedState(walkers, np.zeros(n)), method, 0))


def _restored(run: Run) -> _Biasing | None:
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        return None
    arrays, info = checkpoint.arrays, checkpoint.info
    kind: Any = _STATES[info["method"]]
    expected = [f"method_{name}" for name in kind._fields]
    if info["pending"]:
        expected += [f"pending_{name}" for name in _ROUND]
    if missing := [name for name in expected if name not in arrays]:
        raise StoreError(
            f"the checkpoint of {run.path} must hold what this version of nanochart continues; got "
            f"one without {', '.join(missing)}: go on with the version that wrote it (`nanochart "
            "info` names it), or begin anew with another --output"
        )
    fields = {
        name: arrays[f"method_{name}"] if arrays[f"method_{name}"].ndim else
        float(arrays[f"method_{name}"])
        for name in kind._fields
    }  # fmt: skip
    state = BiasingState(
        BiasedState(State(*(arrays[name] for name in _WALKERS)), arrays["work"]),
        kind(**fields),
        int(info["round"]),
    )
    pending = []
    for k in range(int(info["pending"])):
        seen: dict[str, Any] = {name: arrays[f"pending_{name}"][k] for name in _ROUND}
        pending.append(BiasedRound(**{**seen, "steps": int(seen["steps"])}))
    run.truncate(checkpoint.frames)
    return _Biasing(run, state, pending)


def _frames(state: BiasingState, rounds: list[BiasedRound]) -> dict[str, np.ndarray]:
    positions = np.stack([r.positions for r in rounds])
    T = state.walkers.walkers.temperatures
    return {
        "positions": positions - positions.mean(axis=2, keepdims=True),
        "energy": np.stack([r.energies for r in rounds]),
        "kinetic_energy": np.stack([r.kinetic_energies for r in rounds]),
        "temperature": np.broadcast_to(T, (len(rounds), len(T))).copy(),
        "step": np.array([r.steps for r in rounds]),
        "cv": np.stack([r.values for r in rounds]),
        "bias_energy": np.stack([r.bias_energies for r in rounds]),
        "restraint": np.stack([r.centres for r in rounds]),
        "work": np.stack([r.work for r in rounds]),
        "log_weight": np.stack([r.log_weights for r in rounds]),
    }
