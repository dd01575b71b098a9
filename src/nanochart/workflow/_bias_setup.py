"""From the configuration of a biased run to its variables, method, starts and dynamics."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.autoencoder import Model, load
from nanochart.biasing import (
    CV,
    OPES,
    BiasedDynamics,
    ChartCoordinate,
    Coordination,
    CVs,
    Guarded,
    Metadynamics,
    PotentialEnergy,
    RDFDistance,
    Steered,
    SteinhardtQ6,
    Umbrella,
    Wall,
    along,
    guard_grid,
    windows_on_grid,
)
from nanochart.biasing._gaussians import NODES_PER_WIDTH, nodes_per_width
from nanochart.clusters import confining_radius
from nanochart.dynamics import Langevin
from nanochart.errors import ConfigError, StoreError
from nanochart.potentials import Potential
from nanochart.store import Run
from nanochart.store import open as open_run
from nanochart.units import AMU, BOLTZMANN
from nanochart.workflow._bias_config import BiasConfig, GuardSection
from nanochart.workflow._chart import check_model

__all__ = ["Plain", "Setup", "make_setup"]

Floats = NDArray[np.float64]

#: Share of the range of the data by which a grid is wider on either side.
_MARGIN = 0.15
#: Place of a wall in shares of the range of the grid, from its end.
_WALL = 0.08
#: Width of the Gaussians in standard deviations within a family.
_WIDTH = 0.5
#: Frames of the chart that a setup looks at, at most.
_MOST = 60_000


@dataclass(frozen=True)
class Plain(Umbrella):
    """No bias but the walls: windows without stiffness."""

    def log_weights(self, state: Any, energies: Floats) -> Floats:
        """Energies of the walls alone."""
        del state
        return np.zeros_like(energies)


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a biased run needs.

    Attributes
    ----------
    source
        The charted run.
    potential, dynamics, method
        Forces, compiled dynamics with their variables, and the method.
    starts
        (walker, atom, 3) in Å.
    start_names
        Of each walker.
    n_rounds
        Planned.
    """

    source: Run
    potential: Potential
    dynamics: BiasedDynamics
    method: Any
    starts: Floats
    start_names: tuple[str, ...]
    n_rounds: int


def make_setup(config: BiasConfig) -> Setup:
    """Look up what a configuration names.

    Raises
    ------
    ConfigError
        If a variable, family or place is unknown or does not fit.
    StoreError, ModelError
        If run or model cannot be used.
    """
    source = open_run(config.run)
    potential = source.system.potential
    known = _Known(source, config)
    variables = [_variable(name, known) for name in config.variables]
    needs_model = any(isinstance(v, ChartCoordinate | RDFDistance) for v in variables)
    model = known.model if needs_model else None
    cvs = CVs.compile(variables, potential, model, source.metadata.element)
    if model is not None and any(isinstance(v, ChartCoordinate) for v in variables):
        known.require_thermal()
    data = known.values(cvs, potential)
    walls = tuple(_wall(w, cvs) for w in config.walls)
    limits = _stiffest(config, cvs, known, potential)
    method, n_rounds, n_walkers, targets = _method(config, cvs, known, data, walls, limits)
    _check_stiffness(config, method, cvs, limits)
    if config.guard is not None:
        method = _guarded(config.guard, config.stride, method, cvs, data, limits)
    starts, names = _starts(config, known, data, targets, n_walkers)
    radius = max(confining_radius(x, margin=config.dynamics.confinement) for x in starts)
    dynamics = Langevin(config.dynamics.time_step, config.dynamics.friction, radius)
    biased = BiasedDynamics(potential, dynamics, cvs, config.stride)
    return Setup(source, potential, biased, method, starts, names, n_rounds)


