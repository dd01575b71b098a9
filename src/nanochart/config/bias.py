"""The configuration of a biased run: one YAML file, beside the run whose chart it uses."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from nanochart.config.calculator import ForeignField, LammpsSection
from nanochart.config.findings import validated
from nanochart.config.plain_yaml import read_yaml
from nanochart.config.run import DynamicsConfig, Temperature, whole_share
from nanochart.config.section import Section, field_of
from nanochart.errors import ConfigError

__all__ = [
    "DISCARD",
    "FEWEST_FRAMES",
    "LONGEST_STRIDE",
    "METHODS",
    "BiasConfig",
    "BiasedDynamicsConfig",
    "GuardSection",
    "MetadynamicsSection",
    "OPESSection",
    "SteeredSection",
    "StopSection",
    "UmbrellaSection",
    "WallSection",
    "load_bias_config",
]  # fmt: skip

#: Time in fs between impulses of the bias where nothing needs a shorter one.
LONGEST_STRIDE = 32.0

#: Barrier in eV above which another unit was meant: a metal's atoms leave the cluster first.
_HIGHEST_BARRIER = 5.0
#: Share of a run at its beginning that free energies leave out by default: the bias still grows.
DISCARD = 0.2
#: Frames that a free energy needs after it, of each walker; and of each umbrella window, which has
#: to know its own correlation time from what it saw itself.
FEWEST_FRAMES, FEWEST_OF_WINDOW = 50, 100

#: What nobody can mean, so that a slip is told before anything is computed: walkers and windows,
#: collective variables, time of a walker in ns (a second), steps or frames between two of a kind.
_MOST_WALKERS, _MOST_VARIABLES, _LONGEST, _RAREST = 10_000, 8, 1e9, 1_000_000
#: Temperatures of a ladder.
_MOST_RUNGS = 1_000

#: A value of a collective variable, a width of it, and a stiffness in eV per its unit².
Value = Annotated[float, Field(ge=-1e9, le=1e9)]
Width = Annotated[float, Field(gt=0, le=1e9)]
Stiffness = Annotated[float, Field(gt=0, le=1e9)]
#: Of a restraint of several variables, that leaves free those where it is zero.
Restraining = Annotated[float, Field(ge=0, le=1e9)]

#: One of each variable.
Values = Annotated[tuple[Value, ...], Field(max_length=_MOST_VARIABLES)]
Widths = Annotated[tuple[Width, ...], Field(max_length=_MOST_VARIABLES)]
Stiffnesses = Annotated[tuple[Restraining, ...], Field(max_length=_MOST_VARIABLES)]
Counts = Annotated[
    tuple[Annotated[int, Field(ge=1, le=_MOST_WALKERS)], ...], Field(max_length=_MOST_VARIABLES)
]

#: A place: the name of a family, or coordinates.
Place = str | Values


class BiasedDynamicsConfig(DynamicsConfig):
    """Settings of biased dynamics: as of sampling, with more friction.

    A bias does work on the walkers, all the more while it grows or moves, and the thermostat has to
    take it away as heat.
    """

    friction: float = field_of(1e-3, unit="1/fs", gt=0, le=1)


class WallSection(Section):
    """Half a harmonic well beyond ``at`` that keeps a variable below or above it."""

    variable: str
    at: Value
    stiffness: Stiffness = field_of(unit="eV per unit²")
    side: Literal["upper", "lower"] = "upper"


class GuardSection(Section):
    """A wall around the places of the chart that the model was trained on."""

    stiffness: Stiffness = field_of(1.0, unit="eV per unit²")
    reach: Width | None = field_of(None, unit="units of the chart")


class MetadynamicsSection(Section):
    """Well-tempered metadynamics: ``height``, ``bias_factor`` and widths ``sigma`` of Gaussians.

    Widths that are not given are half the spread of the thermal frames of a family (the median over
    families and temperatures), or as much more as the stride and the grid need.
    """

    height: float = field_of(0.02, unit="eV", gt=0, le=10)
    bias_factor: float = field_of(15.0, gt=1, le=10_000)
    sigma: Widths | None = None


class OPESSection(Section):
    """OPES; ``barrier`` is the highest that is to be crossed."""

    barrier: float = field_of(unit="eV", gt=0)
    sigma: Widths | None = None

    @model_validator(mode="after")
    def _in_electronvolts(self) -> Self:
        if self.barrier > _HIGHEST_BARRIER:
            raise ValueError(
                f"barrier (eV) must be at most {_HIGHEST_BARRIER:g}, which no change of a "
                f"cluster's structure takes; got {self.barrier:g}: {self.barrier:g} kJ/mol are "
                f"{self.barrier / 96.485:.3g} eV"
            )
        return self


class UmbrellaSection(Section):
    """Windows along a line through places, or on a grid from ``low`` to ``high``."""

    along: tuple[Place, ...] | None = field_of(None, max_length=_MOST_WALKERS)
    windows: int | None = field_of(None, ge=2, le=_MOST_WALKERS)
    low: Values | None = None
    high: Values | None = None
    shape: Counts | None = None
    stiffness: Stiffnesses | Stiffness = field_of(unit="eV per unit²")

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        line = self.along is not None and self.windows is not None
        grid = None not in (self.low, self.high, self.shape)
        if line == grid or (self.along is None) != (self.windows is None):
            raise ValueError("give either along and windows, or low, high and shape")
        if self.n_windows > _MOST_WALKERS:
            raise ValueError(
                f"shape must give at most {_MOST_WALKERS:,} windows; got {self.n_windows:,}"
            )
        return self

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return self.windows or math.prod(self.shape or ())


class SteeredSection(Section):
    """A restraint that moves through places, ``duration`` from each to the next.

    It is held at the first for ``hold``, in which every walker comes to equilibrium there.
    """

    along: tuple[Place, ...] = field_of(max_length=_MOST_WALKERS)
    duration: float = field_of(unit="ns", gt=0, le=_LONGEST)
    hold: float = field_of(0.05, unit="ns", gt=0, le=_LONGEST)
    stiffness: Stiffnesses | Stiffness = field_of(unit="eV per unit²")


class StopSection(Section):
    """End the run when the free-energy difference of two families or motifs is known well enough.

    One frame in ``every`` is quenched meanwhile, whose own states the difference is made of.
    """

    between: tuple[str, str]
    error: float = field_of(0.02, unit="eV", gt=0, le=100)
    every: int = field_of(5, unit="frames", ge=1, le=_RAREST)

    @model_validator(mode="after")
    def _two_families(self) -> Self:
        if self.between[0] == self.between[1]:
            raise ValueError(f"between must name two families; got {self.between[0]!r} twice")
        return self


METHODS = ("metadynamics", "opes", "umbrella", "steered")


class BiasConfig(Section):
    """Configuration of a biased run: source, variables, method, walkers and length.

    It is at one ``temperature``, or on a ladder of ``temperatures`` whose neighbours attempt to
    exchange every ``swap_interval``, which is the ``pace`` if it is not given. ``walkers`` are
    those of all temperatures together.

    Without a ``stride``, the time between impulses of the bias, it is about 30 fs, or less
    where restraints and walls need less, in whole time steps. ``potential`` is the calculator of
    the source, where that is the code of another program, which a run records and never calls.
    """

    run: str
    model: str | None = None
    potential: ForeignField | None = None
    temperature: Temperature | None = field_of(None, unit="K")
    temperatures: tuple[Temperature, ...] | None = field_of(None, unit="K", max_length=_MOST_RUNGS)
    swap_interval: float | None = field_of(None, unit="ps", gt=0, le=1e5)
    variables: tuple[str, ...] = field_of(max_length=_MOST_VARIABLES)
    metadynamics: MetadynamicsSection | None = None
    opes: OPESSection | None = None
    umbrella: UmbrellaSection | None = None
    steered: SteeredSection | None = None
    walkers: int | None = field_of(None, unit="walkers", ge=1, le=_MOST_WALKERS)
    starts: tuple[str, ...] = field_of((), max_length=_MOST_WALKERS)
    low: Values | None = None
    high: Values | None = None
    time: float | None = field_of(None, unit="ns", gt=0, le=_LONGEST)
    pace: float = field_of(2.5, unit="ps", gt=0, le=1e5)
    stride: float | None = field_of(None, unit="fs", ge=0.05, le=1e5)
    walls: tuple[WallSection, ...] = field_of((), max_length=1_000)
    guard: GuardSection | None = None
    stop: StopSection | None = None
    dynamics: BiasedDynamicsConfig = BiasedDynamicsConfig()
    seed: int = field_of(0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        given = [name for name in METHODS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one method; got {' and '.join(given)}")
        if not self.variables:
            raise ValueError(
                "variables must name at least one collective variable; got none: give [s1, s2]"
            )
        if self.time is None and self.steered is None:
            raise ValueError("time (ns) is missing: the length of each walker")
        return self

    @model_validator(mode="after")
    def _one_temperature_or_a_ladder(self) -> Self:
        T = self.temperatures or ()
        if (self.temperature is None) == (not T):
            raise ValueError(
                "give either temperature (K), or temperatures, the ladder of a heated run; got "
                f"{'both' if T else 'none'}"
            )
        if not T:
            if self.swap_interval is not None:
                raise ValueError(
                    "swap_interval is the time between exchanges of a ladder; give temperatures, "
                    "or leave it out"
                )
            return self
        if len(T) < 2 or any(b <= a for a, b in pairwise(T)):
            got = ", ".join(f"{t:g}" for t in T)
            raise ValueError(f"temperatures (K) must be two or more that rise; got {got}")
        if self.steered is not None:
            raise ValueError(
                "temperatures are for runs in equilibrium, whose walkers can change places; got "
                "steered, whose works are those of one temperature: give it a temperature"
            )
        if self.walkers is not None and self.walkers % len(T):
            raise ValueError(
                f"walkers, those of all temperatures together, must be a multiple of the {len(T)} "
                f"temperatures; got {self.walkers}: leave it out for one at each"
            )
        rounds = (self.swap_interval or self.pace) / self.pace
        if round(rounds) < 1 or abs(rounds - round(rounds)) > 1e-6 * rounds:
            raise ValueError(
                f"swap_interval (ps) must be a multiple of the pace, {self.pace:g}; got "
                f"{self.swap_interval:g}"
            )
        return self

    @model_validator(mode="after")
    def _paces_fit(self) -> Self:
        step = self.dynamics.given_step
        between = self.stride or step
        if self.stride is not None and step is not None and not _whole(self.stride, step):
            raise ValueError(
                f"stride (fs) must be a multiple of dynamics.time_step, {step:g} fs; got "
                f"{self.stride:g}"
            )
        if between is not None and not _whole(1000.0 * self.pace, between):
            what = "dynamics.time_step" if self.stride is None else "stride"
            raise ValueError(
                f"pace (ps) must be a multiple of {what}, {between:g} fs; got {self.pace:g}"
            )
        return self

    @model_validator(mode="after")
    def _walkers_fill_windows(self) -> Self:
        if self.umbrella is not None and self.walkers is not None:
            n = self.umbrella.n_windows
            K, at = len(self.rungs), ""
            if K > 1:
                at = f" at {K} temperatures, {n * K} in all"
            if self.walkers % (n * K):
                raise ValueError(
                    f"walkers, those of all windows together, must be a multiple of the {n} "
                    f"windows{at}; got {self.walkers}: leave it out for one in each"
                )
        return self

    @property
    def rungs(self) -> tuple[float, ...]:
        """Temperatures in K, rising: those of the ladder, or the one there is."""
        return self.temperatures or (self.temperature or 0.0,)

    @property
    def rounds_per_swap(self) -> int:
        """Rounds between attempts to exchange: without a ``swap_interval``, one."""
        return round((self.swap_interval or self.pace) / self.pace)

    @property
    def method(self) -> str | None:
        """Name of the method, None for plain dynamics."""
        return next((name for name in METHODS if getattr(self, name) is not None), None)

    def time_step_within(self, longest: float) -> float:
        """The time step in fs: as given by hand, or derived.

        Parameters
        ----------
        longest
            Longest time step in fs that the system bears. The one derived is the longest, not above
            it, that fits into the stride, and the stride into the pace.
        """
        if self.dynamics.given_step is not None:
            return self.dynamics.given_step
        if self.stride is not None:
            return whole_share(self.stride, longest)
        steps = _steps_within(LONGEST_STRIDE, min(longest, 1000.0 * self.pace))
        return whole_share(1000.0 * self.pace, steps * longest) / steps

    def strides(self, time_step: float) -> tuple[int, ...]:
        """Time steps (fs) between impulses: as asked for, or those to try, longest first."""
        if self.stride is not None:
            return (round(self.stride / time_step),)
        per_round, most = self.steps_per_round(time_step), _steps_within(LONGEST_STRIDE, time_step)
        return tuple(n for n in range(most, 0, -1) if per_round % n == 0)

    def steps_per_round(self, time_step: float) -> int:
        """Time steps (fs, that of the run) between updates of the bias."""
        return round(1000.0 * self.pace / time_step)

    def rounds(self, nanoseconds: float) -> int:
        """Rounds in a time, at least one."""
        return max(1, round(1000.0 * nanoseconds / self.pace))

    def require_length(self) -> None:
        """Refuse a run that would be too short for any free energy.

        Raises
        ------
        ConfigError
            If it leaves too few frames of each walker, or of each umbrella window.
        """
        if self.steered is not None or self.time is None:
            return
        frames, least, whose, sharing = self.rounds(self.time), FEWEST_FRAMES, "walker", 1
        if self.umbrella is not None:
            places = self.umbrella.n_windows * len(self.rungs)
            sharing = (self.walkers or places) // places
            least, whose = FEWEST_OF_WINDOW, "window"
            if len(self.rungs) > 1:
                whose = "window at each temperature"
        kept = sharing * (frames - int(DISCARD * frames))
        if kept < least:
            needed = math.ceil(least / sharing / (1.0 - DISCARD)) * self.pace / 1000.0
            raise ConfigError(
                f"time (ns) must give at least {least} frames of each {whose} after the first "
                f"{DISCARD:.0%}; got {kept} in {self.time:g} ns, one each {self.pace:g} ps: take "
                f"at least {needed:.6g} ns, or a shorter pace"
            )


def _whole(time: float, part: float) -> bool:
    """Whether a time is a whole number of parts, at least one."""
    n = round(time / part)
    return n >= 1 and abs(time - n * part) <= 1e-6 * time


def _steps_within(time: float, time_step: float) -> int:
    """Time steps in a time, at least one."""
    return max(1, math.floor(time / time_step + 1e-9))


def load_bias_config(source: str | Path | dict[str, Any]) -> BiasConfig:
    """Read and validate the configuration of a biased run.

    Parameters
    ----------
    source
        YAML file, whose paths are relative to it; or its content as a dictionary, whose paths are
        relative to the working directory.

    Raises
    ------
    ConfigError
        Names each field that is wrong by its path, with unit and what was got.
    """
    if isinstance(source, dict):
        values, where, here = source, "the configuration", Path.cwd()
    else:
        path = Path(source)
        values = read_yaml(path, f"there is no configuration {path}")
        where, here = str(path), path.parent.absolute()
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where} must hold the fields of a biased run (run, temperature, ...); got none"
        )
    config = validated(BiasConfig, values, where)
    changes: dict[str, Any] = {"run": str(here / config.run)}
    if config.model is not None:
        changes["model"] = str(here / config.model)
    if isinstance(config.potential, LammpsSection):
        changes["potential"] = config.potential.beside(here)
    return config.model_copy(update=changes)
