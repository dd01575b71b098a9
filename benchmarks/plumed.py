"""Claim: the chart that PLUMED loads costs a hundredth of the same chart in PyTorch.

The work is one evaluation of a chart of Au147 (``compact``, 340 bins, three coordinates; its
weights do not change the cost): the coordinates and the gradient of each, as PLUMED asks a
collective variable for them at every step. Contestants, one thread each:

- ``plumed``: the C++ of ``nanochart export --to plumed-cv``, compiled by the system's compiler with
  ``-O3``, PLUMED's default, for any x86-64, and called without PLUMED;
- ``torch``: what a variable of PLUMED with libtorch computes, from Python: dense Gaussian RDF, the
  encoder as PyTorch's own convolutions, and one reverse differentiation for each coordinate, in
  float32. The arithmetic is libtorch's own; Python adds some tens of microseconds;
- ``compiled``: nanochart's compiled chart, which gives the gradient of one combination of the
  coordinates, all that a bias inside nanochart needs.

Results are compared before anything is timed. Times are processor times, medians over rounds in
which all run in turn.

Usage: ``python benchmarks/plumed.py [rounds]``. The last line is JSON; ratios are the peer's time
over that of ``plumed``, so that of ``compiled``, below 1, says what leaving Numba costs.
"""

import ctypes
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

import nanochart as nc
from nanochart.autoencoder import Model, TrainingConfig, build_network, initialize_weights
from nanochart.compiled_chart import CompiledChart, chart_source

CALLS = {"plumed": 200, "torch": 5, "compiled": 2000}


def untrained() -> Model:
    """A chart of untrained weights."""
    network = build_network("compact", 340, 3)
    initialize_weights(network, np.random.default_rng(0))
    return Model(
        network, TrainingConfig(bottleneck=3), nc.descriptors.RDF(2.0, 19.0, 340, 0.2), "Au", 147
    )


def in_cpp(model: Model, folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Coordinates and gradients (d, atom, 3) by the C++ source."""
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    assert compiler is not None, "a C++ compiler is needed"
    source, library = folder / "chart.cpp", folder / "chart.so"
    source.write_text(chart_source(model), encoding="utf-8")
    flags = ["-std=c++11", "-O3", "-shared", "-fPIC", "-DNANOCHART_CORE_ONLY"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    function = ctypes.CDLL(str(library)).nanochart_chart
    array = np.ctypeslib.ndpointer(np.float64, flags="C")
    function.argtypes = [array, ctypes.c_double, array, array, array]
    s, gradient, distance = np.zeros(3), np.zeros((3, 147, 3)), np.zeros(1)

    def evaluate(x: np.ndarray) -> np.ndarray:
        assert function(x, 1.0, s, gradient, distance) == 0
        return gradient

    return evaluate


def in_torch(model: Model) -> Callable[[np.ndarray], np.ndarray]:
    """The same by a dense RDF, convolutions and autograd."""
    weights = {name: tensor.float() for name, tensor in model.network.state_dict().items()}
    layers: list[nn.Module] = []
    for k, (inner, outer) in enumerate(pairwise((1, 8, 16, 32, 32))):
        layer = nn.Conv1d(inner, outer, 5, stride=2, padding=2)
        layer.weight.data = weights[f"encoder.convolutions.{k}.weight"]
        layer.bias.data = weights[f"encoder.convolutions.{k}.bias"]
        layers += [layer, nn.SiLU()]
    encoder = nn.Sequential(*layers).requires_grad_(False)
    latent = weights["encoder.latent.weight"].reshape(3, -1, 32).transpose(1, 2).reshape(3, -1)
    centers = torch.tensor(model.rdf.centers.copy(), dtype=torch.float32)
    i, j = torch.triu_indices(147, 147, 1)

    def evaluate(positions: np.ndarray) -> np.ndarray:
        x = torch.tensor(positions, dtype=torch.float32, requires_grad=True)
        r = (x[i] - x[j]).square().sum(1).sqrt()
        g = torch.exp(-0.5 * ((centers - r[:, None]) / 0.2) ** 2).mean(dim=0) / (0.2 * 2.5066283)
        g = (g - weights["input_shift"]) / weights["input_scale"]
        s = latent @ encoder(g[None, None])[0].flatten() + weights["encoder.latent.bias"]
        rows = [torch.autograd.grad(s[k], x, retain_graph=True)[0] for k in range(3)]
        return torch.stack(rows).numpy()

    return evaluate


def main(rounds: int) -> None:
    """Compare the results, time all contestants in turn, print a table and the JSON line."""
    torch.set_num_threads(1)
    model = untrained()
    rng = np.random.default_rng(1)
    x = nc.clusters.build("icosahedron", "Au", 147).positions
    x = np.ascontiguousarray(x + rng.normal(0, 0.1, x.shape))
    chart, slope = CompiledChart(model), np.array([0.3, 0.2, 0.1])
    with tempfile.TemporaryDirectory() as folder:
        contestants: dict[str, Callable[[], np.ndarray]] = {}
        for name, evaluate in (("plumed", in_cpp(model, Path(folder))), ("torch", in_torch(model))):
            contestants[name] = lambda evaluate=evaluate: evaluate(x)
        frames = np.repeat(x[None], CALLS["compiled"], axis=0)
        contestants["compiled"] = lambda: chart.pull(frames, slope)[1]
        _, exact = model.encode_with_jacobian(x)
        size = np.abs(exact).max()
        assert np.abs(contestants["plumed"]() - exact).max() < 1e-9 * size
        assert np.abs(contestants["torch"]() - exact).max() < 1e-3 * size
        combined = np.einsum("k,kai->ai", slope, exact)
        assert np.abs(contestants["compiled"]()[0] - combined).max() < 1e-3 * size
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, work in contestants.items():
                start = time.process_time()
                for _ in range(1 if name == "compiled" else CALLS[name]):
                    work()
                times[name].append(1e6 * (time.process_time() - start) / CALLS[name])
    microseconds = {name: statistics.median(sample) for name, sample in times.items()}
    for name, value in microseconds.items():
        print(f"{name:>10}: {value:>10.1f} µs per evaluation")
    result = {
        "benchmark": "plumed",
        "atoms": 147,
        "bins": 340,
        "coordinates": 3,
        "rounds": rounds,
        "microseconds": {name: round(value, 1) for name, value in microseconds.items()},
        "ratio": {
            name: round(microseconds[name] / microseconds["plumed"], 2)
            for name in ("torch", "compiled")
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
