"""Claim: types of atoms by common neighbour analysis take a twentieth of the time of OVITO's.

The same work: from arrays of positions to an array of types of all atoms of 1,000 Au147 frames
between 300 and 600 K, half of them quenched, with one cut-off, in seconds of processor time. The
peer is OVITO's ``CommonNeighborAnalysisModifier`` with a fixed cut-off on a ``DataCollection`` made
of each frame; ours is the public function `motifs.atom_types` on one thread, strings included. What
the modifier alone takes is printed beside it. The types must be identical for every atom (atoms on
a five-fold axis count as other, for which OVITO has no type).

    python benchmarks/cna.py [--frames 1000] [--rounds 3]

The last line is one JSON object: milliseconds per frame of both and their ratio, and that of the
modifier alone.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from ovito.data import DataCollection, Particles, SimulationCell
from ovito.modifiers import CommonNeighborAnalysisModifier

import nanochart as nc

NAMES = np.array(["other", "fcc", "hcp", "other", "ico"])
CUTOFF = nc.descriptors.bonding_cutoff("Au")


def sampled_frames(n_frames: int) -> np.ndarray:
    """Frames (frame, 147, 3) in Å from four motifs at 300 to 600 K; every second one quenched."""
    gold = nc.potentials.gupta("Au")
    motifs = ("icosahedron", "decahedron", "octahedron", "twin")
    starts = [nc.clusters.build(motif, "Au", 147).positions for motif in motifs]
    temperatures = np.repeat(np.linspace(300.0, 600.0, 5), len(starts))
    state = nc.dynamics.initialize(np.array(starts * 5), gold, temperatures, seed=1)
    config = nc.dynamics.Langevin(time_step=5.0, sphere_radius=14.0)
    n_samples = -(-n_frames // len(temperatures))
    _, samples = nc.dynamics.run_segment(state, gold, config, 200 * n_samples, 200)
    frames = samples.positions.reshape(-1, 147, 3)[:n_frames].copy()
    frames[::2] = nc.minimization.quench(frames[::2], gold, 1e-3).positions
    return frames


def ovito_types(frames: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Types (frame, atom) as OVITO names them, and the seconds of all and of its modifier."""
    start = time.process_time()
    mode = CommonNeighborAnalysisModifier.Mode.FixedCutoff
    modifier = CommonNeighborAnalysisModifier(mode=mode, cutoff=CUTOFF)
    cell = SimulationCell(pbc=(False, False, False))
    cell[...] = np.hstack([200.0 * np.eye(3), np.full((3, 1), -100.0)])
    codes = np.zeros(frames.shape[:2], int)
    seconds = 0.0
    for k, frame in enumerate(frames):
        data = DataCollection()
        particles = Particles(count=len(frame))
        particles.create_property("Position", data=frame)
        data.objects.append(particles)
        data.objects.append(cell)
        begin = time.process_time()
        data.apply(modifier)
        seconds += time.process_time() - begin
        codes[k] = data.particles["Structure Type"]
    return NAMES[codes], time.process_time() - start, seconds


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    frames = sampled_frames(args.frames)
    times: dict[str, list[float]] = {"ovito": [], "modifier": [], "nanochart": []}
    with ThreadPoolExecutor(1) as one_core:
        nc.motifs.atom_types(frames[:2], "Au")
        for _ in range(args.rounds):
            begin = time.process_time()
            own = nc.motifs.atom_types(frames, "Au", executor=one_core)
            times["nanochart"].append(time.process_time() - begin)
            theirs, whole, modifier = ovito_types(frames)
            times["ovito"].append(whole)
            times["modifier"].append(modifier)
            shown = "   ".join(f"{k} {1e3 * v[-1] / len(frames):.3f}" for k, v in times.items())
            print(f"{shown} ms per frame", flush=True)
            assert (np.where(own == "axis", "other", own) == theirs).all()
    shares = {str(k): round(float((own == k).mean()), 3) for k in np.unique(own)}
    print(f"identical types of {own.size} atoms: {shares}")
    median = {key: 1e3 * statistics.median(value) / len(frames) for key, value in times.items()}
    ratio = {
        key: statistics.median(p / o for p, o in zip(times[key], times["nanochart"], strict=True))
        for key in ("ovito", "modifier")
    }
    print(
        json.dumps(
            {
                "benchmark": "cna",
                "unit": "ms per frame",
                "frames": len(frames),
                "ovito": round(median["ovito"], 4),
                "nanochart": round(median["nanochart"], 4),
                "modifier": round(median["modifier"], 4),
                "ratio": round(ratio["ovito"], 1),
                "ratio_modifier": round(ratio["modifier"], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
