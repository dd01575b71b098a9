"""Claim: mapped exchanges give <E>(T) from 30 to 600 K for a third of the force evaluations.

The same work: the mean potential energy of Au38 at every temperature of a ladder from 30 to 600 K,
known within 5 meV. The peer is parallel tempering with plain exchanges; ours maps those of its
pairs that gain by it. Both ladders are placed for 30 % acceptance from short runs
(`nanochart sample --tune-ladder`), and both run for about as many force evaluations, those of
quenches included, from each of some seeds. The error at a temperature is the spread of the means
over the seeds; it falls with the square root of the length, so a run needs

    evaluations x (largest error over the ladder / 5 meV)^2

    python benchmarks/ladder.py [--seeds 8] [--time 4]

The last line is one JSON object: force evaluations of both and their ratio.
"""

import argparse
import json
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

import nanochart as nc
from nanochart.config import load_config
from nanochart.tempering import (
    Ladder,
    MappedExchange,
    TemperingConfig,
    initialize_tempering,
    langevin_segment,
    mapped_exchange,
    mapped_reach,
    step,
)
from nanochart.workflow import tune_ladder

METAL, N_ATOMS, ENDS, INTERVAL, TARGET = "Au", 38, (30.0, 600.0), 5.0, 5e-3
GOLD = nc.potentials.gupta(METAL)


def settings(kind: str) -> nc.config.RunConfig:
    """Configuration of which only the ends of the ladder are given; kind is auto or off."""
    return load_config(
        {
            "system": {"metal": METAL, "n_atoms": N_ATOMS},
            "starts": ["octahedron"],
            "tempering": {"temperatures": ENDS, "swap_interval": INTERVAL,
                          "time_per_replica": 1, "mapped_below": kind},
        }
    )  # fmt: skip


class Counted:
    """Minima, with the force evaluations that they took."""

    def __init__(self) -> None:
        self.evaluations = 0

    def __call__(
        self, positions: np.ndarray, executor: Executor | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Quench."""
        found = nc.minimization.quench(positions, GOLD, 1e-4, 2_000, executor=executor)
        self.evaluations += int(found.n_evaluations.sum())
        return found.positions, found.converged


def means(
    ladder: Ladder, mapped: MappedExchange | None, length: float, seed: int, pool: Executor
) -> tuple[np.ndarray, int]:
    """Mean energy (rung,) in eV of one run of so many ns per replica, and its evaluations."""
    start = nc.clusters.build("octahedron", METAL, N_ATOMS)
    x = nc.minimization.quench(start.positions, GOLD).positions
    time_step = nc.dynamics.time_scale(x[None], GOLD).time_step(ENDS[1])
    n_steps = 2 * round(500.0 * INTERVAL / time_step)
    radius = nc.clusters.confining_radius(x, 4.0)
    dynamics = nc.dynamics.Langevin(time_step, sphere_radius=radius)
    config = TemperingConfig(ladder, n_steps)
    counted = Counted()
    exchange = None if mapped is None else replace(mapped, minima=counted)
    state = initialize_tempering(x[None], GOLD, config, seed)
    segment = langevin_segment(GOLD, dynamics)
    n_rounds = round(1e3 * length / INTERVAL)
    energies = np.empty((n_rounds, len(ladder)))
    for k in range(n_rounds):
        state, observed = step(state, segment, config, pool, exchange)
        energies[k, observed.rungs] = observed.energies
    kept = energies[n_rounds // 5 :]
    return kept.mean(axis=0), n_rounds * n_steps * len(ladder) + counted.evaluations


def found_pairs(ladder: Ladder, pool: Executor) -> MappedExchange:
    """The pairs that exchange mapped, and how often, as a run finds them."""
    start = nc.clusters.build("octahedron", METAL, N_ATOMS)
    x = nc.minimization.quench(start.positions, GOLD).positions
    time_step = nc.dynamics.time_scale(x[None], GOLD).time_step(ENDS[1])
    radius = nc.clusters.confining_radius(x, 4.0)
    dynamics = nc.dynamics.Langevin(time_step, friction=1e-2, sphere_radius=radius)
    tried = mapped_exchange(GOLD, dynamics, ENDS[1])
    picosecond = round(1e3 / time_step)
    segment = langevin_segment(GOLD, dynamics)
    reach = mapped_reach(segment, x, GOLD, ladder, tried, picosecond, 0, pool)
    below, every = reach.best(2 * round(500.0 * INTERVAL / time_step))
    return mapped_exchange(GOLD, dynamics, below, every)


def needed(kind: str, length: float, seeds: int, pool: Executor) -> float:
    """Force evaluations until every mean is known within the target."""
    tuned = tune_ladder(settings(kind), executor=pool)
    ladder = tuned.ladder
    mapped = None if kind == "off" else found_pairs(ladder, pool)
    found, cost = zip(
        *(means(ladder, mapped, length, seed, pool) for seed in range(seeds)), strict=True
    )
    error = np.std(found, axis=0, ddof=1)
    worst = int(np.argmax(error))
    T = ladder.temperatures
    name = f"mapped below {mapped.below:g} K at every {mapped.every}. turn" if mapped else "plain"
    print(f"{name}: {len(T)} temperatures, {np.mean(cost):.3g} force evaluations per run")
    print(f"   K {np.round(T).astype(int)}")
    print(f"   acceptance {np.round(tuned.measured.share, 2)}")
    print(f"   errors in meV {np.round(1e3 * error, 1)}, largest at {T[worst]:g} K")
    return float(np.mean(cost) * (error[worst] / TARGET) ** 2)


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--time", type=float, default=4.0, help="ns per replica of a mapped run")
    asked = parser.parse_args()
    with ThreadPoolExecutor(nc.parallel.available_cores()) as pool:
        ours = needed("auto", asked.time, asked.seeds, pool)
        plain = needed("off", asked.time, asked.seeds, pool)
    print(json.dumps({
        "benchmark": "ladder", "unit": "force evaluations", "peer": round(plain),
        "nanochart": round(ours), "ratio": round(plain / ours, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
