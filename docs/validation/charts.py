"""Compare charts of one labelled run: networks, targets, bottlenecks and seeds on the same frames.

`python docs/validation/charts.py RUN --output FOLDER` trains every combination that is asked for
on the same data and split, and writes `charts.json` and `charts.md`. Trainings that are in the
table already are not repeated, so it can be stopped and started again.

Per training: parameters, seconds, explained variance of the test part, motif purity of the 15
nearest neighbours of held-out frames. Per setting: the adjusted Rand index of the families of
trainings that differ in the seed alone, and of those that differ in the bottleneck alone. A chart
is asked about what its model reads: thermal frames for `inherent`, inherent structures for `self`.
"""

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from nanochart import motifs, store
from nanochart.autoencoder import GUARD, TEST, TRAIN, TrainingConfig, split_blocks, train
from nanochart.descriptors import RDF
from nanochart.landscape import (
    FamiliesConfig,
    ReconstructionMetric,
    family_agreement,
    fit_families,
    neighbour_purity,
)
from nanochart.workflow.families_measures import _BLOCKS
from nanochart.workflow.train import _gap, fit_rdf

MIX = motifs.LABELS.index("mix")


@dataclass(frozen=True)
class Frames:
    """What all trainings share: RDFs (sample, bin) by what is read, and facts of each sample."""

    rdf: RDF
    rdfs: dict[str, NDArray[np.float32]]
    split: NDArray[np.int8]
    motif: NDArray[np.int8]
    energy: NDArray[np.float64]
    minimum: NDArray[np.intp]
    unit: NDArray[np.intp]
    element: str
    n_atoms: int


def read(path: Path, *, sigma: float, every: int) -> Frames:
    """Read a quenched and labelled run, every so many frames of it."""
    run = store.open(path)
    data = run.to_xarray().isel(frame=slice(None, None, every))
    if "motif" not in data or (data["motif"] < 0).any():
        raise SystemExit(f"{path} has frames without a motif: run `nanochart label {path}` first")
    x = {
        kind: data[name].to_numpy().astype(np.float64)
        for kind, name in (("inherent", "positions"), ("self", "inherent_positions"))
    }
    rdf = fit_rdf(x["inherent"], x["self"], sigma)
    energy = data["inherent_energy"].to_numpy()
    split = split_blocks(*energy.shape, gap=_gap(energy), seed=0)
    n_frames, n_replicas = energy.shape
    block = np.arange(n_frames)[:, None] * _BLOCKS // n_frames
    return Frames(
        rdf=rdf,
        rdfs={k: rdf(v).reshape(-1, rdf.n_bins).astype(np.float32) for k, v in x.items()},
        split=np.where(data["quench_converged"] == 1, split, GUARD).astype(np.int8).ravel(),
        motif=data["motif"].to_numpy().ravel(),
        energy=energy.ravel(),
        minimum=np.unique(np.rint(energy.ravel() * 1e4), return_inverse=True)[1],
        unit=(block * n_replicas + np.arange(n_replicas)).ravel(),
        element=run.metadata.element,
        n_atoms=run.metadata.n_atoms,
    )


def trained(
    frames: Frames, config: TrainingConfig, points: Path, *, by_basin: bool
) -> dict[str, Any]:
    """Row of one training; its coordinates and families are kept in a file.

    ``by_basin`` weights the frames of a minimum that occurs n times by 1/sqrt(n) in the loss.
    """
    weights = 1.0 / np.sqrt(np.bincount(frames.minimum)[frames.minimum]) if by_basin else None
    inputs = frames.rdfs[config.target]
    model, history = train(
        inputs, frames.rdfs["self"], frames.split, config,
        rdf=frames.rdf, element=frames.element, n_atoms=frames.n_atoms, weights=weights,
    )  # fmt: skip
    s = model.encode_rdf(inputs)
    metric = ReconstructionMetric(model.decode)
    families = fit_families(s, FamiliesConfig(), energies=frames.energy, metric=metric)
    np.savez(points, points=s, families=families.assign(s))
    explained = history.explained_variance["test"]
    return {
        "architecture": config.architecture,
        "target": config.target,
        "bottleneck": config.bottleneck,
        "seed": config.seed,
        "parameters": model.n_parameters,
        "epochs": len(history.curves),
        "seconds": round(history.curves[-1].seconds, 1),
        "explained_variance": round(explained, 4),
        **purities(frames, s),
        "families": families.n_families,
    }


