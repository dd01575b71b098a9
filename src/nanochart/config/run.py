"""The configuration of a run: one YAML file, validated with field, unit and remedy."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from nanochart.autoencoder import TrainingConfig
from nanochart.clusters import MOTIFS
from nanochart.config.calculator import ForeignSection, LammpsSection, PotentialField
from nanochart.config.findings import validated
from nanochart.config.plain_yaml import read_yaml
from nanochart.config.section import Section, field_of
from nanochart.descriptors import RDF
from nanochart.dynamics import FRICTION
from nanochart.errors import ConfigError
from nanochart.motifs import LABELS
from nanochart.potentials import GUPTA_PARAMETERS
from nanochart.tempering import Ladder

__all__ = [
    "AUTO",
    "DynamicsConfig",
    "QuenchConfig",
    "RDFConfig",
    "RunConfig",
    "SystemConfig",
    "TemperingSection",
    "check_files",
    "load_config",
    "nanoseconds",
    "start_source",
    "whole_share",
]

#: As a start: the lowest minimum known.
BEST = "best"
#: Between what has minima of several motifs and the one that is taken of it.
_OF = ":"
#: Exchanges between two frames, for a run can be stopped and saved only after a frame.
_MOST_EXCHANGES = 1_000
#: As a time step: the longest whose averages are right, which the run derives when it is made.
AUTO: Final = "auto"

_NANOSECONDS = {"fs": 1e-6, "ps": 1e-3, "ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6}


#: What nobody can mean, so that a slip of units is told before anything is computed: time of a
#: replica in ns (a second), temperatures of a ladder.
_LONGEST, _MOST_RUNGS = 1e9, 1_000

#: Of a metal that is not a gas, in K.
Temperature = Annotated[float, Field(gt=0, le=10_000)]


class SystemConfig(Section):
    """Settings of the system: ``metal``, ``n_atoms``, ``potential``.

    That is "gupta", the file of a table, a calculator (`ase`) or an input of LAMMPS (`lammps`).

    Whether a file exists is asked by `check_files`, not here: a stored configuration is read where
    its files may be no more. For the same reason no calculator is imported here.
    """

    metal: str
    n_atoms: int = field_of(unit="atoms", ge=2, le=100_000)
    potential: PotentialField = "gupta"

    @model_validator(mode="after")
    def _known_metal(self) -> Self:
        if self.potential == "gupta" and self.metal not in GUPTA_PARAMETERS:
            raise ValueError(
                f"metal must be one of {', '.join(GUPTA_PARAMETERS)} for the Gupta potential, or "
                f"potential must name an eam/alloy table; got {self.metal!r}"
            )
        return self

    @property
    def table(self) -> str | None:
        """File of an eam/alloy table; None of the Gupta potential and of calculators."""
        own = self.potential
        return own if isinstance(own, str) and own != "gupta" else None

    @property
    def calculator(self) -> ForeignSection | None:
        """The calculator, where another program computes the potential."""
        return None if isinstance(self.potential, str) else self.potential


class DynamicsConfig(Section):
    """Settings of Langevin dynamics; ``confinement`` is the room between cluster and sphere.

    The time step "auto" stays so in the configuration: the number is derived from the system and
    stored with the run (`nanochart.store.Metadata.time_step`). One below 0.05 fs is one in ps:
    metals need none so short.
    """

    time_step: Literal["auto"] | Annotated[float, Field(ge=0.05, le=100)] = field_of(
        AUTO, unit="fs"
    )
    friction: float = field_of(FRICTION, unit="1/fs", gt=0, le=1)
    confinement: float = field_of(4.0, unit="Å", gt=0, le=100_000)

    @field_validator("time_step", mode="before")
    @classmethod
    def _number_or_auto(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and value != AUTO):
            raise ValueError(f"must be a number (fs), or {AUTO}; got {value!r:.200}")
        return value

    @property
    def given_step(self) -> float | None:
        """The time step in fs if it is given by hand, None if it is to be derived."""
        return None if isinstance(self.time_step, str) else self.time_step


class TemperingSection(Section):
    """The ladder, given or geometric, the times of parallel tempering, and the kind of exchange.

    ``mapped_below`` is the highest temperature of neighbours that exchange mapped to each other's
    temperature (`nanochart.tempering.MappedExchange`): in K, "off", or "auto" to find it when the
    run is made. ``exchanges_per_frame`` is how many exchanges come between two stored frames,
    after each of which, and not in between, a run can be stopped and saved.
    ``within`` is the one motif that all replicas keep to, so that the run samples the ensemble of
    that motif alone; None is the whole landscape.
    """

    temperatures: tuple[Temperature, ...] | None = field_of(None, unit="K", max_length=_MOST_RUNGS)
    t_min: Temperature | None = field_of(None, unit="K")
    t_max: Temperature | None = field_of(None, unit="K")
    n: int | None = field_of(None, unit="temperatures", ge=2, le=_MOST_RUNGS)
    swap_interval: float = field_of(5.0, unit="ps", gt=0, le=1e5)
    exchanges_per_frame: int = field_of(1, unit="exchanges", ge=1, le=_MOST_EXCHANGES)
    discard: float = field_of(0.0, unit="ns", ge=0, le=_LONGEST)
    time_per_replica: float = field_of(unit="ns", gt=0, le=_LONGEST)
    mapped_below: Literal["auto", "off"] | Temperature = field_of("auto", unit="K")
    within: Literal["dh", "ih", "fcc", "twin", "mix", "amorphous"] | None = field_of(None)

    @field_validator("mapped_below", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return "off" if value is False else value  # as YAML reads it without quotes

    @model_validator(mode="after")
    def _ladder_is_given_once(self) -> Self:
        ends = (self.t_min, self.t_max, self.n)
        if (self.temperatures is None) == (ends == (None, None, None)):
            raise ValueError(
                "give either temperatures (K), or t_min (K), t_max (K) and n; "
                f"got temperatures={self.temperatures}, t_min={self.t_min}, t_max={self.t_max}, "
                f"n={self.n}"
            )
        self.ladder  # noqa: B018  # says what is wrong with it
        return self

    @property
    def ladder(self) -> Ladder:
        """The temperatures in K."""
        if self.temperatures is not None:
            return Ladder(self.temperatures)
        if self.t_min is None or self.t_max is None or self.n is None:
            raise ValueError("a geometric ladder needs all of t_min (K), t_max (K) and n")
        return Ladder.geometric(self.t_min, self.t_max, self.n)


class QuenchConfig(Section):
    """Settings of the quench: ``max_force`` when converged, and ``max_evaluations`` of a frame."""

    max_force: float = field_of(1e-4, unit="eV/Å", ge=1e-10, le=1)
    max_evaluations: int = field_of(5_000, unit="force evaluations", ge=1, le=10_000_000)


class RDFConfig(Section):
    """Grid and bandwidth of the radial distribution function; without limits, fitted to the run."""

    r_min: float | None = field_of(None, unit="Å", gt=0, le=1_000)
    r_max: float | None = field_of(None, unit="Å", gt=0, le=1_000)
    n_bins: int | None = field_of(None, unit="bins", ge=16, le=100_000)
    sigma: float = field_of(0.2, unit="Å", ge=1e-3, le=10)

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = [v is not None for v in (self.r_min, self.r_max, self.n_bins)]
        if any(given) != all(given):
            raise ValueError("give all of r_min (Å), r_max (Å) and n_bins, or none of them")
        self.rdf  # noqa: B018  # says what is wrong with it
        return self

    @property
    def rdf(self) -> RDF | None:
        """The RDF, None if it is to be fitted to the run."""
        if self.r_min is None or self.r_max is None or self.n_bins is None:
            return None
        return RDF(self.r_min, self.r_max, self.n_bins, self.sigma)


class RunConfig(Section):
    """Configuration of a run: system, starts, dynamics, tempering, quench, RDF and training."""

    system: SystemConfig
    starts: tuple[str, ...] = ("icosahedron", "decahedron", "octahedron", "twin")
    dynamics: DynamicsConfig = DynamicsConfig()
    tempering: TemperingSection
    quench: QuenchConfig = QuenchConfig()
    rdf: RDFConfig = RDFConfig()
    training: TrainingConfig = TrainingConfig()
    seed: int = field_of(0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _some_starts(self) -> Self:
        if not self.starts:
            raise ValueError(
                f"starts must name at least one motif ({', '.join(MOTIFS)}), file or run; got none"
            )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        interval, step = self.tempering.swap_interval, self.dynamics.given_step
        half = 1.0 if step is None else 500.0 * interval / step
        if step is not None and (round(half) < 1 or abs(half - round(half)) > 1e-6 * half):
            nearest = 2 * max(1, round(half)) * step / 1000
            raise ValueError(
                f"tempering.swap_interval (ps) must be an even number of time steps of {step:g} "
                f"fs, because a frame is stored half-way; got {interval:g}, the nearest is "
                f"{nearest:g}"
            )
        if 1000.0 * self.tempering.time_per_replica < self.frame_interval * (1 - 1e-9):
            raise ValueError(
                f"tempering.time_per_replica (ns) must be at least one frame, swap_interval times "
                f"exchanges_per_frame, {self.frame_interval / 1000:g}; got "
                f"{self.tempering.time_per_replica:g}"
            )
        return self

    def time_step_within(self, longest: float) -> float:
        """The time step in fs: as given by hand, or derived.

        Parameters
        ----------
        longest
            Longest time step in fs that the system bears. The one derived is the longest, not above
            it, of which half an exchange interval, where a frame is stored, is a whole number.
        """
        return self.dynamics.given_step or whole_share(
            500.0 * self.tempering.swap_interval, longest
        )

    def steps_per_round(self, time_step: float) -> int:
        """Even number of time steps (fs, that of the run) between exchange attempts."""
        return 2 * round(500.0 * self.tempering.swap_interval / time_step)

    def steps_per_frame(self, time_step: float) -> int:
        """Time steps (fs, that of the run) between two stored frames."""
        return self.steps_per_round(time_step) * self.tempering.exchanges_per_frame

    @property
    def frame_interval(self) -> float:
        """Time between two stored frames in ps: that of one exchange, or of several."""
        return self.tempering.swap_interval * self.tempering.exchanges_per_frame

    @property
    def n_frames(self) -> int:
        """Stored frames of each replica."""
        return self.frames_in(self.tempering.time_per_replica)

    @property
    def n_discarded(self) -> int:
        """Frames before the first that is stored."""
        return self.frames_in(self.tempering.discard)

    def frames_in(self, nanoseconds: float) -> int:
        """How many frames a time in ns is, the last of which may reach beyond it."""
        return math.ceil(1e3 * nanoseconds / self.frame_interval - 1e-6)

    def scaled(self, time_per_replica: float) -> Self:
        """The same protocol with another length (ns): what is discarded keeps its share."""
        section = self.tempering
        factor = time_per_replica / section.time_per_replica
        return self.replaced(
            tempering={"time_per_replica": time_per_replica, "discard": section.discard * factor}
        )

    def replaced(self, **changes: Any) -> Self:
        """Copy with nested changes, as ``replaced(seed=2, tempering={"discard": 1.0})``."""
        values = self.model_dump(mode="json")
        for name, change in changes.items():
            values[name] = {**values[name], **change} if isinstance(change, dict) else change
        return validated(type(self), values, "the configuration")


def whole_share(interval: float, longest: float) -> float:
    """The longest time, not above ``longest``, of which an interval is a whole number."""
    return interval / max(1, math.ceil(interval / longest - 1e-9))


def nanoseconds(text: str) -> float:
    """A time with its unit, as "20ns", "500 ps" or "1.5us", in ns.

    Raises
    ------
    ConfigError
        If it is none.
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*(?:[eE][+-]?\d+)?)\s*(fs|ps|ns|us|µs|ms)\s*", text)
    value = float(match[1]) * _NANOSECONDS[match[2]] if match else 0.0
    if not 0.0 < value <= _LONGEST:
        raise ConfigError(
            f"a time must be a positive number with its unit ({', '.join(_NANOSECONDS)}), "
            f"as 20ns, and at most a second; got {text!r:.60}"
        )
    return value


