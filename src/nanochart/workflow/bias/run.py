"""Biased dynamics into a run that can be stopped at any moment and resumed."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nanochart.biasing import (
    BiasedDynamics,
    BiasedRound,
    BiasedState,
    BiasingState,
    BiasPlan,
    FunctionCV,
    Heated,
    biased_round,
    heated_round,
)
from nanochart.config import BiasConfig, changes, changes_sentence
from nanochart.dynamics import initialize
from nanochart.errors import ConvergenceError, DynamicsError, PotentialError, StoreError
from nanochart.parallel import use_executor
from nanochart.potentials import Potential
from nanochart.progress import Progress, silent
from nanochart.store import Run, create, open as open_run, stream_fingerprint, stream_seed
from nanochart.units import BOLTZMANN
from nanochart.workflow.bias.plans import attachments_of, dynamics_of, plan_of
from nanochart.workflow.bias.resolve import Resolved, check_stop, resolve
from nanochart.workflow.bias.rounds import BiasedRounds, HeatedRounds
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.forecast import forecast_dynamics
from nanochart.workflow.quench import quenched_every
from nanochart.workflow.recorder import Recorder, Rounds, never
from nanochart.workflow.sessions import SessionLog, with_time_step
from nanochart.workflow.system import calculator_potential

__all__ = ["bias_run"]

_BLOCK_BYTES = 500_000
#: Frames over which the kinetic temperature is averaged, and the excess that is too much.
_HEATED, _TOO_HOT = 400, 0.03
#: Times 1/γ, in which energies are forgotten, that a biased run is given to come to equilibrium.
_BEGINNING = 10.0
#: Frames that count before the error is first asked for.
_FEWEST = 100
#: Fields that may differ between a run and the configuration it is resumed with.
_CHANGEABLE = ("time", "stop", "run", "model", "potential")


def bias_run(
    config: BiasConfig,
    path: str | Path,
    *,
    resume: bool = False,
    functions: Sequence[FunctionCV] = (),
    potential: Potential | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
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
    functions
        Variables of your own, which the configuration calls by their names.
    potential
        The one of the source, where that is your own; None is what the configuration names.
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
    if potential is None and config.potential is not None:
        metal = open_run(path if resume else config.run).metadata.element
        potential = calculator_potential(config.potential, metal)
    if resume:
        run = _open(config, path)
        plan = plan_of(run).with_functions(functions)
        dynamics = dynamics_of(run, plan, potential)
        _check_between(run, config)  # before anything of the run is changed
        run.extend(_n_rounds(config, plan, run))
    else:
        config.require_length()
        resolved = resolve(config, functions, potential)
        plan, dynamics = resolved.plan, resolved.dynamics
        run = _create(config, path, resolved)
    with run.lock(), use_executor(executor) as pool:
        heated = plan.heated(stream_seed(run.metadata)) if plan.ladder else None
        kind: Rounds[BiasingState, Any] = BiasedRounds() if heated is None else HeatedRounds()
        method = plan.biasing if heated is None else heated
        recorder = Recorder.restore(run, kind)
        if recorder is None:
            recorder = Recorder.begin(run, kind, _begun(run, plan, dynamics, method))
        recorder.record(
            partial(_round, dynamics, method, plan.steps_per_round, pool),
            SessionLog(run, executor, config.model_dump(mode="json")),
            ahead=partial(_forecast, run, plan, dynamics, method, progress, pool),
            told=lambda state, seen: progress("bias", state.round, run.n_frames, _note(seen)),
            stop=stop,
            judged=partial(_judged, run, plan, config),
            advised=partial(_unconnected, run, plan),
            explained=partial(_explained, run),
        )
    return run


def _round(
    dynamics: BiasedDynamics, method: Any, n_steps: int, pool: Executor, state: BiasingState
) -> tuple[BiasingState, BiasedRound]:
    """One round at one temperature, or on a ladder."""
    if isinstance(method, Heated):
        return heated_round(state, dynamics, method, n_steps, pool)
    return biased_round(state, dynamics, method, n_steps, pool)


def _judged(run: Run, plan: BiasPlan, config: BiasConfig) -> str | None:
    """Refuse heated walkers; say when the difference that was asked for is known."""
    _check_heat(run, plan)
    return _reached(run, config)


def _explained(run: Run, error: BaseException) -> str | None:
    if not isinstance(error, DynamicsError | PotentialError):
        return None
    return f"{error}; the {run.committed()} frames of {run.path} are kept"


def _forecast(
    run: Run,
    plan: BiasPlan,
    dynamics: BiasedDynamics,
    method: Any,
    progress: Progress,
    pool: Executor,
    state: BiasingState,
) -> None:
    """Report how long the rounds that are left will take."""
    bias = method.bias(state.method, 0, len(plan.variables))
    forecast_dynamics(
        progress,
        "bias",
        (state.round, run.n_frames),
        steps_per_frame=plan.steps_per_round,
        time_step=dynamics.dynamics.time_step,
        stride=dynamics.stride,
        clusters=(len(state.walkers), "walker"),
        piece=lambda steps: dynamics(state.walkers[0], bias, steps, steps),
        executor=pool if dynamics.threads else None,
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

    The mean of :math:`2 K / 3 N k_B T` over the last frames, T that of the walker, must be 1. One
    frame has the relative spread :math:`\sqrt{2 / 3N}`. Half of its square is that of the total
    energy, which a harmonic cluster forgets as :math:`e^{-\gamma t}`, so neighbouring frames tell
    less than as many independent ones. The beginning does not count: the walkers start from frames
    of other temperatures, and a bias that is switched on gives them energy.

    Raises
    ------
    DynamicsError
        If it is higher by more than 3 % and by six standard errors.
    """
    n, forgotten = run.committed(), plan.dynamics.friction * 1e3 * plan.time_per_round
    begin = max(math.ceil(_BEGINNING / forgotten), n - _HEATED)
    if begin >= n:
        return
    frames = run.frames(begin).thermal
    data = frames.kinetic_energies
    if data is None:
        return
    n_atoms = run.metadata.n_atoms
    asked = np.full(data.shape, plan.temperature)
    if plan.ladder and frames.temperatures is not None:
        asked = frames.temperatures
    excess = float((data / asked).mean()) / (1.5 * n_atoms * BOLTZMANN) - 1.0
    mean = float(asked.mean())
    inefficiency = 0.5 * (1.0 + 1.0 / np.tanh(0.5 * forgotten))
    error = np.sqrt(2.0 * inefficiency / (3.0 * n_atoms * data.size))
    stride = plan.stride * plan.dynamics.time_step
    if excess > _TOO_HOT and excess > 6.0 * error:
        raise DynamicsError(
            f"the bias heats the walkers: their kinetic temperature is "
            f"{(1.0 + excess) * mean:.0f} K in place of {mean:.4g} K over the last {len(data)} "
            f"frames, because the bias acts every {stride:.4g} fs only, and where it drives the "
            "walkers a variable moves faster than that, or because it grows faster than the "
            "thermostat takes the heat away; take a smaller stride, a guard, a weaker bias, or a "
            "longer pace"
        )


