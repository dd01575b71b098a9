"""From a configuration to the things it names: potential, dynamics, where exchanges are mapped."""

import warnings
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import build, confining_radius
from nanochart.config import (
    DynamicsConfig,
    ForeignSection,
    LammpsSection,
    RunConfig,
    load_config,
)
from nanochart.dynamics import Langevin, time_scale
from nanochart.errors import ConfigError, DynamicsError, StoreError
from nanochart.interop import read_trajectory
from nanochart.potentials import (
    GUPTA_PARAMETERS,
    NotAtHand,
    Potential,
    called,
    check_forces,
    describe,
    eam,
    gupta,
    is_compiled,
    is_described_by,
    lammps,
    numbers_of,
)
from nanochart.store import Run, open as open_run, seed_of, stream_fingerprint
from nanochart.system import System
from nanochart.tempering import Ladder, langevin_segment, mapped_exchange, mapped_reach
from nanochart.workflow.sessions import asked_config

__all__ = [
    "MappedPairs",
    "brisk",
    "calculator_potential",
    "find_mapped_pairs",
    "import_potential",
    "lengthened",
    "longest_step",
    "make_dynamics",
    "make_potential",
    "potential_at_hand",
    "potential_numbers",
    "run_config",
    "store_potential",
]

#: Friction of runs of picoseconds, 1/fs, which must come to their temperature: averages do not
#: depend on it.
_BRISK = 1e-3
#: Time between the configurations that tell where minima last, fs.
_BETWEEN = 1_000.0
#: Acceptance below which an exchange that asks for quenches is not worth them.
_FEW = 0.05


def make_potential(config: RunConfig) -> Potential:
    """Potential that a user's configuration names; a calculator is imported and called."""
    system = config.system
    if system.calculator is not None:
        return calculator_potential(system.calculator, system.metal)
    return gupta(system.metal) if system.table is None else eam(system.table, system.metal)


def calculator_potential(section: ForeignSection, metal: str) -> Potential:
    """The potential of a calculator that a user's own file names, whose code is called.

    Parameters
    ----------
    section
        From a file that the user handed over for this, and never from a run.
    metal
        Chemical symbol.

    Raises
    ------
    ConfigError
        If it cannot be imported or made.
    """
    if isinstance(section, LammpsSection):
        return lammps(section.lammps, metal, section.nearest_neighbour)
    return called(section.recipe, metal, section.nearest_neighbour, section.vacuum)


def run_config(run: Run) -> RunConfig | None:
    """Configuration of a sampled run as it was last asked for, None for an imported one."""
    return load_config(asked_config(run)) if run.metadata.kind == "sampled" else None


def potential_at_hand(
    run: Run, given: Potential | None = None, positions: NDArray[np.float64] | None = None
) -> Potential:
    """The potential of a run, for what needs its forces: its own, or the one handed over for it.

    Parameters
    ----------
    run
        What was made with it.
    given
        Where the run keeps its name alone.
    positions
        (atom, 3) in Å, where forces are compared with energies; None is the run's first frame.

    Raises
    ------
    ConfigError, StoreError
        If it is needed and not given, or is another.
    ValueError
        If its forces are not minus the gradient of its energy.
    """
    potential = run.system.potential
    if given is not None:
        if not is_described_by(given, describe(potential)):
            raise StoreError(
                f"{run.path} was made with the potential {potential.name}, and another was handed "
                f"over, {given.name}: hand over that one, of the same mass and distance"
            )
        potential = given
    if isinstance(potential, NotAtHand):
        potential.energy_forces(())
    if not is_compiled(potential):
        one = run.frames(0, 1).thermal.positions[0, 0] if positions is None else positions
        check_forces(potential, one)
    return potential


