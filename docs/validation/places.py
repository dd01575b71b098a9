"""Compare populations by place with the true ones, for replicas that nothing was learned from.

`python docs/validation/places.py RUN FOLDER --low 490 --high 530` parts the replicas of a run of
parallel tempering into two halves, trains a chart on the first, tells the motifs of the second by
the shares that the first has at their places, and prints them beside those of the second half's own
inherent structures, and beside what a majority vote of neighbours gives.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart import store
from nanochart.autoencoder import TrainingConfig
from nanochart.landscape import place_membership
from nanochart.motifs import LABELS
from nanochart.workflow import chart_run, label_run, quench_run, train_run


def half(run: store.Run, path: Path, first: int) -> store.Run:
    """Every other replica of a run as a run of its own, quenched and labelled."""
    frames = run.frames()
    own = np.arange(first, run.metadata.n_replicas, 2)
    part = store.create(
        path, element=run.metadata.element, n_atoms=run.metadata.n_atoms, n_frames=len(frames),
        n_replicas=len(own), kind="imported", system=run.system,
    )  # fmt: skip
    for k in range(0, len(frames), part.chunk_frames):
        thermal = frames.take(np.arange(k, min(len(frames), k + part.chunk_frames))).thermal
        temperatures, energies = thermal.temperatures, thermal.energies
        if temperatures is None or energies is None:
            raise SystemExit(f"{run.path} has no temperatures")
        part.write_frames(k, {"positions": thermal.positions[:, own], "energy": energies[:, own],
                              "temperature": temperatures[:, own]})  # fmt: skip
    part.finalize()
    quench_run(part)
    label_run(part)
    return part


def at(run: store.Run, low: float, high: float) -> tuple[NDArray[np.float64], ...]:
    """Places, motifs and replicas of the frames between two temperatures in K."""
    frames = run.frames()
    T = frames.thermal.temperatures
    chosen = (low <= T) & (high >= T)
    replicas = np.broadcast_to(np.arange(frames.n_replicas), T.shape)
    return (
        frames.chart("thermal").coordinates[chosen],
        frames.motifs.codes[chosen],
        replicas[chosen],
    )


def main() -> None:
    """Run the comparison for one, two and all coordinates of the chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path, help="Empty folder for the halves and the model.")
    parser.add_argument("--low", type=float, default=490.0, help="K")
    parser.add_argument("--high", type=float, default=530.0, help="K")
    parser.add_argument("--epochs", type=int, default=30)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    run = store.open(asked.run)
    seen, unseen = (half(run, asked.folder / f"half-{k}.zarr", k) for k in (0, 1))
    config = TrainingConfig(target="inherent", bottleneck=3, epochs=asked.epochs)
    model = train_run(seen, asked.folder / "half-0.nanochart", config)
    for part in (seen, unseen):
        chart_run(part, model)
    known, codes, replicas = at(seen, asked.low, asked.high)
    places, truth, _ = at(unseen, asked.low, asked.high)
    n = len(LABELS)
    own = np.bincount(truth, minlength=n) / len(truth)
    for d in range(1, known.shape[1] + 1):
        told = place_membership(known[:, :d], codes, replicas, n)
        shares = told.shares(places[:, :d])
        vote = np.bincount(shares.argmax(axis=-1), minlength=n) / len(truth)
        print(f"s1 to s{d}, {told.neighbours} neighbours:")
        for k, name in enumerate(LABELS):
            print(
                f"  {name:10s} own {own[k]:.3f}, by place {shares[:, k].mean():.3f} ± "
                f"{told.error[k]:.3f}, by majority {vote[k]:.3f}"
            )


if __name__ == "__main__":
    main()
