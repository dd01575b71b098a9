"""Training: time to the validation error of the published network.

Claim: the `compact` architecture reaches the validation error that the network of Telari et al.
(2025), architecture `paper`, has after 10 epochs of its published recipe (batches of 128, Adam at
4e-3, every bin scaled to [0, 1]) in at most a twentieth of that network's time.

Both are trained by the same loop on the same data, split, machine and threads, one after the other:
about 14,400 pairs of thermal and quenched RDFs of Au147, sampled here from four motifs at eighteen
temperatures (a minute or two, once; kept in the folder `--data`). The error on the validation part
is measured in two metrics, the unexplained share of the variance of the RDF and the published
network's own, the mean squared error of bins scaled to [0, 1]; `compact` is trained once for each,
and the smaller ratio is the figure. Of the published network the best of its epochs counts, as its
recipe keeps that one.

The whole takes six minutes to a quarter of an hour, most of it in the published network. `--quick`
does the same with a twelfth of the data and 3 epochs: it shows that the script works, not the
claim.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import nanochart as nc
from nanochart.autoencoder import Model, Progress, TrainingConfig, split_blocks, train

MOTIFS = ("icosahedron", "decahedron", "octahedron", "twin")
TEMPERATURES = np.linspace(300.0, 600.0, 18)
RDF = nc.descriptors.RDF(r_min=1.8, r_max=24.0, n_bins=340, sigma=0.2)
FRAMES = 200
STEPS_PER_FRAME = 400  # 2 ps


def sample(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """RDFs (frame, replica, bin) of thermal frames and of what they quench to."""
    potential = nc.potentials.gupta("Au")
    starts = [nc.clusters.build(motif, "Au", 147).positions for motif in MOTIFS]
    positions = np.repeat(starts, len(TEMPERATURES), axis=0)
    temperatures = np.tile(TEMPERATURES, len(MOTIFS))
    state = nc.dynamics.initialize(positions, potential, temperatures, seed=1)
    langevin = nc.dynamics.Langevin(time_step=5.0)
    state, _ = nc.dynamics.run_segment(state, potential, langevin, 4_000)
    thermal, inherent = [], []
    for frame in range(frames):
        state, _ = nc.dynamics.run_segment(state, potential, langevin, STEPS_PER_FRAME)
        quenched = nc.minimization.quench(state.positions, potential, max_force=1e-3)
        thermal.append(RDF(state.positions))
        inherent.append(RDF(quenched.positions))
        if (frame + 1) % max(1, frames // 5) == 0:
            print(f"  sampled {frame + 1} of {frames} frames of each of {len(positions)} replicas")
    return np.float32(thermal), np.float32(inherent)


def cached_data(folder: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample, or read what an earlier run sampled."""
    path = folder / f"train-{frames}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        thermal, inherent = sample(frames)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, thermal=thermal, inherent=inherent)
        partial.replace(path)
        print(f"  sampling took {time.perf_counter() - began:.0f} s; kept in {path}")
    with np.load(path) as data:
        return data["thermal"], data["inherent"]


def trained(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], config: TrainingConfig, threads: int | None
) -> tuple[Model, list[Progress]]:
    """Train and print the curve."""

    def show(curve: Progress) -> None:
        print(
            f"  {config.architecture:8s} epoch {curve.epoch:3d}: explained variance "
            f"{curve.explained_variance:.4f} after {curve.seconds:7.1f} s",
            flush=True,
        )

    thermal, inherent, split = data
    model, history = train(
        thermal, inherent, split, config, rdf=RDF, element="Au", n_atoms=147, progress=show,
        threads=threads,
    )  # fmt: skip
    return model, list(history.curves)


def seconds_to(curves: list[Progress], error: str, goal: float) -> float | None:
    """Seconds until the validation error of a training is at most ``goal``, None if never."""
    reached = (curve.seconds for curve in curves if validation_error(curve, error) <= goal)
    return next(reached, None)


def validation_error(curve: Progress, error: str) -> float:
    """Error of an epoch: unexplained variance of the RDF, or the loss of the training."""
    return (
        1.0 - curve.explained_variance if error == "unexplained_variance" else curve.validation_loss
    )


def main() -> None:
    """Measure both and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a twelfth of the data, 3 epochs")
    parser.add_argument("--epochs", type=int, help="epochs of the published network")
    parser.add_argument("--threads", type=int, help="PyTorch threads; default: PyTorch's own")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(tempfile.gettempdir()) / "nanochart-benchmarks",
        help="folder that keeps the sampled RDFs",
    )
    options = parser.parse_args()
    epochs = options.epochs or (3 if options.quick else 10)
    frames = max(12, FRAMES // 12) if options.quick else FRAMES

    thermal, inherent = cached_data(options.data, frames)
    split = split_blocks(*thermal.shape[:2], gap=0 if options.quick else 2, seed=0).ravel()
    data = (
        thermal.reshape(-1, RDF.n_bins),
        inherent.reshape(-1, RDF.n_bins),
        split,
    )
    print(f"{len(split)} pairs of RDFs, {(split == 0).sum()} for training")

    _, peer_curves = trained(
        data, TrainingConfig(architecture="paper", epochs=epochs), options.threads
    )
    # Each metric is that of one recipe: our default, and the published one with bins in [0, 1].
    recipes = {"unexplained_variance": "deviation", "scaled_bins": "range"}
    errors: dict[str, dict[str, float | None]] = {}
    for error, scaling in recipes.items():
        goal = min(validation_error(curve, error) for curve in peer_curves)
        print(f"{error}: {goal:.4g} after {epochs} epochs of the published network")
        _, curves = trained(data, TrainingConfig(scaling=scaling), options.threads)
        ours = seconds_to(curves, error, goal)
        peer = peer_curves[-1].seconds
        errors[error] = {
            "error": goal,
            "final_error": min(validation_error(curve, error) for curve in curves),
            "peer": round(peer, 2),
            "nanochart": None if ours is None else round(ours, 2),
            "ratio": 0.0 if ours is None else round(peer / ours, 1),
        }
    worse = min(errors.values(), key=lambda found: found["ratio"] or 0.0)
    result = {
        "benchmark": "train",
        "unit": "s to the same validation error",
        "samples": len(split),
        "quick": options.quick,
        "errors": errors,
        "peer": worse["peer"],
        "nanochart": worse["nanochart"],
        "ratio": worse["ratio"],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
