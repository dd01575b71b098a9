"""From a configuration to the things it names: potential, starts, dynamics."""

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import MOTIFS, build, confining_radius
from nanochart.dynamics import Langevin, longest_time_step
from nanochart.errors import ConfigError, StoreError
from nanochart.interop import read_trajectory
from nanochart.minimization import quench
from nanochart.potentials import GUPTA_PARAMETERS, Potential, eam, gupta
from nanochart.store import Run
from nanochart.store import open as open_run
from nanochart.tempering import TemperingConfig
from nanochart.workflow._config import BEST, RunConfig, load_config

__all__ = [
    "check_potential",
    "import_potential",
    "lengthened",
    "make_dynamics",
    "make_potential",
    "make_starts",
    "potential_of",
    "run_config",
    "start_names",
]


def make_potential(config: RunConfig) -> Potential:
    """Potential that the configuration names."""
    if config.system.potential == "gupta":
        return gupta(config.system.metal)
    return eam(config.system.potential, config.system.metal)


def run_config(run: Run) -> RunConfig | None:
    """Configuration that a sampled run was made with, None for an imported one."""
    return load_config(run.metadata.config) if run.metadata.kind == "sampled" else None


def potential_of(run: Run, table: str | Path | None = None) -> Potential:
    """Potential that a run's energies were made with; for one that has none, a table or Gupta.

    Raises
    ------
    StoreError
        If that potential is a table that is not given, or is no longer what it was.
    """
    known, config = run.metadata.potential, run_config(run)
    if table is not None:
        potential = eam(table, run.metadata.element)
    elif config is not None:
        potential = make_potential(config)
    elif known.get("form") == "eam/alloy":
        raise StoreError(
            f"the energies of {run.path} are those of the table {known['file']}: "
            f"give it with --potential"
        )
    elif run.metadata.element in GUPTA_PARAMETERS:
        potential = gupta(run.metadata.element)
    else:
        raise StoreError(
            f"there is no Gupta potential of {run.metadata.element}, the metal of {run.path}: "
            f"give an eam/alloy table with --potential"
        )
    check_potential(run, potential)
    return potential


def check_potential(run: Run, potential: Potential) -> None:
    """Refuse a potential other than the one that a run's energies were made with.

    Raises
    ------
    StoreError
        If it is another.
    """
    known = {k: v for k, v in run.metadata.potential.items() if k != "name"}
    if known and known != dict(potential.parameters):
        raise StoreError(
            f"the potential {potential.name} is not the one that the energies of {run.path} were "
            f"made with ({run.metadata.potential.get('name', known.get('form'))}, whose numbers "
            f"differ): give that one, or start a new run"
        )


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


def start_names(config: RunConfig) -> tuple[str, ...]:
    """Short name of each start: the motif, or the file's stem."""
    return tuple(s if s in {*MOTIFS, BEST} else Path(s).stem for s in config.starts)


def make_starts(config: RunConfig, potential: Potential) -> NDArray[np.float64]:
    """Relaxed starting structures, (start, atom, 3) in Å, centred."""
    structures = []
    for place, start in enumerate(config.starts):
        if start in {*MOTIFS, BEST}:
            built = [
                build(
                    motif,
                    config.system.metal,
                    config.system.n_atoms,
                    # A seed for each place: two random starts are two clusters.
                    seed=config.seed + place if motif == "random" else None,
                    potential=None if config.system.potential == "gupta" else potential,
                )
                for motif in ([m for m in MOTIFS if m != "random"] if start == BEST else [start])
            ]
            best = min(built, key=lambda atoms: float(atoms.info["energy"]))
            structures.append(best.positions)
        else:
            structures.append(_from_file(start, config))
    relaxed = quench(np.array(structures), potential).positions
    centred: NDArray[np.float64] = relaxed - relaxed.mean(axis=1, keepdims=True)
    return centred


def _from_file(path: str, config: RunConfig) -> NDArray[np.float64]:
    metal, n = config.system.metal, config.system.n_atoms
    try:
        atoms: Any = ase.io.read(path)
    except Exception as error:  # ASE's readers raise what they like on a broken file
        raise ConfigError(
            f"starts: {path} is not a structure that ASE reads: {error or type(error).__name__}"
        ) from error
    found = atoms.get_chemical_formula()
    if len(atoms) != n or set(atoms.get_chemical_symbols()) != {metal}:
        raise ConfigError(f"starts: {path} must hold {metal}{n}; got {found}")
    return np.asarray(atoms.positions, dtype=np.float64)


def make_dynamics(
    config: RunConfig, potential: Potential, starts: NDArray[np.float64]
) -> tuple[Langevin, TemperingConfig]:
    """Integrator and tempering, checked against the stiffness of the starts."""
    longest = min(longest_time_step(x, potential) for x in starts)
    if config.dynamics.time_step > longest:
        raise ConfigError(
            f"dynamics.time_step (fs) must be at most {longest:.1f} for {config.system.metal}, a "
            f"twelfth of its shortest vibrational period; got {config.dynamics.time_step:g}"
        )
    radius = max(confining_radius(x, margin=config.dynamics.confinement) for x in starts)
    dynamics = Langevin(config.dynamics.time_step, config.dynamics.friction, radius)
    return dynamics, TemperingConfig(config.tempering.ladder, config.steps_per_round)
