"""Claim: a biased step costs at most three unbiased ones, and less than LAMMPS's unbiased step.

The same work for all: Langevin dynamics of Au147 at 500 K on one core, with a harmonic restraint of
the three coordinates of a chart (``compact``, 340 bins, bottleneck 3; its weights do not change the
cost). Measured in turn, medians of several rounds: unbiased; biased at every step; biased at the
default stride, of steps of 5 fs and of the step that is derived; LAMMPS unbiased with an eam/alloy
table of the same potential; and the variable as it is commonly computed inside dynamics, one
structure at a time in PyTorch: a dense Gaussian RDF, the encoder, reverse differentiation.
``biased_per_time`` is simulated time per second: biased at the default step and stride, against
LAMMPS unbiased at 5 fs.

``python benchmarks/bias.py [--steps N] [--rounds N]``; the last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import nanochart as nc
from _lammps import langevin_speed, write_inputs
from nanochart.autoencoder import Model, TrainingConfig, build_network, initialize_weights
from nanochart.biasing import (
    Bias,
    BiasedDynamics,
    BiasedState,
    ChartCoordinate,
    CVs,
    Restraint,
)
from nanochart.config import BiasConfig
from nanochart.dynamics import Langevin, initialize, run_segment, time_scale


def model() -> Model:
    """A chart of untrained weights."""
    network = build_network("compact", 340, 3)
    initialize_weights(network, np.random.default_rng(0))
    return Model(network, TrainingConfig(), nc.descriptors.RDF(2.0, 22.0, 340, 0.2), "Au", 147)


def torch_variable(chart: Model, positions: np.ndarray) -> float:
    """Seconds for value and gradient of one structure, as a plain PyTorch implementation."""
    network = chart.network.float()
    bins = torch.arange(340) * 0.05 + 2.025
    i, j = torch.triu_indices(147, 147, 1)
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        x = torch.tensor(positions, dtype=torch.float32, requires_grad=True)
        r = (x[i] - x[j]).norm(dim=1)
        g = torch.exp(-0.5 * ((bins - r[:, None]) / 0.2) ** 2).mean(dim=0) / (0.2 * 2.5066283)
        s = network.encode(g[None])
        (s * torch.tensor([[0.3, 0.2, 0.1]])).sum().backward()
        times.append(time.perf_counter() - begin)
    network.double()
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    gold, dynamics = nc.potentials.gupta("Au"), Langevin(friction=1e-3)
    start = nc.clusters.build("decahedron", "Au", 147).positions
    state = initialize(start, gold, [500.0], 0)
    state, _ = run_segment(state, gold, dynamics, 5_000)
    chart = model()
    cvs = CVs.compile([ChartCoordinate(k) for k in range(3)], gold, chart)
    centre = cvs.values(state.positions[0], gold)
    bias = Bias(3, Restraint.at(centre, [1.0, 1.0, 1.0]))
    walker = BiasedState(state, np.zeros(1))

    folder = Path(tempfile.mkdtemp())
    write_inputs(folder, start, gold)

    asked = BiasConfig(run="au147.zarr", temperature=500.0, variables=("s1", "s2", "s3"), time=1.0)
    core = nc.clusters.build("icosahedron", "Au", 55).positions
    right = asked.time_step_within(time_scale([start, core], gold).time_step(500.0))
    stride, stride_of_5 = asked.strides(right)[0], asked.strides(5.0)[0]

    def unbiased() -> None:
        run_segment(state, gold, dynamics, options.steps)

    def biased(stride: int, dynamics: Langevin = dynamics) -> None:
        segment = BiasedDynamics(gold, dynamics, cvs, stride)
        n = stride * (options.steps // stride)
        segment(walker, bias, n, n)

    work = {
        "unbiased": unbiased,
        "every_step": lambda: biased(1),
        "default_stride": lambda: biased(stride_of_5),
        "default": lambda: biased(stride, Langevin(time_step=right, friction=1e-3)),
    }
    for run in work.values():
        run()
    skin = max((0.5, 1.0, 1.5), key=lambda s: langevin_speed(folder, options.steps // 4, s))
    seconds: dict[str, list[float]] = {name: [] for name in work}
    lammps = []
    for _ in range(options.rounds):
        for name, run in work.items():
            begin = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - begin) / options.steps)
        lammps.append(langevin_speed(folder, options.steps, skin))
    step = {name: statistics.median(values) for name, values in seconds.items()}
    peer = statistics.median(lammps)
    torch_seconds = torch_variable(chart, state.positions[0])
    per_evaluation = step["every_step"] - step["unbiased"]
    for name, value in step.items():
        print(f"{name:>15}  {1e6 * value:8.2f} µs a step  {1 / value:10,.0f} steps/s")
    print(f"{'LAMMPS unbiased':>15}  {1e6 / peer:8.2f} µs a step  {peer:10,.0f} steps/s")
    print(
        f"{'variable':>15}  {1e6 * per_evaluation:8.2f} µs, in PyTorch {1e6 * torch_seconds:,.0f}"
    )
    result = {
        "steps_per_second": {name: 1 / value for name, value in step.items()},
        "lammps_steps_per_second": peer,
        "torch_seconds": torch_seconds,
        "time_step": right,
        "stride": {"default_stride": stride_of_5, "default": stride},
        "ratio": {
            "every_step": step["every_step"] / step["unbiased"],
            "default_stride": step["default_stride"] / step["unbiased"],
            "lammps_unbiased": 1 / step["default_stride"] / peer,
            "biased_per_time": right / 5.0 / step["default"] / peer,
            "torch": torch_seconds / per_evaluation,
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