def store_potential(
    run: Run,
    table: str | Path | None = None,
    *,
    again: bool = False,
    potential: Potential | None = None,
) -> Potential:
    """The potential of a run, stored in it if it was not: the one place that takes a table later.

    Parameters
    ----------
    run
        Open for writing.
    table
        An ``eam/alloy`` table, for a run that was imported without a potential, or made with this
        table before runs stored their own.
    again
        Whether minima that were made with another potential are about to be dropped.
    potential
        The one of the run, handed over where the run keeps its name alone.

    Raises
    ------
    StoreError
        If the run needs a table, or its energies or minima are those of another potential.
    """
    facts, new = run.metadata, potential
    if potential is None and table is not None:
        new = eam(table, facts.element)
    elif run.holds_system or facts.potential:
        new = None
    if new is not None:
        system = System.pure(new, facts.n_atoms)
        if run.committed("quench") and not again and not facts.potential:
            known = run.system.potential.name if run.holds_system else None
            known = known or run.info("quench").get("potential")
            if known not in {None, system.potential.name}:
                raise StoreError(
                    f"the minima of {run.path} are those of the potential {known}; got "
                    f"{system.potential.name}: quench all frames anew with it (--again), or leave "
                    "it out"
                )
        run.store_system(system)
    elif potential is None:
        run.store_system(run.system)
    return potential_at_hand(run, potential)


def import_potential(
    trajectory: str | Path, element: str | None, table: str | Path | None
) -> Potential | None:
    """Potential for the energies of imported frames: a table if given, else Gupta if there is one.

    Without an ``element`` the metal is that of the trajectory's first frame; None is returned for
    a metal without parameters, and the energies are then those that the file holds.
    """
    if element is None:
        element = next(iter(read_trajectory(trajectory))).element
    if table is not None:
        return eam(table, element)
    return gupta(element) if element in GUPTA_PARAMETERS else None


def lengthened(config: RunConfig, path: str | Path, time_per_replica: float) -> RunConfig:
    """The configuration to resume a run with so that it stores ``time_per_replica`` (ns).

    A protocol that is scaled discards more of a longer run. One that goes on has its beginning
    behind it, so it keeps what it discarded.
    """
    before = run_config(open_run(path))
    discard = config.tempering.discard if before is None else before.tempering.discard
    return config.replaced(tempering={"time_per_replica": time_per_replica, "discard": discard})


def potential_numbers(potential: Potential) -> dict[str, Any]:
    """What tells a potential from another, without the names of its file."""
    numbers = {k: v for k, v in numbers_of(potential).items() if k != "file"}
    return {**numbers, "symbol": potential.symbol}


def make_dynamics(
    config: RunConfig, potential: Potential, starts: NDArray[np.float64], hottest: float = 0.0
) -> Langevin:
    """Integrator in a confining sphere around all starts, with the time step that they bear.

    Parameters
    ----------
    config
        What is asked for.
    potential
        Potential, which gives forces and mass.
    starts
        Relaxed starting structures (start, atom, 3) in Å.
    hottest
        Temperature in K that will be run, if it is above the ladder.

    Raises
    ------
    ConfigError
        If the time step that is asked for is too long.
    """
    hottest = max(hottest, *config.tempering.ladder.temperatures)
    longest = longest_step(config.dynamics, potential, starts, hottest)
    radius = max(float(confining_radius(x, margin=config.dynamics.confinement)) for x in starts)
    return Langevin(config.time_step_within(longest), config.dynamics.friction, radius)


def brisk(dynamics: Langevin) -> Langevin:
    """Dynamics of short runs that measure energies: as given, with a friction that forgets soon."""
    return replace(dynamics, friction=max(dynamics.friction, _BRISK))


@dataclass(frozen=True)
class MappedPairs:
    """Which pairs of a ladder exchange mapped, how often, and where minima last.

    Attributes
    ----------
    below
        Highest temperature in K of such a pair, 0 for none.
    every
        A pair is tried at one of so many of its turns.
    lasting
        Highest temperature in K up to which minima last, whether or not exchanges use it: as
        given, or found; 0 where exchanges are not to be mapped.
    """

    below: float = 0.0
    every: int = 1
    lasting: float = 0.0