def _reached(run: Run, config: BiasConfig) -> str | None:
    """That the difference that was asked for is known, in a sentence; None if it is not yet."""
    from nanochart.workflow.fes.run import state_difference

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
    """That windows of umbrella sampling, or rungs, do not overlap, in a sentence; None if they do.

    Of methods whose frames are joined by MBAR.
    """
    from nanochart.workflow.fes.samples import weighted_frames

    if plan.method_name != "umbrella" and not plan.ladder:
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
            "time_step": plan.dynamics.time_step,
            **_exchanging(plan),
        },
        kind="biased",
        chunk_frames=min(n_rounds, max(1, _BLOCK_BYTES // (12 * plan.n_atoms * plan.n_walkers))),
        attachments=attachments_of(resolved),
    )


def _exchanging(plan: BiasPlan) -> dict[str, Any]:
    """What tells how the walkers of a ladder exchange."""
    if not plan.ladder:
        return {}
    return {"ladder": list(plan.ladder), "rounds_per_swap": plan.rounds_per_swap}


def _check_between(run: Run, config: BiasConfig) -> None:
    if config.stop is not None:
        check_stop(config, SourceThen.of(run).family_names, config.run)


def _open(config: BiasConfig, path: str | Path) -> Run:
    run = open_run(path, mode="a")
    if run.metadata.kind != "biased":
        raise StoreError(f"{run.path} is no biased run, so there is nothing to resume")
    run.check_sizes()
    asked = config.model_dump(mode="json")
    before, now = (with_time_step(c, run.metadata.time_step) for c in (run.metadata.config, asked))
    changed = [c for c in changes(before, now) if c.path[0] not in _CHANGEABLE]
    if changed:
        raise StoreError(
            f"{run.path} was biased with other settings ({changes_sentence(changed)}): resume it "
            "with its own configuration, or start a new run"
        )
    return run


def _begun(run: Run, plan: BiasPlan, dynamics: BiasedDynamics, method: Any) -> BiasingState:
    seed = stream_seed(run.metadata)
    walkers = initialize(plan.starts, dynamics.potential, plan.walker_temperatures, seed)
    begun = method.initialize(len(plan.variables))
    return BiasingState(BiasedState(walkers, np.zeros(plan.n_walkers)), begun, 0)