class _Known:
    """What the charted run says: frames, families, model."""

    def __init__(self, run: Run, config: BiasConfig) -> None:
        if run.committed() == 0:
            raise StoreError(f"{run.path} has no frames: sample it first")
        self.run, self.config = run, config
        self.data = run.to_xarray()
        n = self.data.sizes["frame"]
        step = max(1, n * self.data.sizes["replica"] // _MOST)
        self.frames = self.data.isel(frame=slice(None, None, step))
        self._model: Model | None = None

    @property
    def model(self) -> Model:
        if self._model is None:
            path = Path(self.config.model or self.run.path.with_suffix(".nanochart"))
            if not path.exists():
                raise ConfigError(
                    f"there is no model {path}: train one (`nanochart train {self.run.path}`), or "
                    "name it in the field model"
                )
            self._model = load(path)
            check_model(self.run, self._model)
        return self._model

    def require_thermal(self) -> None:
        if self.model.target != "inherent":
            raise ConfigError(
                "the chart coordinates of moving clusters need a model that reads thermal "
                f"frames, target inherent; got target {self.model.target}, which was trained on "
                "quenched structures: train again with `--target inherent`"
            )
        charted = self.run.info("chart").get("model")
        if charted != self.model.fingerprint:
            raise ConfigError(
                f"{self.run.path} was charted with another model ({charted}) than the one to bias "
                f"with ({self.model.fingerprint}): run `nanochart chart {self.run.path}` with it"
            )

    def values(self, cvs: CVs, potential: Potential) -> Floats:
        """Variables of the run's thermal frames (frame * replica, m)."""
        columns = []
        simple = all(name[0] == "s" and name[1:].isdigit() for name in cvs.names)
        if simple and "chart" in self.frames:
            chart = self.frames["chart"].to_numpy().reshape(-1, self.model.bottleneck)
            columns = [chart[:, int(name[1:]) - 1] for name in cvs.names]
            return np.stack(columns, axis=1).astype(np.float64)
        x = self.frames["positions"].to_numpy().astype(np.float64)
        return cvs.values(x.reshape(-1, *x.shape[-2:]), potential)

    @property
    def family_names(self) -> tuple[str, ...]:
        return tuple(self.run.info("families").get("names", ()))

    def members(self, name: str) -> NDArray[np.bool_]:
        """Which of the frames belong to a family, or to all families of a motif."""
        names = self.family_names
        if "family" not in self.frames or not names:
            raise ConfigError(
                f"{self.run.path} has no families, so {name!r} means nothing: run `nanochart "
                f"families {self.run.path}` first, or give coordinates"
            )
        codes = [k for k, n in enumerate(names) if k and (n == name or n.startswith(f"{name}/"))]
        if not codes:
            raise ConfigError(
                f"{name!r} is no family of {self.run.path}; its families are {', '.join(names[1:])}"
            )
        return np.isin(self.frames["family"].to_numpy().ravel(), codes)

    def place(self, place: str | tuple[float, ...], data: Floats) -> Floats:
        """Coordinates of a place: as given, or the median of a family's thermal frames."""
        if isinstance(place, str):
            inside = self.members(place)
            T = self.frames["temperature"].to_numpy().ravel()
            near = inside & (np.abs(T - self.config.temperature) <= 0.15 * self.config.temperature)
            return np.asarray(np.median(data[near if near.sum() >= 10 else inside], axis=0))
        if len(place) != data.shape[1]:
            raise ConfigError(
                f"a place must have a coordinate for each of the {data.shape[1]} variables, or be "
                f"the name of a family; got {place}"
            )
        self.check_inside(np.array(place), data)
        return np.array(place)

    def check_inside(self, place: Floats, data: Floats) -> None:
        low, high = data.min(axis=0), data.max(axis=0)
        margin = _MARGIN * (high - low)
        if ((place < low - margin) | (place > high + margin)).any():
            raise ConfigError(
                f"the place {tuple(place.tolist())} is outside of what the run has seen, "
                f"{_range(low, high)}: choose one inside, or sample further"
            )


def _range(low: Floats, high: Floats) -> str:
    return ", ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True))


def _variable(name: str, known: _Known) -> CV:
    simple: dict[str, CV] = {
        "energy": PotentialEnergy(),
        "coordination": Coordination(),
        "q6": SteinhardtQ6(),
    }
    if name in simple:
        return simple[name]
    if name[:1] == "s" and name[1:].isdigit() and int(name[1:]) >= 1:
        return ChartCoordinate(int(name[1:]) - 1)
    if name.startswith("distance:"):
        family = name.removeprefix("distance:")
        inside = np.flatnonzero(known.members(family))
        chosen = inside[:: max(1, len(inside) // 200)]
        x = known.frames["positions"].to_numpy()
        x = x.reshape(-1, *x.shape[-2:])[chosen].astype(np.float64)
        reference = known.model.rdf(known.model.scale(known.run.metadata.element) * x).mean(axis=0)
        return RDFDistance(reference, family)
    raise ConfigError(
        "each of variables must be s1, s2, ... (the chart), energy, coordination, q6 or "
        f"distance:FAMILY; got {name!r}"
    )


def _wall(section: Any, cvs: CVs) -> Wall:
    if section.variable not in cvs.names:
        raise ConfigError(
            f"the variable of a wall must be one of {', '.join(cvs.names)}; got "
            f"{section.variable!r}"
        )
    return Wall(cvs.names.index(section.variable), section.at, section.stiffness, section.side)


def _guarded(
    guard: GuardSection, stride: int, method: Any, cvs: CVs, data: Floats, limits: Floats
) -> Guarded:
    """The method with a wall around the thermal frames of the run."""
    if len(cvs) > 3:
        raise ConfigError(f"a guard is on 1 to 3 variables; got {len(cvs)}: {cvs.names}")
    if guard.stiffness > limits.min():
        raise ConfigError(
            f"the stiffness of the guard must be at most {limits.min():.3g} eV per unit² for an "
            f"impulse every {stride} steps; got {guard.stiffness:g}: take a softer one, or "
            "a smaller stride"
        )
    span = np.ptp(data, axis=0)
    low = getattr(method, "low", None) or tuple(data.min(axis=0) - _MARGIN * span)
    high = getattr(method, "high", None) or tuple(data.max(axis=0) + _MARGIN * span)
    return Guarded(method, guard_grid(data, low, high, guard.stiffness, guard.reach))


def _stiffest(config: BiasConfig, cvs: CVs, known: _Known, potential: Potential) -> Floats:
    r"""Stiffness (m,) whose oscillation takes as long as 2π strides, in eV per unit².

    A restraint κ/2 s² moves atoms of mass M at :math:`\omega^2 = \kappa |\nabla s|^2 / M`, and an
    impulse every Δt is unstable from ω Δt = 2 on. The gradient is the largest among some frames.
    """
    x = known.frames["positions"].to_numpy()
    x = x.reshape(-1, *x.shape[-2:])
    some = x[:: max(1, len(x) // 100)].astype(np.float64)
    squares = []
    for a in range(len(cvs)):
        slope = np.zeros(len(cvs))
        slope[a] = 1.0
        gradient = cvs.with_gradient(some, potential, slope)[1]
        squares.append(float((gradient**2).sum(axis=(1, 2)).max()))
    interval = config.stride * config.dynamics.time_step
    limit: Floats = potential.mass * AMU / (np.array(squares) * interval**2)
    return limit


def _check_stiffness(config: BiasConfig, method: Any, cvs: CVs, limits: Floats) -> None:
    """Refuse restraints and walls that the stride cannot follow."""
    asked = [(a, k, "restraint") for a, k in enumerate(getattr(method, "stiffness", ()))]
    asked += [(w.variable, w.stiffness, "wall") for w in method.walls]
    for a, stiffness, what in asked:
        if stiffness > limits[a]:
            raise ConfigError(
                f"the stiffness of a {what} of {cvs.names[a]} must be at most {limits[a]:.3g} eV "
                f"per unit² for an impulse every {config.stride} steps of "
                f"{config.dynamics.time_step:g} fs; got {stiffness:.3g}: take a softer one, or a "
                "smaller stride"
            )


def _method(
    config: BiasConfig,
    cvs: CVs,
    known: _Known,
    data: Floats,
    walls: tuple[Wall, ...],
    limits: Floats,
) -> tuple[Any, int, int, Floats | None]:
    """Method, rounds, walkers, and where each walker should start (None: anywhere)."""
    m = len(cvs)
    n_rounds = config.rounds(config.time or 0.0)
    if config.umbrella is not None:
        u = config.umbrella
        if u.along is not None and u.windows is not None:
            centres = along([known.place(p, data) for p in u.along], u.windows)
        else:
            centres = windows_on_grid(u.low or (), u.high or (), u.shape or ())
        method: Any = Umbrella(
            tuple(map(tuple, centres.tolist())), _stiffness(u.stiffness, m), walls
        )
        return method, n_rounds, len(centres) * (config.walkers or 1), centres
    if config.steered is not None:
        v = config.steered
        points = np.array([known.place(p, data) for p in v.along])
        hold, leg = config.rounds(v.hold) if v.hold else 0, config.rounds(v.duration)
        at = config.steps_per_round * (hold + leg * np.arange(len(points)))
        method = Steered(
            tuple(map(tuple, points.tolist())), tuple(at.tolist()), _stiffness(v.stiffness, m),
            walls,
        )  # fmt: skip
        return method, hold + leg * (len(points) - 1), config.walkers or 1, points[:1]
    walkers = config.walkers or 4
    if config.metadynamics is None and config.opes is None:
        free = (tuple(np.median(data, axis=0).tolist()),)
        return Plain(free, (0.0,) * m, walls), n_rounds, walkers, None
    return _adaptive(config, cvs, known, data, walls, limits), n_rounds, walkers, None


def _adaptive(
    config: BiasConfig,
    cvs: CVs,
    known: _Known,
    data: Floats,
    walls: tuple[Wall, ...],
    limits: Floats,
) -> Metadynamics | OPES:
    """Metadynamics or OPES, on a grid around what the run has seen."""
    m, T = len(cvs), config.temperature
    span = np.ptp(data, axis=0)
    low = config.low or tuple((data.min(axis=0) - _MARGIN * span).tolist())
    high = config.high or tuple((data.max(axis=0) + _MARGIN * span).tolist())
    if len(low) != m or len(high) != m:
        raise ConfigError(
            f"low and high must have a number for each of the {m} variables; got {low} and {high}"
        )
    if m > 3:
        raise ConfigError(f"metadynamics and OPES take at most 3 variables; got {m}")
    section = config.metadynamics or config.opes
    # What the stride can follow: the curvature of an adaptive bias is about kT / sigma².
    narrowest = np.sqrt(BOLTZMANN * T / limits)
    sigma = getattr(section, "sigma", None)
    if sigma is None:
        widths = np.maximum(_widths(known, data), narrowest)
        coarse = 1.01 * NODES_PER_WIDTH / nodes_per_width(low, high, widths.tolist())
        sigma = tuple((widths * max(1.0, coarse)).tolist())
    if len(sigma) != m:
        raise ConfigError(f"sigma must have a width for each of the {m} variables; got {sigma}")
    for name, width, least in zip(cvs.names, sigma, narrowest, strict=True):
        if width < 0.5 * least:
            raise ConfigError(
                f"sigma of {name} must be at least {0.5 * least:.3g} for an impulse every "
                f"{config.stride} steps of {config.dynamics.time_step:g} fs; got {width:.3g}: take "
                "a wider one, or a smaller stride"
            )
    inside = _walls_inside(low, high, walls, limits)
    if config.metadynamics is not None:
        w = config.metadynamics
        return Metadynamics(T, w.height, sigma, w.bias_factor, low, high, inside)
    barrier = config.opes.barrier if config.opes else 0.0
    least = np.maximum(np.array(sigma) / 3.0, np.minimum(narrowest, sigma))
    return OPES(T, barrier, sigma, low, high, None, inside, tuple(least.tolist()))


def _walls_inside(
    low: Sequence[float], high: Sequence[float], walls: tuple[Wall, ...], limits: Floats
) -> tuple[Wall, ...]:
    """The given walls, and one within each end of the grid that has none: outside is no bias."""
    have = {(w.variable, w.side) for w in walls}
    extra = []
    for a, limit in enumerate(limits):
        span = high[a] - low[a]
        # 0.1 eV where the grid ends, or as much as the stride allows.
        stiffness = min(0.2 / (_WALL * span) ** 2, 0.25 * float(limit))
        for side, at in (("lower", low[a] + _WALL * span), ("upper", high[a] - _WALL * span)):
            if (a, side) not in have:
                extra.append(Wall(a, at, stiffness, side))
    return (*walls, *extra)


def _widths(known: _Known, data: Floats) -> tuple[float, ...]:
    """Half of the median spread of a family's thermal frames at one temperature."""
    T = known.frames["temperature"].to_numpy().ravel()
    groups = T.astype(np.int64)
    if "family" in known.frames:
        groups = groups * 1000 + known.frames["family"].to_numpy().ravel()
    spreads = []
    for group in np.unique(groups):
        inside = groups == group
        if inside.sum() >= 30:
            spreads.append(data[inside].std(axis=0))
    spread = np.median(spreads, axis=0) if spreads else 0.1 * data.std(axis=0)
    return tuple((_WIDTH * spread).tolist())


def _stiffness(value: float | tuple[float, ...], m: int) -> tuple[float, ...]:
    values = (float(value),) * m if isinstance(value, int | float) else tuple(value)
    if len(values) != m:
        raise ConfigError(
            f"stiffness must be one number or one for each of the {m} variables; got {values}"
        )
    return values


def _starts(
    config: BiasConfig, known: _Known, data: Floats, targets: Floats | None, n: int
) -> tuple[Floats, tuple[str, ...]]:
    """Positions of each walker: frames of the run, of the families named or nearest the targets."""
    positions = known.frames["positions"]
    T = known.frames["temperature"].to_numpy().ravel()
    usable = np.abs(T - config.temperature) <= 0.2 * config.temperature
    if not usable.any():
        usable = np.ones(len(T), dtype=bool)
    rng = np.random.default_rng(config.seed)
    chosen, names = [], []
    if config.starts:
        for k in range(n):
            name = config.starts[k % len(config.starts)]
            inside = np.flatnonzero(known.members(name) & usable)
            if len(inside) == 0:
                inside = np.flatnonzero(known.members(name))
            chosen.append(int(rng.choice(inside)))
            names.append(name)
    elif targets is not None:
        pool = np.flatnonzero(usable)
        scale = data[pool].std(axis=0) + 1e-12
        tree = cKDTree(data[pool] / scale)
        for k in range(n):
            _, nearest = tree.query(targets[k % len(targets)] / scale)
            chosen.append(int(pool[nearest]))
            names.append(f"window {k % len(targets) + 1}")
    else:
        pool = np.flatnonzero(usable)
        chosen = [int(i) for i in rng.choice(pool, n)]
        names = ["run"] * n
    replicas = known.frames.sizes["replica"]
    x = np.stack(
        [positions[i // replicas, i % replicas].to_numpy().astype(np.float64) for i in chosen]
    )
    return x - x.mean(axis=1, keepdims=True), tuple(names)