def find_mapped_pairs(
    config: RunConfig,
    potential: Potential,
    dynamics: Langevin,
    starts: NDArray[np.float64],
    executor: Executor | None = None,
    ladder: Ladder | None = None,
) -> MappedPairs:
    """Find out in short runs which neighbours exchange mapped, and how often.

    They are those of the configuration's ladder, or of another one. With a potential that is called
    from Python none is mapped unless it is asked for: a mapped exchange quenches two configurations
    twice, hundreds of evaluations, and to find out where it gains takes hundreds of quenches.

    Raises
    ------
    ConfigError
        If mapped exchanges are asked for where hardly any would be accepted.
    """
    asked, ladder = config.tempering.mapped_below, ladder or config.tempering.ladder
    costly = asked == "auto" and not is_compiled(potential)
    if asked == "off" or costly or len(ladder) < 2:
        return MappedPairs()
    lowest = starts[int(np.argmin(potential.energy_forces(starts)[0]))]
    n_steps = max(1, round(_BETWEEN / dynamics.time_step))
    seed = seed_of(stream_fingerprint("mapped", config.seed, {"ladder": list(ladder.temperatures)}))
    try:
        reach = mapped_reach(
        langevin_segment(potential, brisk(dynamics)), lowest, potential, ladder,
        mapped_exchange(potential, dynamics, ladder.temperatures[-1]), n_steps, seed, executor,
        )  # fmt: skip
    except DynamicsError:  # which the sampling itself will meet and explain
        return MappedPairs()
    steps = config.steps_per_round(dynamics.time_step)
    if asked == "auto":
        return MappedPairs(*reach.best(steps), reach.below)
    n = ladder.pairs_below(asked)
    if n and (reach.mapped[:n] < np.minimum(_FEW, reach.plain[:n])).any():
        k = int(np.argmin(reach.mapped[:n] - reach.plain[:n]))
        raise ConfigError(
            f"tempering.mapped_below (K) must lie where minima last, up to about {reach.below:g} "
            f"of this ladder; got {asked:g}: between {ladder.temperatures[k]:g} and "
            f"{ladder.temperatures[k + 1]:g} K {reach.mapped[k]:.1%} of mapped exchanges would be "
            f"accepted, and {reach.plain[k]:.1%} of plain ones; auto finds it"
        )
    return MappedPairs(asked, reach.every(n, steps), asked)


def longest_step(
    dynamics: DynamicsConfig,
    potential: Potential,
    structures: NDArray[np.float64],
    temperature: float,
) -> float:
    """Longest time step in fs whose averages are right; one given by hand is judged by it.

    The structures that will be met are not known when a run is made. Of all, the icosahedron has
    the most compressed core, and with it the shortest period, about that of the inherent structures
    of the liquid, so the one of 55 atoms always counts; except where the potential is called from
    Python, to which it may be costly.

    Parameters
    ----------
    dynamics
        What is asked for.
    potential
        Potential, which gives forces and mass.
    structures
        Relaxed structures (structure, atom, 3) in Å.
    temperature
        Highest temperature in K.

    Raises
    ------
    ConfigError
        If a step that is given is near instability. One that is only inaccurate gives a warning.
    """
    symbol, known = potential.symbol, list(structures)
    if is_compiled(potential):
        known.append(build("icosahedron", symbol, 55, potential=potential).positions)
    scale = time_scale(known, potential)
    right, given = scale.time_step(temperature), dynamics.given_step
    if given is None or given <= right * (1.0 + 1e-9):
        return right
    off = f"{scale.error(given, temperature):.2g} K at {temperature:g} K"
    if given > scale.longest:
        raise ConfigError(
            f"dynamics.time_step (fs) must be at most {scale.longest:.3g} for {symbol}, a sixth of "
            f"its shortest vibrational period, to be stable; got {given:g}, with averages off by "
            f"{off} if it were: leave it out, or give auto, for {right:.3g}"
        )
    warnings.warn(
        f"dynamics.time_step is {given:g} fs, and {symbol} bears {right:.3g} fs: averages will be "
        f"off by about {off}; leave it out, or give auto, for the longest that is right within 1 K",
        stacklevel=3,
    )
    return right
