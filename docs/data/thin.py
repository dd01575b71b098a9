"""Thin the runs of one cluster to a table and a hundred structures that are kept beside this file.

`python docs/data/thin.py au147 RUN...` writes `au147.csv.gz`, a line for each of at most 20,000
configurations, evenly from all runs and all of their time, and `au147.xyz.gz`, inherent structures
that lie as far from each other in the chart as a hundred can, beginning with the lowest. The runs
must be labelled, charted by one model and split into families.
"""

import argparse
import gzip
from pathlib import Path

import ase.io
import numpy as np
import pandas as pd
from ase import Atoms

from nanochart import store

HERE = Path(__file__).parent
MOST_ROWS, STRUCTURES = 20_000, 100


def table(run: store.Run, name: str, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers of some configurations of a run, and their inherent structures."""
    whole = run.frames()
    every = max(1, -(-len(whole) * whole.n_replicas // rows))
    frames = whole.take(np.arange(0, len(whole), every)).require("label", "chart", "families")
    n_frames, n_replicas = len(frames), frames.n_replicas
    numbers, replica = np.meshgrid(frames.numbers, np.arange(n_replicas), indexing="ij")
    columns = {
        "run": np.full(numbers.size, name),
        "frame": numbers.ravel(),
        "replica": replica.ravel(),
        "temperature_K": np.rint(frames.thermal.temperatures).astype(int).ravel(),
        "energy_eV": frames.thermal.energies.round(3).ravel(),
        "inherent_energy_eV": frames.inherent.energies.round(4).ravel(),
        "motif": np.array(frames.motifs.names)[frames.motifs.codes].ravel(),
        "family": np.array(frames.families.names)[frames.families.codes].ravel(),
    }
    places = frames.chart("inherent").coordinates.reshape(n_frames * n_replicas, -1)
    for k, values in enumerate(places.T, start=1):
        columns[f"s{k}"] = values.round(3)
    return pd.DataFrame(columns), frames.inherent.positions.reshape(numbers.size, -1, 3)


def spread(places: np.ndarray, first: int, count: int) -> list[int]:
    """Indices of points, each the farthest from those before it."""
    chosen = [first]
    nearest = np.linalg.norm(places - places[first], axis=1)
    while len(chosen) < min(count, len(places)) and nearest.max() > 0.0:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return chosen


def main() -> None:
    """Thin the runs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("runs", nargs="+", type=Path)
    asked = parser.parse_args()
    opened = [store.open(path) for path in asked.runs]
    rows = MOST_ROWS // len(opened)
    read = [table(run, run.path.stem, rows) for run in opened]
    numbers = pd.concat([part for part, _ in read], ignore_index=True)
    positions = np.concatenate([x for _, x in read])
    packed = {"method": "gzip", "mtime": 0}
    numbers.to_csv(HERE / f"{asked.name}.csv.gz", index=False, compression=packed)
    places = numbers.filter(regex=r"^s\d$").to_numpy()
    lowest = int(numbers["inherent_energy_eV"].to_numpy().argmin())
    element = opened[0].metadata.element
    structures = []
    for k in spread(places, lowest, STRUCTURES):
        row = numbers.iloc[k]
        atoms = Atoms([element] * positions.shape[1], positions[k] - positions[k].mean(axis=0))
        atoms.info = {name: row[name] for name in ("inherent_energy_eV", "motif", "family")}
        atoms.info["chart"] = places[k]
        structures.append(atoms)
    with gzip.GzipFile(HERE / f"{asked.name}.xyz.gz", "wb", mtime=0) as raw:
        text = Path(HERE / f"{asked.name}.xyz")
        ase.io.write(text, structures, format="extxyz", columns=["symbols", "positions"])
        raw.write(text.read_bytes())
        text.unlink()
    size = sum(f.stat().st_size for f in HERE.glob(f"{asked.name}.*.gz"))
    print(f"{len(numbers)} configurations and {len(structures)} structures in {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
