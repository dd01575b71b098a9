"""Claim: Langevin dynamics of Au147 takes five times LAMMPS's steps, 14 times its simulated time.

The same work on one core: Au147 at 500 K, time step 5 fs, friction 1/ps, the same Gupta potential
(for LAMMPS as an ``eam/alloy`` table that nanochart writes), the same starting structure. Both are
timed in turn, several times, and medians are compared. LAMMPS takes the neighbour skin that is
fastest for it (tried: 0.5, 1.0 and 1.5 Å). Ratios:

``per_step``
    Steps per second, both at 5 fs.
``per_time``
    Simulated time per second: nanochart at the step that it derives, the longest whose
    configurational averages are right within 1 K, and LAMMPS at 5 fs, as published work ran it.
``per_time_best``
    The same, with LAMMPS's best: ``fix langevin ... gjf`` with ``fix nve`` at *its* longest right
    step. Its positions are those of Verlet's recursion, as are those of BAOAB at weak friction, and
    its error was measured to be the same (docs/performance.md), so it takes the same step.

Then nanochart alone on icosahedra of other sizes, to see how the time per atom and step grows, and
the energy and forces of a hot cluster against a plain double-precision evaluation of the formula.

    python benchmarks/md.py [--steps 20000] [--rounds 5]

The last line is one JSON object: steps per second of each and the ratios, nanoseconds per atom and
step by size, and the largest relative deviation of a force.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import nanochart as nc
from _lammps import langevin_speed, write_inputs
from nanochart.potentials import GUPTA_PARAMETERS

SIZES = (38, 90, 147, 309, 561, 1415)


def time_per_atom(n_atoms: int, steps: int, rounds: int) -> float:
    """Nanoseconds per atom and step of a hot icosahedron, median."""
    gold = nc.potentials.gupta("Au")
    start = nc.clusters.build("icosahedron", "Au", n_atoms).positions
    config = nc.dynamics.Langevin(time_step=5.0, friction=1e-3)
    state = nc.dynamics.initialize(start, gold, [500.0], seed=1)
    state, _ = nc.dynamics.run_segment(state, gold, config, 1_000)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        state, _ = nc.dynamics.run_segment(state, gold, config, steps)
        times.append(1e9 * (time.perf_counter() - begin) / (steps * n_atoms))
    return statistics.median(times)


def largest_deviation(positions: np.ndarray) -> float:
    """Largest deviation of a force from the plain formula, relative to the largest force."""
    g = GUPTA_PARAMETERS["Au"]
    gold = nc.potentials.gupta("Au")
    r_s, r_e = np.sqrt(2.0) * g.r0, np.sqrt(3.0) * g.r0
    d = r_s - r_e

    def linked(amplitude: float, decay: float, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value = amplitude * np.exp(-decay * (r / g.r0 - 1.0))
        slope = -decay / g.r0 * value
        v = amplitude * np.exp(-decay * (r_s / g.r0 - 1.0))
        dv, ddv = -decay / g.r0 * v, (decay / g.r0) ** 2 * v
        a3 = (20 * v - 8 * d * dv + d**2 * ddv) / (2 * d**3)
        a4 = (-15 * v + 7 * d * dv - d**2 * ddv) / d**4
        a5 = (12 * v - 6 * d * dv + d**2 * ddv) / (2 * d**5)
        t = np.minimum(r - r_e, 0.0)
        link = t**3 * (a3 + t * (a4 + t * a5))
        dlink = t**2 * (3 * a3 + t * (4 * a4 + t * 5 * a5))
        return np.where(r < r_s, value, link), np.where(r < r_s, slope, dlink)

    difference = positions[:, None] - positions
    r = np.linalg.norm(difference, axis=-1)
    np.fill_diagonal(r, np.inf)
    with np.errstate(invalid="ignore"):
        repulsion, d_repulsion = linked(g.A, g.p, np.minimum(r, 1e3))
        hopping, d_hopping = linked(g.xi, g.q, np.minimum(r, 1e3))
        band = np.sqrt((hopping**2).sum(axis=1))
        weight = (1.0 / band[:, None] + 1.0 / band) * hopping * d_hopping
        forces = -((2.0 * d_repulsion - weight) / r)[..., None] * difference
    expected = np.where(np.isfinite(forces), forces, 0.0).sum(axis=1)
    energy, found = gold.energy_forces(positions)
    total = repulsion.sum() - band.sum()
    deviation = np.abs(found - expected).max() / np.abs(expected).max()
    return float(max(deviation, abs(energy - total) / abs(total)))


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
    core = nc.clusters.build("icosahedron", "Au", 55).positions
    right = nc.dynamics.time_scale([start, core], gold).time_step(500.0)
    long = nc.dynamics.Langevin(time_step=right)

    def ours(dynamics: nc.dynamics.Langevin) -> float:
        begin = time.perf_counter()
        nc.dynamics.run_segment(state, gold, dynamics, args.steps)
        return args.steps / (time.perf_counter() - begin)

    speeds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder, start, gold)
        skins = (0.5, 1.0, 1.5)
        skin = max(skins, key=lambda s: langevin_speed(folder, args.steps // 4, s))
        best_skin = max(
            skins, key=lambda s: langevin_speed(folder, args.steps // 4, s, right, gjf=True)
        )
        for _ in range(args.rounds):
            measured = {
                "lammps": langevin_speed(folder, args.steps, skin),
                "nanochart": ours(config),
                "lammps_best": langevin_speed(folder, args.steps, best_skin, right, gjf=True),
                "nanochart_long": ours(long),
            }
            for which, value in measured.items():
                speeds.setdefault(which, []).append(value)
            words = "   ".join(f"{which} {value:8.0f}" for which, value in measured.items())
            print(f"{words} steps/s", flush=True)
    growth = {}
    for n_atoms in SIZES:
        growth[n_atoms] = time_per_atom(n_atoms, max(200, args.steps * 20 // n_atoms), args.rounds)
        print(f"{n_atoms:5d} atoms: {growth[n_atoms]:6.1f} ns per atom and step", flush=True)

    def ratio(name: str, peer: str, factor: float = 1.0) -> float:
        pairs = zip(speeds[name], speeds[peer], strict=True)
        return round(factor * statistics.median(o / t for o, t in pairs), 2)

    result = {
        "benchmark": "md",
        "unit": "steps/s",
        **{name: round(statistics.median(values)) for name, values in speeds.items()},
        "lammps_skin": skin,
        "lammps_best_skin": best_skin,
        "time_steps": {
            "lammps": 5.0,
            "nanochart": 5.0,
            "lammps_best": right,
            "nanochart_long": right,
        },
        "ratio": {
            "per_step": ratio("nanochart", "lammps"),
            "per_time": ratio("nanochart_long", "lammps", right / 5.0),
            "per_time_best": ratio("nanochart_long", "lammps_best"),
        },
        "ns_per_atom_step": {n: round(value, 1) for n, value in growth.items()},
        "relative_deviation": largest_deviation(state.positions[0]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