def linear(frames: Frames, target: str, bottleneck: int) -> dict[str, Any]:
    """Row of principal components, which need no training: what a network has to beat."""
    g = frames.rdfs[target]
    found = PCA(bottleneck, svd_solver="full").fit(g[frames.split == TRAIN])
    row = {"architecture": "principal components", "target": target, "bottleneck": bottleneck}
    return {**row, **purities(frames, found.transform(g))}


def purities(frames: Frames, s: NDArray[np.float64]) -> dict[str, float]:
    """Motif purity on held-out frames, without and with mix."""
    found = {}
    for key, leave_out in (("purity_without_mix", (MIX,)), ("purity", ())):
        result = neighbour_purity(
            s, frames.motif, frames.split == TEST, frames.unit, frames.minimum, leave_out=leave_out
        )
        found[key] = round(result.purity, 4)
    return found


def agreements(rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Mean adjusted Rand index of families, between seeds and between bottlenecks."""
    found = []
    for varied in ("seed", "bottleneck"):
        fixed = [k for k in ("architecture", "target", "bottleneck", "seed") if k != varied]
        groups: dict[tuple[Any, ...], list[NDArray[np.int64]]] = {}
        for row in rows:
            if "seed" in row:
                codes = np.load(folder / f"{name_of(row)}.npz")["families"]
                groups.setdefault(tuple(row[k] for k in fixed), []).append(codes)
        for key, codes in groups.items():
            pairs = [family_agreement(a, b) for a, b in itertools.combinations(codes, 2)]
            if pairs:
                mean = {"ari": round(float(np.mean(pairs)), 3), "lowest": round(min(pairs), 3)}
                found.append({"between": varied, **dict(zip(fixed, key, strict=True)), **mean})
    return found


def name_of(row: dict[str, Any]) -> str:
    """Name of a training's files."""
    return "-".join(str(row[k]) for k in ("architecture", "target", "bottleneck", "seed"))


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown of rows that may lack some columns."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[str(row.get(column, "")) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the tables anew, whole or not at all."""
    between = agreements(rows, folder)
    text = json.dumps({"trainings": rows, "agreement": between}, indent=1)
    for name, content in (
        ("charts.json", text + "\n"),
        ("charts.md", "\n\n".join(table(t).replace("_", " ") for t in (rows, between) if t) + "\n"),
    ):
        part = folder / f"{name}.part"
        part.write_text(content, encoding="utf-8")
        part.replace(folder / name)


def main() -> None:
    """Train what is not in the table yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="quenched and labelled run")
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--architectures", nargs="+", default=["compact", "paper"])
    parser.add_argument("--targets", nargs="+", default=["self", "inherent"])
    parser.add_argument("--bottlenecks", nargs="+", type=int, default=[3, 2, 4])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="default: of the architecture's recipe")
    parser.add_argument("--max-seconds", type=float, help="budget of each training")
    parser.add_argument("--isometry", type=float, help="weight of the strain")
    parser.add_argument("--by-basin", action="store_true", help="weight frames by their minimum")
    parser.add_argument("--sigma", type=float, default=0.2, help="bandwidth of the RDF (Å)")
    parser.add_argument("--every", type=int, default=1, help="take every so many frames")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / "charts.json"
    rows = json.loads(kept.read_text())["trainings"] if kept.exists() else []
    frames = read(options.run, sigma=options.sigma, every=options.every)
    done = {name_of(row) for row in rows if "seed" in row}
    if not rows:
        rows = [linear(frames, t, d) for t in options.targets for d in sorted(options.bottlenecks)]
    settings = ("epochs", "max_seconds", "isometry")
    common = {k: v for k in settings if (v := getattr(options, k)) is not None}
    # The architecture varies slowest but for the seed: the first rows already compare.
    for seed, bottleneck, architecture, target in itertools.product(
        options.seeds, options.bottlenecks, options.architectures, options.targets
    ):
        asked = {
            "architecture": architecture, "target": target, "bottleneck": bottleneck, "seed": seed,
        }  # fmt: skip
        if name_of(asked) in done:
            continue
        config = TrainingConfig(**asked, **common)
        rows.append(
            trained(
                frames, config, options.output / f"{name_of(asked)}.npz", by_basin=options.by_basin
            )
        )
        write(options.output, rows)
        print(json.dumps(rows[-1]), flush=True)
    write(options.output, rows)


if __name__ == "__main__":
    main()
