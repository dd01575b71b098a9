"""Claim: quenches to one force take at most a fifth of the time of LAMMPS's better minimizer.

The same work on one core: 500 thermal frames of Au147 between 300 and 600 K, sampled here, each
relaxed until the largest force on an atom is below 1e-3 eV/Å, with the same Gupta potential (for
LAMMPS as an ``eam/alloy`` table). LAMMPS is tried with ``min_style`` cg and fire (``min_modify norm
max``), and the faster one counts; its time is that of the ``minimize`` commands alone. What share
of frames ends in the same minimum is printed, with the largest difference of energy there.

    python benchmarks/quench.py [--frames 500] [--rounds 3]

The last line is one JSON object: milliseconds per frame of both and their ratio.
"""

import argparse
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import nanochart as nc
from _lammps import TABLE, run_worker, write_inputs

MAX_FORCE = 1e-3
STYLES = ("cg", "fire")

_LAMMPS = f"""
style, max_force = sys.argv[1:3]
frames = np.load("frames.npy")
n = frames.shape[1]
l.commands_string(f'''
units metal
atom_style atomic
atom_modify map array sort 0 0.0
boundary f f f
read_data start.data
pair_style eam/alloy
pair_coeff * * {TABLE} Au
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
thermo 100000000
thermo_modify lost error norm no
min_style {{style}}
min_modify norm max
''')
buffer = (ctypes.c_double * (3 * n))()
energies = np.empty(len(frames))
seconds = 0.0
for k, frame in enumerate(frames):
    buffer[:] = frame.ravel().tolist()
    l.command("set group all vx 0.0 vy 0.0 vz 0.0")
    l.scatter_atoms("x", 1, 3, buffer)
    start = time.perf_counter()
    l.command(f"minimize 0.0 {{max_force}} 100000 100000")
    seconds += time.perf_counter() - start
    energies[k] = l.get_thermo("pe")
np.save(f"{{style}}.npy", energies)
print(seconds)
"""


def thermal_frames(n_frames: int) -> np.ndarray:
    """Frames (frame, 147, 3) in Å from four motifs at 300 to 600 K, 1 ps apart."""
    gold = nc.potentials.gupta("Au")
    motifs = ("icosahedron", "decahedron", "octahedron", "twin")
    starts = [nc.clusters.build(motif, "Au", 147).positions for motif in motifs]
    temperatures = np.repeat(np.linspace(300.0, 600.0, 5), len(starts))
    config = nc.dynamics.Langevin(time_step=5.0, friction=1e-3, sphere_radius=14.0)
    state = nc.dynamics.initialize(np.array(starts * 5), gold, temperatures, seed=1)
    state, _ = nc.dynamics.run_segment(state, gold, config, 4_000)
    n_samples = -(-n_frames // len(temperatures))
    _, samples = nc.dynamics.run_segment(state, gold, config, 200 * n_samples, 200)
    return samples.positions.reshape(-1, 147, 3)[:n_frames]


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    gold = nc.potentials.gupta("Au")
    frames = thermal_frames(args.frames)
    times: dict[str, list[float]] = {name: [] for name in ("nanochart", *STYLES)}
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(1) as one_core:
        folder = Path(name)
        write_inputs(folder, 1.5 * frames[0], gold)  # a box with room
        np.save(folder / "frames.npy", frames)
        nc.minimization.quench(frames[:2], gold, MAX_FORCE)
        for _ in range(args.rounds):
            begin = time.perf_counter()
            q = nc.minimization.quench(frames, gold, MAX_FORCE, executor=one_core)
            times["nanochart"].append(time.perf_counter() - begin)
            for style in STYLES:
                times[style].append(float(run_worker(_LAMMPS, folder, style, MAX_FORCE)))
            shown = "   ".join(f"{k} {1e3 * v[-1] / len(frames):.2f}" for k, v in times.items())
            print(f"{shown} ms per frame", flush=True)
        energies = {style: np.load(folder / f"{style}.npy") for style in STYLES}
    assert q.converged.all()
    for style, found in energies.items():
        difference = np.abs(found - q.energies)
        same = difference < 1e-3
        print(
            f"{style}: {same.mean():.0%} of frames in the same minimum, where energies differ by "
            f"at most {difference[same].max():.1g} eV"
        )
    median = {key: 1e3 * statistics.median(value) / len(frames) for key, value in times.items()}
    best = min(STYLES, key=lambda style: median[style])
    ratios = [peer / own for peer, own in zip(times[best], times["nanochart"], strict=True)]
    print(
        json.dumps(
            {
                "benchmark": "quench",
                "unit": "ms per frame",
                "frames": len(frames),
                "max_force": MAX_FORCE,
                "evaluations": round(float(q.n_evaluations.mean()), 1),
                "lammps": {style: round(median[style], 3) for style in STYLES},
                "nanochart": round(median["nanochart"], 3),
                "ratio": round(statistics.median(ratios), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