def load_config(source: str | Path | dict[str, Any], *, must_exist: bool = True) -> RunConfig:
    """Read and validate a configuration.

    Parameters
    ----------
    source
        YAML file, or its content as a dictionary. The files that a YAML file names must exist
        (`check_files`); those of a dictionary are looked for when they are used.
    must_exist
        Whether the files that it names are looked for.

    Raises
    ------
    ConfigError
        Names each field that is wrong by its path, with unit and what was got.
    """
    if isinstance(source, dict):
        return validated(RunConfig, source, "the configuration")
    path = Path(source)
    values = read_yaml(
        path, f"there is no configuration {path}; `nanochart presets --write au147` makes one"
    )
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path} must hold the sections of a configuration (system, tempering, ...); "
            f"`nanochart presets --write au147` shows them"
        )
    config = validated(RunConfig, values, str(path))
    return check_files(config, str(path), must_exist=must_exist)


def check_files(
    config: RunConfig, where: str = "the configuration", *, must_exist: bool = True
) -> RunConfig:
    """The configuration with absolute paths, after a look whether the files it names exist.

    Relative paths are relative to the working directory. This is asked once, when a user asks for
    a run; a run that was made needs none of these files any more.

    Parameters
    ----------
    config
        As it was parsed.
    where
        Names it in a sentence.
    must_exist
        Whether the files are looked for; a run that goes on has stored what they held.

    Raises
    ------
    ConfigError
        If a table or a start is missing.
    """
    table = config.system.table
    if must_exist and table is not None and not Path(table).is_file():
        raise ConfigError(
            f"{where}: system.potential must be gupta, the file of an eam/alloy table or a "
            f"calculator ({{ase: module:factory}}); there is no file {table!r} in {Path.cwd()}"
        )
    foreign = config.system.calculator
    given = foreign if isinstance(foreign, LammpsSection) else None
    if must_exist and given is not None and not Path(given.lammps).is_file():
        raise ConfigError(
            f"{where}: system.potential.lammps must be a file with lines pair_style and "
            f"pair_coeff; there is no file {given.lammps!r} in {Path.cwd()}"
        )
    for start in config.starts:
        source, motif = start_source(start)
        known = source == BEST or (motif is None and source in MOTIFS)
        there = Path(source).is_dir() or (motif is None and Path(source).is_file())
        if must_exist and not known and not there:
            raise ConfigError(
                f"{where}: each of starts must be a motif ({', '.join(MOTIFS)}), {BEST} for the "
                f"lowest minimum known, or that of one of {', '.join(LABELS)}, as {BEST}:dh, a "
                f"structure file, or a run with minima, RUN or RUN:dh; got {start!r}, and there is "
                f"no such file in {Path.cwd()}"
            )
    starts = tuple(map(_absolute, config.starts))
    system = config.system
    if table is not None:
        system = system.model_copy(update={"potential": str(Path(table).absolute())})
    if given is not None:
        system = system.model_copy(update={"potential": given.beside(Path())})
    return config.model_copy(update={"starts": starts, "system": system})


def start_source(start: str) -> tuple[str, str | None]:
    """Where a start comes from, and the one motif that is taken of it, None for what there is.

    Parameters
    ----------
    start
        One of the starts of a configuration: a motif that is built, "best" or "best:dh", a
        structure file, a run or "RUN:dh".
    """
    source, colon, motif = start.rpartition(_OF)
    return (source, motif) if colon and motif in LABELS else (start, None)


def _absolute(start: str) -> str:
    source, motif = start_source(start)
    if source in {*MOTIFS, BEST}:
        return start
    return _OF.join([str(Path(source).absolute()), *([] if motif is None else [motif])])
