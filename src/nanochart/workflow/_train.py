"""Train a chart on a run."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart._progress import Progress, silent
from nanochart._time_series import statistical_inefficiency
from nanochart.autoencoder import (
    GUARD,
    TEST,
    TRAIN,
    VALIDATION,
    Model,
    TrainingConfig,
    explained_variance,
    split_blocks,
    train,
)
from nanochart.autoencoder import Progress as EpochProgress
from nanochart.descriptors import RDF
from nanochart.errors import StoreError
from nanochart.store import Run
from nanochart.workflow._config import RDFConfig

__all__ = ["train_run"]

Floats = NDArray[np.float64]


def train_run(
    run: Run,
    model_path: str | Path,
    config: TrainingConfig | None = None,
    rdf: RDFConfig | None = None,
    *,
    resume: bool = False,
    progress: Progress = silent,
) -> Model:
    """Train an autoencoder on a run, save the model and record which frames it has seen.

    With the target "inherent" the RDF of the thermal frame goes in and that of its inherent
    structure is to come out; with "self" the RDF of the inherent structure is both.

    Parameters
    ----------
    run
        Open for writing, quenched.
    model_path
        File of the model.
    config, rdf
        Settings; None is the default of each.
    resume
        Continue a training that was stopped.
    progress
        Told of every epoch.

    Raises
    ------
    StoreError
        If the run is not quenched.
    """
    run.require_writable()
    settings, grid = config or TrainingConfig(), rdf or RDFConfig()
    n_frames, n_quenched = run.committed(), run.committed("quench")
    if n_frames == 0 or n_quenched < n_frames:
        raise StoreError(
            f"{run.path} has {n_quenched} quenched frames of {n_frames}: "
            f"run `nanochart quench {run.path}` first"
        )
    data = run.to_xarray()
    inherent = data["inherent_positions"].to_numpy().astype(np.float64)
    thermal = data["positions"].to_numpy().astype(np.float64)
    description = grid.rdf or fit_rdf(thermal, inherent, grid.sigma)
    targets = description(inherent).reshape(-1, description.n_bins)
    inputs = targets
    if settings.target == "inherent":
        inputs = description(thermal).reshape(-1, description.n_bins)
    n_times, n_replicas = thermal.shape[:2]
    energies = data["inherent_energy"].to_numpy()
    gap = _gap(energies)
    split = split_blocks(n_times, n_replicas, gap=gap, seed=settings.seed)
    # A quench that did not converge is no inherent structure.
    converged = data["quench_converged"].to_numpy() == 1
    split = np.where(converged, split, GUARD).astype(np.int8)
    if min((split == part).sum() for part in (TRAIN, VALIDATION, TEST)) < 2:
        raise StoreError(
            f"{run.path} has {n_frames} frames of {n_replicas} replicas, {int(converged.sum())} of "
            f"them converged minima, which is too few to train, validate and test on: sample "
            f"longer, or quench again with more evaluations"
        )

    def report(epoch: EpochProgress) -> None:
        note = f"explained variance {epoch.explained_variance:.3f}"
        progress("train", epoch.epoch, epoch.n_epochs, note)

    model_path = Path(model_path)
    checkpoint = model_path.with_name(model_path.name + ".checkpoint")
    model, _ = train(
        inputs,
        targets,
        split.ravel(),
        settings,
        rdf=description,
        element=run.metadata.element,
        n_atoms=run.metadata.n_atoms,
        progress=report,
        checkpoint=checkpoint,
        resume=resume and checkpoint.exists(),
        provenance={
            "run": run.path.name,
            "frames": int(n_frames),
            "replicas": int(n_replicas),
            "seed": run.metadata.seed,
            "versions": dict(run.metadata.versions),
        },
    )
    seen = np.unique(_rounded(energies[split == TRAIN]))
    unseen = ((split == TEST) & ~np.isin(_rounded(energies), seen)).ravel()
    if unseen.any():
        model.history.explained_variance["unseen"] = explained_variance(
            targets[unseen], model.reconstruct_rdf(inputs[unseen]), targets[split.ravel() == TRAIN]
        )
    model.save(model_path)
    checkpoint.unlink(missing_ok=True)
    with run.lock():
        run.clear("families")
        run.clear("chart")  # of the model before this one
        run.clear("train")
        for block in list(run.pending("train")):
            run.write("train", block.start, {"split": split[block]})
        facts = {"model": model_path.name, "gap": gap, "unseen": int(unseen.sum())}
        run.record_info("train", {**facts, **settings.model_dump(mode="json")})
    return model


def _gap(energies: Floats) -> int:
    """Frames between parts: as long as inherent structures are remembered, if the run is.

    A run that remembers for longer than a seventh of its length keeps three blocks per replica.
    """
    return min(math.ceil(statistical_inefficiency(energies)), len(energies) // 7)


def _rounded(energies: Floats) -> NDArray[np.int64]:
    """Inherent energies in units of 0.1 meV, which tells minima apart."""
    return np.rint(energies * 1e4).astype(np.int64)


def fit_rdf(thermal: Floats, inherent: Floats, sigma: float) -> RDF:
    """Grid that holds all distances of a run, at 0.05 Å per bin."""
    fitted = [RDF.for_positions(x, sigma=sigma) for x in (thermal, inherent)]
    r_min = min(rdf.r_min for rdf in fitted)
    r_max = max(rdf.r_max for rdf in fitted)
    return RDF(r_min, r_max, round((r_max - r_min) / 0.05), sigma)
