"""Train a chart on a run, or one chart on several."""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import (
    GUARD,
    TEST,
    TRAIN,
    VALIDATION,
    Model,
    Progress as EpochProgress,
    TrainingConfig,
    explained_variance,
    load,
    split_blocks,
    train,
)
from nanochart.config import RDFConfig
from nanochart.descriptors import RDF
from nanochart.errors import ConfigError, StoreError
from nanochart.files import replacing
from nanochart.landscape import distinct_minima, principal_radii
from nanochart.progress import Progress, silent
from nanochart.statistics import statistical_inefficiency
from nanochart.store import Run
from nanochart.workflow.forecast import forecast
from nanochart.workflow.quench import check_all_quenched

__all__ = ["train_run", "train_runs"]

Floats = NDArray[np.float64]

#: Minima in the training part below which there is nothing to chart.
_FEWEST_MINIMA = 10
#: Steps of the optimizer whose time is measured for the estimate of a training.
_FORECAST_BATCHES = 4
#: Test frames of unseen minima below which what is explained of them is no number.
_FEWEST_UNSEEN = 5
#: Numbers of the distribution functions of all frames: 16 GB.
_MOST_NUMBERS = 2_000_000_000


def _as_it_is(model: Model) -> Model:
    return model


@dataclass(frozen=True)
class _Frames:
    """What a training reads of a run, positions in lengths of the reference metal.

    One in ``every`` of its frames, whose parts are ``split``.
    """

    run: Run
    thermal: Floats
    inherent: Floats
    split: NDArray[np.int8]
    minima: NDArray[np.int64]
    gap: int
    every: int

    @property
    def whole_split(self) -> NDArray[np.int8]:
        """Part of each frame of the run; one that was not read is in none."""
        whole = np.full((self.run.committed(), self.split.shape[1]), GUARD, dtype=np.int8)
        whole[:: self.every] = self.split
        return whole

    @property
    def name(self) -> str:
        return f"{self.run.metadata.element}{self.run.metadata.n_atoms}"


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
        Function that is called after every epoch with how far the work is.

    Raises
    ------
    StoreError
        If the run is not quenched.
    """
    return train_runs([run], model_path, config, rdf, resume=resume, progress=progress)


def train_runs(
    runs: Sequence[Run],
    model_path: str | Path,
    config: TrainingConfig | None = None,
    rdf: RDFConfig | None = None,
    *,
    resume: bool = False,
    finish: Callable[[Model], Model] = _as_it_is,
    progress: Progress = silent,
) -> Model:
    """Train one chart on several runs of the same number of atoms.

    Positions of the metal X are multiplied by d(reference)/d(X), with d the nearest-neighbour
    distances of the bulk metals, so structures that differ by the size of the atoms alone are one
    point. The reference is the metal of the first run. Each run is split as if it were alone, and
    each has the same weight in the loss, however many frames it holds.

    Parameters
    ----------
    runs
        Open for writing, quenched.
    model_path, config, rdf, resume, progress
        As of ``train_run``.
    finish
        What is done to the trained model before it is saved.

    Raises
    ------
    StoreError
        If a run is not quenched, is given twice, or the runs differ in number of atoms.
    """
    check_runs(runs)
    # Of one training at a time: the splits that are written are those of the model that is saved.
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(run.lock())
        return _train(runs, Path(model_path), config, rdf, finish, resume=resume, progress=progress)


def _train(
    runs: Sequence[Run],
    model_path: Path,
    config: TrainingConfig | None,
    rdf: RDFConfig | None,
    finish: Callable[[Model], Model],
    *,
    resume: bool,
    progress: Progress,
) -> Model:
    """Train on locked runs, save the model and record it."""
    settings = config or TrainingConfig()
    lengths = nearest_neighbours(runs)
    reference = runs[0].metadata
    room = max(1, settings.configurations // len(runs))
    frames = [_frames(run, lengths, reference.element, settings.seed, room) for run in runs]
    _require_different(frames)
    description = (rdf or RDFConfig()).rdf or _common_rdf(frames, (rdf or RDFConfig()).sigma)
    targets = _densities(description, [part.inherent for part in frames])
    inputs = targets
    if settings.target == "inherent":
        inputs = _densities(description, [part.thermal for part in frames])
    split = np.concatenate([part.split.ravel() for part in frames])

    def report(epoch: EpochProgress) -> None:
        note = f"explained variance {epoch.explained_variance:.3f}"
        progress("train", epoch.epoch, epoch.n_epochs, note)

    checkpoint = model_path.with_name(model_path.name + ".checkpoint")
    if not (resume and checkpoint.exists()):
        _forecast(settings, description, inputs, targets, split, progress)
    sources = [_source(run) for run in runs]
    model, _ = train(
        inputs,
        targets,
        split,
        settings,
        rdf=description,
        element=reference.element,
        n_atoms=reference.n_atoms,
        progress=report,
        checkpoint=checkpoint,
        resume=resume and checkpoint.exists(),
        provenance=sources[0] if len(runs) == 1 else {"runs": sources},
        weights=_balanced(frames) if len(runs) > 1 else None,
        lengths=lengths if len(lengths) > 1 else None,
    )
    unseen = np.concatenate(_unseen(frames))
    shares = _Shares(model, inputs, targets, split)
    if unseen.sum() >= _FEWEST_UNSEEN:
        model.history.explained_variance["unseen"] = shares(unseen)
    model = finish(model)
    # On the disk before a run knows of it, and in its place once all runs do: until then the model
    # before is there, and the fingerprint tells the two apart.
    with replacing(model_path) as file:
        model.save(file)
        model = load(file)  # as others will read it, in the file's precision
        ends = np.cumsum([part.split.size for part in frames])
        for part, end in zip(frames, ends, strict=True):
            mine = np.zeros(len(split), dtype=bool)
            mine[end - part.split.size : end] = True
            facts = {
                "model": model_path.name,
                "fingerprint": model.fingerprint,
                "gap": part.gap,
                "every": part.every,
                "unseen": int((unseen & mine).sum()),
                **({"runs": [run.path.name for run in runs]} if len(runs) > 1 else {}),
                "explained_variance": shares(mine & (split == TEST)),
            }
            record = {**facts, **settings.model_dump(mode="json")}
            part.run.replace("train", {"split": part.whole_split}, record)
    checkpoint.unlink(missing_ok=True)
    return model


def _forecast(
    settings: TrainingConfig,
    rdf: RDF,
    inputs: Floats,
    targets: Floats,
    split: NDArray[np.int8],
    progress: Progress,
) -> None:
    """Report how long all epochs will take, from two over a few batches of the samples.

    The first of the two pays what PyTorch does once; the second is what counts.
    """
    n = int((split == TRAIN).sum())
    batch = settings.samples_per_step(n)
    share = min(1.0, _FORECAST_BATCHES * batch / n)
    parts = [np.flatnonzero(split == part) for part in (TRAIN, VALIDATION, TEST)]
    few = np.concatenate([part[: max(2, round(share * len(part)))] for part in parts])
    short = settings.model_copy(update={"epochs": 2, "batch_size": batch, "max_seconds": None})

    def seconds() -> float:
        g_in, g_out = inputs[few], targets[few]
        _, history = train(g_in, g_out, split[few], short, rdf=rdf, element="X", n_atoms=1)
        first, second = (curve.seconds for curve in history.curves)
        return (second - first) * settings.epochs / share

    forecast(
        progress,
        "train",
        0,
        settings.epochs,
        seconds=seconds,
        what=f"at most {settings.epochs} epochs of {n:,} configurations",
    )


def check_runs(runs: Sequence[Run]) -> None:
    """Refuse runs that cannot share a chart.

    Raises
    ------
    StoreError
        If one is not quenched or read-only, is given twice, or the numbers of atoms differ.
    """
    for run in runs:
        run.require_writable()
        run.frames().require("quench")
        check_all_quenched(run, "training")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise StoreError(
            f"the runs of one chart must differ; got {', '.join(str(run.path) for run in runs)}"
        )
    if len({run.metadata.n_atoms for run in runs}) > 1:
        held = " and ".join(f"{r.path} ({r.metadata.element}{r.metadata.n_atoms})" for r in runs)
        raise StoreError(
            f"the runs of one chart must have the same number of atoms; got {held}: "
            "train a chart on each size"
        )


def nearest_neighbours(runs: Sequence[Run]) -> dict[str, float]:
    """Metal -> nearest-neighbour distance of its bulk in Å; 1 where there is but one metal."""
    metals = {run.metadata.element: run for run in runs}
    if len(metals) == 1:
        return dict.fromkeys(metals, 1.0)
    return {metal: run.system.nearest_neighbour() for metal, run in metals.items()}


def _frames(run: Run, lengths: dict[str, float], reference: str, seed: int, room: int) -> _Frames:
    """At most ``room`` configurations of a run, evenly from all of its time."""
    whole = run.frames()
    all_energies = whole.inherent.energies
    gap = _gap(all_energies)
    every = math.ceil(all_energies.size / room)
    split = split_blocks(*all_energies.shape, gap=gap, seed=seed)[::every]
    frames = whole.take(np.arange(0, len(whole), every))
    scale = lengths[reference] / lengths[run.metadata.element]
    thermal = scale * frames.thermal.positions
    inherent = scale * frames.inherent.positions
    energies = frames.inherent.energies
    # A quench that did not converge is no inherent structure.
    converged = frames.inherent.converged
    split = np.where(converged, split, GUARD).astype(np.int8)
    if min((split == part).sum() for part in (TRAIN, VALIDATION, TEST)) < 2:
        n_frames, n_replicas = energies.shape
        raise StoreError(
            f"{run.path} has {n_frames} frames of {n_replicas} replicas, {int(converged.sum())} of "
            f"them converged minima, which is too few to train, validate and test on: sample "
            f"longer, or quench again with more evaluations"
        )
    shapes = principal_radii(inherent).reshape(-1, 3)
    minima = distinct_minima(shapes, np.nan_to_num(energies.ravel()), shapes).index
    return _Frames(run, thermal, inherent, split, minima.reshape(split.shape), gap, every)


def _source(run: Run) -> dict[str, Any]:
    """Where the frames of a model came from."""
    return {
        "run": run.path.name,
        "frames": run.committed(),
        "replicas": run.metadata.n_replicas,
        "seed": run.metadata.seed,
        "versions": dict(run.metadata.versions),
    }


def _balanced(frames: Sequence[_Frames]) -> Floats:
    """Weights by which every run counts alike in each part."""
    weights = []
    for part in frames:
        codes = part.split.ravel()
        counts = np.bincount(codes - GUARD, minlength=TEST - GUARD + 1)
        weights.append(1.0 / counts[codes - GUARD])
    return np.concatenate(weights)


def _unseen(frames: Sequence[_Frames]) -> list[NDArray[np.bool_]]:
    """Test frames of each run whose inherent structure occurs in none of its training frames."""
    found = []
    for part in frames:
        seen = part.minima[part.split == TRAIN]
        found.append(((part.split == TEST) & ~np.isin(part.minima, seen)).ravel())
    return found


def _require_different(frames: Sequence[_Frames]) -> None:
    """Refuse runs that visit a few minima again and again: there is nothing to chart."""
    n_different = sum(len(np.unique(part.minima[part.split == TRAIN])) for part in frames)
    if n_different < _FEWEST_MINIMA:
        held = ", ".join(str(part.run.path) for part in frames)
        raise StoreError(
            f"a chart needs at least {_FEWEST_MINIMA} different minima to train on; the training "
            f"part of {held} has {n_different}: sample longer, at higher temperatures, or from "
            "other starts"
        )


@dataclass(frozen=True)
class _Shares:
    """Explained variance of some samples, relative to that of the training part."""

    model: Model
    inputs: Floats
    targets: Floats
    split: NDArray[np.int8]

    def __call__(self, samples: NDArray[np.bool_]) -> float:
        return explained_variance(
            self.targets[samples],
            self.model.reconstruct_rdf(self.inputs[samples]),
            self.targets[self.split == TRAIN],
        )


def _gap(energies: Floats) -> int:
    """Frames between parts: as long as inherent structures are remembered, if the run is.

    A run that remembers for longer than a seventh of its length keeps three blocks per replica.
    """
    # Along each replica about its own mean: how long a frame is remembered, not how well they mix.
    memory = float(np.median([statistical_inefficiency(replica) for replica in energies.T]))
    return min(math.ceil(memory), len(energies) // 7)


def _densities(rdf: RDF, positions: Sequence[Floats]) -> Floats:
    """RDFs (sample, bin) of runs, one after the other."""
    n = sum(x[..., 0, 0].size for x in positions)
    if n * rdf.n_bins > _MOST_NUMBERS:
        raise ConfigError(
            f"the distribution functions of all frames must be at most {_MOST_NUMBERS:,} numbers, "
            f"because a training holds them in memory; got {n:,} frames with {rdf.n_bins:,} bins: "
            "take fewer bins (--n-bins) or fewer configurations (--configurations)"
        )
    return np.concatenate([rdf(x).reshape(-1, rdf.n_bins) for x in positions])


def _common_rdf(frames: Sequence[_Frames], sigma: float) -> RDF:
    fitted = [fit_rdf(part.thermal, part.inherent, sigma) for part in frames]
    return fitted[0] if len(fitted) == 1 else _spanning(fitted)


def fit_rdf(thermal: Floats, inherent: Floats, sigma: float) -> RDF:
    """Grid that holds all distances of a run, at 0.05 Å per bin."""
    return _spanning([RDF.for_positions(x, sigma=sigma) for x in (thermal, inherent)])


def _spanning(fitted: Sequence[RDF]) -> RDF:
    """Grid that holds all of several, at 0.05 Å per bin."""
    r_min = min(rdf.r_min for rdf in fitted)
    r_max = max(rdf.r_max for rdf in fitted)
    return RDF(r_min, r_max, round((r_max - r_min) / 0.05), fitted[0].sigma)
