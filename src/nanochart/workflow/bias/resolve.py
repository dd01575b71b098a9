"""From the configuration of a biased run and its source to the plan, once, when it is begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model
from nanochart.biasing import (
    CV,
    BiasedDynamics,
    BiasPlan,
    ChartCoordinate,
    CVs,
    FunctionCV,
    Grid,
    Steered,
    Umbrella,
    Unbiased,
    Wall,
    along,
    guard_grid,
    select,
    variable_words,
    windows_on_grid,
)
from nanochart.clusters import confining_radius
from nanochart.config import BiasConfig, GuardSection
from nanochart.dynamics import Langevin
from nanochart.errors import ConfigError
from nanochart.motifs import LABELS
from nanochart.potentials import Potential
from nanochart.store import open as open_run
from nanochart.system import System
from nanochart.workflow.bias.adaptive import adaptive_method
from nanochart.workflow.bias.limits import Limits
from nanochart.workflow.bias.source import MARGIN, Source
from nanochart.workflow.bias.starts import choose_starts, place_name
from nanochart.workflow.bias.then import source_files
from nanochart.workflow.system import longest_step, potential_at_hand, potential_numbers

__all__ = ["Resolved", "check_stop", "resolve"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Resolved:
    """A plan with what was compiled to make it.

    Attributes
    ----------
    plan
        The numbers.
    system, dynamics
        That of the source, and the dynamics with compiled variables.
    model
        Of the variables; None where none needs one.
    model_file
        Content of its file, to be kept with the plan.
    chart
        Fingerprint of the model that charted the source, None without a chart.
    source_files
        Name -> content of what is kept of the source.
    """

    plan: BiasPlan
    system: System
    dynamics: BiasedDynamics
    model: Model | None
    model_file: bytes | None
    chart: str | None
    source_files: dict[str, bytes]


def resolve(
    config: BiasConfig,
    functions: Sequence[FunctionCV] = (),
    potential: Potential | None = None,
) -> Resolved:
    """Look up all that a configuration names.

    Parameters
    ----------
    config
        What is asked for.
    functions
        Variables of the user's own that it may name.
    potential
        The one of the source, where that keeps its name alone.

    Raises
    ------
    ConfigError
        If a variable, family or place is unknown or does not fit.
    StoreError, ModelError
        If run or model cannot be used.
    """
    run = open_run(config.run)
    source = Source(run, config)
    potential = potential_at_hand(run, potential)
    element = run.metadata.element
    own = _own(functions)
    variables = tuple(own.get(name) or _variable(name, source) for name in config.variables)
    needs_model = any(v.needs_model for v in variables)
    model = source.model if needs_model else None
    cvs = CVs.compile(variables, potential, model, element)
    if any(isinstance(v, ChartCoordinate) for v in variables):
        source.require_thermal()
    check_stop(config, source.family_names, source.run.path)
    data = source.values(cvs, potential)
    longest = longest_step(config.dynamics, potential, source.relaxed(potential), config.rungs[-1])
    dt = config.time_step_within(longest)
    n_steps, squares = config.steps_per_round(dt), source.slopes(cvs, potential)
    walls = tuple(_wall(section, cvs) for section in config.walls)
    strides = config.strides(dt)
    for stride in strides:
        limits = Limits.of(cvs.names, squares, potential.mass, stride, dt)
        method, n_walkers, targets = _method(
            config, source, cvs, data, walls, limits, n_steps, shortest=stride == strides[-1]
        )
        refusal = limits.refusal(method, config.guard)
        if refusal is None:
            break
    else:
        raise ConfigError(refusal)
    guard = None if config.guard is None else _guard(config.guard, method, cvs, data)
    starts, names = choose_starts(config, source, data, targets, n_walkers)
    if config.temperatures:
        method = method.at(config.rungs[0])
    radius = max(confining_radius(x, margin=config.dynamics.confinement) for x in starts)
    plan = BiasPlan(
        element=element,
        n_atoms=run.metadata.n_atoms,
        potential=potential_numbers(potential),
        variables=variables,
        model=None if model is None else model.fingerprint,
        method=method,
        guard=guard,
        temperature=config.rungs[0],
        dynamics=Langevin(dt, config.dynamics.friction, radius),
        stride=stride,
        steps_per_round=n_steps,
        starts=starts,
        start_names=names,
        places=tuple(map(place_name, config.steered.along)) if config.steered else (),
        seed=config.seed,
        origin=source.origin,
        ladder=config.temperatures or (),
        rounds_per_swap=config.rounds_per_swap,
    )
    file = None if model is None else source.model_path.read_bytes()
    dynamics = BiasedDynamics(potential, plan.dynamics, cvs, plan.stride)
    charted = run.info("chart").get("model")
    return Resolved(plan, run.system, dynamics, model, file, charted, source_files(source))


def _own(functions: Sequence[FunctionCV]) -> dict[str, FunctionCV]:
    """Functions by name, none of which another variable has."""
    for function in functions:
        if select(function.name, _Places(None)) is not None:
            raise ConfigError(
                f"a variable of your own must not have the name of another; got {function.name!r}"
            )
    return {function.name: function for function in functions}


def _variable(name: str, source: Source) -> CV:
    found = select(name, _Places(source))
    if found is None:
        raise ConfigError(
            f"each of variables must be {variable_words()}; got {name!r} (a function of your own "
            "is handed over from Python, as functions=[FunctionCV(...)])"
        )
    return found


@dataclass(frozen=True, eq=False)
class _Places:
    """What a variable may ask of the source."""

    source: Source | None

    def mean_rdf(self, family: str) -> Floats:
        """Of some of its thermal frames, as the model scales them."""
        source = self.source
        if source is None:
            return np.zeros(0)
        inside = np.flatnonzero(source.members(family))
        x = source.positions(inside[:: max(1, len(inside) // 200)])
        scale = source.model.scale(source.run.metadata.element)
        return np.asarray(source.model.rdf(scale * x).mean(axis=0))


def check_stop(config: BiasConfig, families: Sequence[str], source: object) -> str | None:
    """What the two states are whose difference ends a run: "family" or "motif"; None without.

    Parameters
    ----------
    config
        What is asked for.
    families
        Names of those of the source, noise first; empty where it has none.
    source
        Name of it, for sentences.

    Raises
    ------
    ConfigError
        If they are neither two families of the source nor two motifs.
    """
    if config.stop is None:
        return None
    asked = config.stop.between
    if all(name in families for name in asked):
        return "family"
    if all(name in LABELS for name in asked):
        return "motif"
    raise ConfigError(
        f"stop.between must name two families of {source}, of "
        f"{', '.join(families[1:]) or 'which it has none'}, or two motifs, of "
        f"{', '.join(LABELS)}; got {', '.join(asked)}"
    )


def _wall(section: Any, cvs: CVs) -> Wall:
    if section.variable not in cvs.names:
        raise ConfigError(
            f"the variable of a wall must be one of {', '.join(cvs.names)}; got "
            f"{section.variable!r}"
        )
    return Wall(cvs.names.index(section.variable), section.at, section.stiffness, section.side)


def _method(
    config: BiasConfig,
    source: Source,
    cvs: CVs,
    data: Floats,
    walls: tuple[Wall, ...],
    limits: Limits,
    steps_per_round: int,
    *,
    shortest: bool,
) -> tuple[Any, int, Floats | None]:
    """Method, walkers, and where each walker should start (None: anywhere)."""
    m = len(cvs)
    if config.umbrella is not None:
        u = config.umbrella
        if u.along is not None and u.windows is not None:
            centres = along([source.place(p, data) for p in u.along], u.windows)
        else:
            centres = windows_on_grid(u.low or (), u.high or (), u.shape or ())
        rows = tuple(map(tuple, centres.tolist()))
        method = Umbrella(rows, _stiffness(u.stiffness, m), walls)
        return method, config.walkers or len(centres) * len(config.rungs), centres
    if config.steered is not None:
        v = config.steered
        points = np.array([source.place(p, data) for p in v.along])
        hold, leg = config.rounds(v.hold), config.rounds(v.duration)
        at = steps_per_round * (hold + leg * np.arange(len(points)))
        rows, steps = tuple(map(tuple, points.tolist())), tuple(at.tolist())
        return Steered(rows, steps, _stiffness(v.stiffness, m), walls), config.walkers or 1, None
    walkers = config.walkers or len(config.temperatures or ()) or 4
    if config.metadynamics is None and config.opes is None:
        return Unbiased(config.rungs[0], walls), walkers, None
    adaptive = adaptive_method(config, source, cvs.names, data, walls, limits, shortest=shortest)
    return adaptive, walkers, None


def _stiffness(value: float | tuple[float, ...], m: int) -> tuple[float, ...]:
    values = (float(value),) * m if isinstance(value, int | float) else tuple(value)
    if len(values) != m:
        raise ConfigError(
            f"stiffness must be one number or one for each of the {m} variables; got {values}"
        )
    return values


def _guard(section: GuardSection, method: Any, cvs: CVs, data: Floats) -> Grid:
    """A wall around the thermal frames of the source."""
    if len(cvs) > 3:
        raise ConfigError(f"a guard is on 1 to 3 variables; got {len(cvs)}: {cvs.names}")
    span = np.ptp(data, axis=0)
    low = getattr(method, "low", None) or tuple(data.min(axis=0) - MARGIN * span)
    high = getattr(method, "high", None) or tuple(data.max(axis=0) + MARGIN * span)
    return guard_grid(data, low, high, section.stiffness, section.reach)
