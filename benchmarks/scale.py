"""Claim: parallel tempering runs 1.8 times as fast on two cores, and its cost is that of its steps.

The work is rounds of parallel tempering of Au147 (2,000 steps between exchanges, 300 to 600 K): on
one thread and on two, and with 4 to 64 replicas, for which the time per replica and step is to stay
within a tenth. The contestants take turns, and medians are compared.

    python benchmarks/scale.py [--rounds 5]

The last line is one JSON object: microseconds per replica and step by number of replicas, their
spread, and as ratio the speed on two threads over that on one.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import Executor, ThreadPoolExecutor

import nanochart as nc
from nanochart.tempering import (
    Ladder,
    TemperingConfig,
    TemperingState,
    initialize_tempering,
    langevin_segment,
    step,
)

REPLICAS = (4, 8, 16, 32, 64)
STEPS = 2_000


class Contestant:
    """A ladder that goes on from round to round."""

    def __init__(self, n_replicas: int) -> None:
        gold = nc.potentials.gupta("Au")
        start = nc.clusters.build("decahedron", "Au", 147).positions
        self.config = TemperingConfig(Ladder.geometric(300.0, 600.0, n_replicas), STEPS)
        self.segment = langevin_segment(gold, nc.dynamics.Langevin(sphere_radius=15.0))
        self.state: TemperingState = initialize_tempering(start[None], gold, self.config, 1)

    def cost(self, pool: Executor, rounds: int) -> float:
        """Microseconds of wall time per replica and step."""
        begin = time.perf_counter()
        for _ in range(rounds):
            self.state, _ = step(self.state, self.segment, self.config, pool)
        elapsed = time.perf_counter() - begin
        return 1e6 * elapsed / (rounds * STEPS * len(self.config.ladder))


def main() -> None:
    """Measure all in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    contestants = {n: Contestant(n) for n in REPLICAS}
    costs: dict[int, list[float]] = {n: [] for n in REPLICAS}
    one: list[float] = []
    with ThreadPoolExecutor(1) as single, ThreadPoolExecutor(2) as pair:
        same = Contestant(4), Contestant(4)
        same[0].cost(single, 1)
        same[1].cost(pair, 1)
        frames = [contestant.state.replicas.positions for contestant in same]
        assert (frames[0] == frames[1]).all()  # to the last bit, on one thread and on two
        for contestant in contestants.values():
            contestant.cost(pair, 2)  # compiled, and away from the perfect lattice
        for _ in range(args.rounds):
            for n, contestant in contestants.items():
                costs[n].append(contestant.cost(pair, max(1, 64 // n)))
            one.append(contestants[16].cost(single, 4))
            shown = "   ".join(f"{n}: {costs[n][-1]:.2f}" for n in REPLICAS)
            print(f"{shown} µs per replica and step; one thread {one[-1]:.2f}", flush=True)
    median = {n: statistics.median(values) for n, values in costs.items()}
    speedups = [a / b for a, b in zip(one, costs[16], strict=True)]
    result = {
        "benchmark": "scale",
        "unit": "µs per replica and step",
        "one_thread": round(statistics.median(one), 3),
        "two_threads": {n: round(value, 3) for n, value in median.items()},
        "spread": round(max(median.values()) / min(median.values()) - 1.0, 3),
        "ratio": round(statistics.median(speedups), 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
