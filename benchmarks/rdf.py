"""Claim: the RDF costs less than one 500th of a dense kernel sum, and a fifth of a histogram.

The work is the radial distribution function of 2,000 shaken Au147 clusters (σ = 0.2 Å, 340 bins,
2 to 19 Å), one frame after another, on one thread:

- ``dense``: the Gaussian kernel of every pair in every bin in PyTorch, float32, as published code
  of the method does. It is slow, so that it gets the first frames only, and times are per frame.
- ``histogram``: ``numpy.histogram`` of ``scipy.spatial.distance.pdist``, which has no kernel and
  no gradient.
- ``nanochart``: ``nanochart.descriptors.RDF`` on an array of all frames, float64.

``dense_gradient`` is the same for the value and its vector-Jacobian product with respect to the
positions (PyTorch: autograd). Other processes come and go: times are processor times of the one
thread, rounds interleave the contestants, and the figures are medians over rounds. Before timing,
the results are compared.

Usage: ``python benchmarks/rdf.py [rounds]``. The last line is JSON; ratios are the peer's time
over nanochart's.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from ase.cluster import Icosahedron
from scipy.spatial.distance import pdist

from nanochart.descriptors import RDF

N_FRAMES = 2000
N_DENSE = 10


def shaken_clusters() -> np.ndarray:
    """Au147 icosahedra (frame, atom, 3) in Å: 2 % expansion and 0.1 Å of noise per coordinate.

    Neighbours then fluctuate by 0.14 Å, about as much as in a hot cluster.
    """
    positions = 1.02 * Icosahedron("Au", 4).positions
    noise = np.random.default_rng(0).standard_normal((N_FRAMES, *positions.shape))
    return positions + 0.1 * noise


def dense(positions: torch.Tensor, centers: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian kernel density by broadcasting pairs against bins, normalized by its sum."""
    i, j = torch.triu_indices(len(positions), len(positions), offset=1)
    distances = (positions[i] - positions[j]).square().sum(1).sqrt()
    kernel = torch.exp(-0.5 * ((distances[:, None] - centers) / sigma).square())
    density = kernel.mean(dim=0)
    return density / density.sum() / (centers[1] - centers[0])


def dense_values(frames: torch.Tensor, rdf: RDF) -> list[np.ndarray]:
    """RDF of every frame by the dense kernel."""
    centers = torch.tensor(rdf.centers.copy(), dtype=frames.dtype)
    return [dense(x, centers, rdf.sigma).numpy() for x in frames]


def dense_gradients(frames: torch.Tensor, rdf: RDF, cotangents: torch.Tensor) -> list[np.ndarray]:
    """Value and vector-Jacobian product of every frame by the dense kernel and autograd."""
    centers = torch.tensor(rdf.centers.copy(), dtype=frames.dtype)
    gradients = []
    for x, cotangent in zip(frames, cotangents, strict=True):
        leaf = x.clone().requires_grad_()
        (dense(leaf, centers, rdf.sigma) @ cotangent).backward()
        assert leaf.grad is not None
        gradients.append(leaf.grad.numpy())
    return gradients


def histograms(frames: np.ndarray, rdf: RDF) -> list[np.ndarray]:
    """Histogram of the pair distances of every frame."""
    edges = (rdf.r_min, rdf.r_max)
    return [np.histogram(pdist(x), bins=rdf.n_bins, range=edges)[0] for x in frames]


def value_and_gradient(frames: np.ndarray, rdf: RDF, cotangents: np.ndarray) -> np.ndarray:
    """Value and vector-Jacobian product of all frames by nanochart."""
    rdf(frames, threads=1)
    return rdf.vjp(frames, cotangents, threads=1)


def relative_error(ours: np.ndarray, theirs: list[np.ndarray]) -> float:
    """Largest difference over the largest value."""
    part = ours[: len(theirs)]
    return float(np.abs(part - np.array(theirs)).max() / np.abs(part).max())


def median_times(
    contestants: dict[str, tuple[Callable[[], object], int]], rounds: int
) -> dict[str, float]:
    """Processor time in µs per frame: the median over rounds in which all run in turn."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (work, n_frames) in contestants.items():
            start = time.process_time()
            work()
            times[name].append(1e6 * (time.process_time() - start) / n_frames)
    return {name: round(statistics.median(sample), 2) for name, sample in times.items()}


def main(rounds: int) -> None:
    """Compare the results, time all contestants in turn, print a table and the JSON line."""
    torch.set_num_threads(1)
    rdf = RDF()
    frames = shaken_clusters()
    cotangents = np.random.default_rng(1).standard_normal((N_FRAMES, rdf.n_bins))
    few = torch.tensor(frames[:N_DENSE], dtype=torch.float32)
    few_cotangents = torch.tensor(cotangents[:N_DENSE], dtype=torch.float32)
    n_pairs = frames.shape[1] * (frames.shape[1] - 1) // 2

    # The first calls also compile. float32 limits the agreement.
    value_error = relative_error(rdf(frames, threads=1), dense_values(few, rdf))
    gradient_error = relative_error(
        value_and_gradient(frames, rdf, cotangents), dense_gradients(few, rdf, few_cotangents)
    )
    assert value_error < 1e-4
    assert gradient_error < 1e-3
    assert np.array(histograms(frames[:N_DENSE], rdf)).sum() == N_DENSE * n_pairs

    contestants: dict[str, tuple[Callable[[], object], int]] = {
        "dense": (lambda: dense_values(few, rdf), N_DENSE),
        "histogram": (lambda: histograms(frames, rdf), N_FRAMES),
        "nanochart": (lambda: rdf(frames, threads=1), N_FRAMES),
        "dense_gradient": (lambda: dense_gradients(few, rdf, few_cotangents), N_DENSE),
        "nanochart_gradient": (lambda: value_and_gradient(frames, rdf, cotangents), N_FRAMES),
    }
    microseconds = median_times(contestants, rounds)
    for name, (_, n_frames) in contestants.items():
        print(f"{name:>20}: {microseconds[name]:>10.2f} µs per frame ({n_frames} frames)")
    ratio = {
        "dense": microseconds["dense"] / microseconds["nanochart"],
        "histogram": microseconds["histogram"] / microseconds["nanochart"],
        "dense_gradient": microseconds["dense_gradient"] / microseconds["nanochart_gradient"],
    }
    result = {
        "benchmark": "rdf",
        "atoms": frames.shape[1],
        "bins": rdf.n_bins,
        "sigma": rdf.sigma,
        "frames": N_FRAMES,
        "frames_dense": N_DENSE,
        "rounds": rounds,
        "difference_value": value_error,
        "difference_gradient": gradient_error,
        "microseconds_per_frame": microseconds,
        "ratio": {name: round(value, 2) for name, value in ratio.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
