"""Biased dynamics to find what a chart does not know, and a new chart that knows it."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree

from nanochart.autoencoder import LatentFrame, Model, TrainingConfig, fold_frame, load
from nanochart.biasing import known_distance, known_reach
from nanochart.config import BiasConfig, RDFConfig
from nanochart.errors import StoreError
from nanochart.landscape import distinct_minima
from nanochart.progress import Progress, silent
from nanochart.store import Run, open as open_run
from nanochart.workflow.bias.run import bias_run
from nanochart.workflow.chart import chart_run
from nanochart.workflow.families import families_run, inherent_shapes
from nanochart.workflow.label import label_run
from nanochart.workflow.quench import quench_run
from nanochart.workflow.train import train_runs

__all__ = ["Refinement", "align_model", "new_minima", "refine_run"]

Floats = NDArray[np.float64]

#: Shift of the frames, whose coordinates have unit variance, below which places are the same.
_KEPT = 0.1
#: Frames that two charts are laid on each other by, at most.
_MOST = 20_000


@dataclass(frozen=True)
class Refinement:
    """What one round of refinement found, and how far it moved the chart.

    Attributes
    ----------
    run, model
        The biased run, and the model after the round.
    frames
        Frames of the biased run.
    new_minima
        Distinct inherent structures among them that no run before held.
    lowest_new
        Lowest energy in eV among these, above the lowest minimum before; NaN without any.
    unknown
        Share of the frames that lay where the chart before held no frame.
    error_before, error_after
        Root mean square error of the reconstruction of the inherent RDFs of the new minima, in
        1/Å, by the model before and after; NaN without any.
    shift
        Root mean square distance, in units of the chart, by which the frames of the first run moved
        from the chart before to the one after.
    """

    run: str
    model: str
    frames: int
    new_minima: int
    lowest_new: float
    unknown: float
    error_before: float
    error_after: float
    shift: float

    @property
    def moved(self) -> str:
        """Sentence on whether places of the chart before still mean what they did."""
        told = f"frames lie {self.shift:.2f} from where they were, in coordinates that vary by 1: "
        if self.shift < _KEPT:
            return told + "places keep their meaning"
        return told + "places, walls and centres of runs before do not mean the same on it"


def refine_run(
    run: Run,
    config: BiasConfig,
    *,
    rounds: int = 1,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> list[Refinement]:
    """Bias, quench, label, train on all runs together, chart again; as often as asked.

    Each round makes a biased run beside the first, RUN-refine-1.zarr and so on, and a model
    RUN-refined-1.nanochart of all runs so far. The latent frame of a new model is turned so that
    the frames of the first run stay where they were as well as a rotation can keep them; what it
    cannot keep is the ``shift`` of the round, and places, walls and centres of runs before mean
    something else by so much. The first run is charted and grouped anew.

    Parameters
    ----------
    run
        Open for writing; charted by a model with the target ``inherent``.
    config
        How to bias; its ``run`` is this one.
    rounds
        Biased runs to make. Rounds that were made before are counted on from; one that was cut off
        is finished first.
    executor
        Where walkers run.
    progress
        Function that is called after every piece of work with how far it is.

    Raises
    ------
    StoreError
        If the run is read-only or has not been trained on.
    """
    run.require_writable()
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1; got {rounds}")
    trained = run.info("train")
    if not trained:
        raise StoreError(
            f"{run.path} has no model to refine: run `nanochart train {run.path} --target "
            "inherent` and `nanochart chart` first"
        )
    known = TrainingConfig.model_fields
    training = TrainingConfig.model_validate({k: v for k, v in trained.items() if k in known})
    added = _finished(run)
    path = Path(config.model) if config.model else run.path.with_name(str(trained["model"]))
    found = []
    for _ in range(rounds):
        this = _Round(run, len(added) + 1)
        asked = config.model_copy(
            update={"run": str(run.path), "model": str(path), "seed": config.seed + this.number}
        )
        new = _biased(asked, this.biased, executor, progress)
        quench_run(new, executor=executor, progress=progress)
        label_run(new, executor=executor, progress=progress)
        model = load(str(new.metadata.config["model"]))  # that the round began with
        fresh, lowest = _new_minima(new, [run, *added])
        unknown = _unknown(new, run, model)
        path = this.model
        if not this.is_last_trained:
            train_runs(
                [run, *added, new],
                path,
                training,
                _rdf_config(model),
                resume=True,
                finish=partial(align_model, reference=model, run=run),
                progress=progress,
            )
        after = load(path)
        added.append(new)
        for each in (run, *added):
            chart_run(each, after, progress=progress)
        families_run(run, model=after, measures=False, progress=progress)
        found.append(
            Refinement(
                this.biased.name,
                path.name,
                new.committed() * new.metadata.n_replicas,
                len(fresh),
                lowest,
                unknown,
                _error(model, fresh),
                _error(after, fresh),
                _shift(after, model, _some_positions(run)),
            )
        )
    return found


@dataclass(frozen=True)
class _Round:
    """A round of refinement: its files, and how far it came.

    It is no sequence of rounds of one run, as the recorder serves, but a chain of stages over
    several runs, each of which commits its own work and goes on from there: the biased run by its
    checkpoints, quench and labels by blocks, the training by epochs, chart and families as a whole.
    Nothing else is kept, so that nothing can contradict what the stages say: a round that was cut
    off is run again from its first stage, and those that are done do nothing.
    """

    run: Run
    number: int

    @property
    def biased(self) -> Path:
        """The biased run, which begins the round."""
        return self.run.path.with_name(f"{self.run.path.stem}-refine-{self.number}.zarr")

    @property
    def model(self) -> Path:
        """The model, which is there once all runs know of it."""
        return self.run.path.with_name(f"{self.run.path.stem}-refined-{self.number}.nanochart")

    @property
    def is_last_trained(self) -> bool:
        """Whether the run was last trained in this round."""
        recorded = self.run.info("train").get("fingerprint")
        return self.model.exists() and load(self.model).fingerprint == recorded

    def is_over(self, others: Sequence[Run]) -> bool:
        """Whether chart and families are those of its model, in the run and the biased ones."""
        if not self.is_last_trained:  # somebody has gone on since
            return True
        fingerprint = self.run.info("train")["fingerprint"]
        charted = all(
            each.committed("chart") == each.committed()
            and each.info("chart").get("model") == fingerprint
            for each in (self.run, *others)
        )
        return charted and self.run.committed("families") >= self.run.committed()


def _finished(run: Run) -> list[Run]:
    """Biased runs of the rounds before, in order; without that of a round that was cut off."""
    runs: list[Run] = []
    while (each := _Round(run, len(runs) + 1)).biased.exists() and each.model.exists():
        runs.append(open_run(each.biased, mode="a"))
    if runs and not _Round(run, len(runs)).is_over(runs):
        runs.pop()
    return runs


def _biased(config: BiasConfig, path: Path, executor: Executor | None, progress: Progress) -> Run:
    """Make the biased run of a round, or finish it, unless it has ended."""
    if path.exists():
        run = open_run(path, mode="a")
        # Once the round has trained its model, the run has no chart to bias along any more.
        if run.complete or run.info("frames").get("stopped"):
            return run
    return bias_run(config, path, resume=path.exists(), executor=executor, progress=progress)


def _rdf_config(model: Model) -> RDFConfig:
    r = model.rdf
    return RDFConfig(r_min=r.r_min, r_max=r.r_max, n_bins=r.n_bins, sigma=r.sigma)


def _new_minima(new: Run, before: list[Run]) -> tuple[Floats, float]:
    """Positions (minimum, atom, 3) of minima that no run before has, and the lowest of them."""
    known = np.concatenate([r.frames().inherent.energies.ravel() for r in before])
    shapes = np.concatenate([inherent_shapes(r).reshape(-1, 3) for r in before])
    minima = new.frames().inherent
    E = minima.energies.ravel()
    good = np.flatnonzero(minima.converged.ravel() & np.isfinite(E))
    there = np.isfinite(known)
    fresh = new_minima(
        (known[there], shapes[there]), (E[good], inherent_shapes(new).reshape(-1, 3)[good])
    )
    chosen = good[fresh]
    lowest = float(E[chosen].min() - known[there].min()) if len(chosen) else float("nan")
    return minima.structures(chosen), lowest


def new_minima(known: tuple[Floats, Floats], found: tuple[Floats, Floats]) -> NDArray[np.int64]:
    """The first frame of each minimum among those found that is none of the known ones.

    Parameters
    ----------
    known, found
        Energies in eV (frame,) and principal radii of gyration in Å (frame, 3) of inherent
        structures, by which `distinct_minima` tells them apart.
    """
    energies, shapes = (np.concatenate(pair) for pair in zip(known, found, strict=True))
    index = distinct_minima(shapes, energies, shapes).index
    n = len(known[0])
    names, first = np.unique(index[n:], return_index=True)
    return np.sort(first[~np.isin(names, index[:n])])


def _unknown(new: Run, run: Run, model: Model) -> float:
    """Share of the frames of a run that are far from those of another in the chart."""
    chart = model.encode(_some_positions(run, 60_000), run.metadata.element)
    x = new.frames().thermal.positions
    s = model.encode(x, run.metadata.element).reshape(-1, model.bottleneck)
    return float((known_distance(cKDTree(chart), s) > known_reach(chart)).mean())


def _some_positions(run: Run, most: int = _MOST) -> Floats:
    """Positions (configuration, atom, 3) of frames spread over a run."""
    n = run.committed() * run.metadata.n_replicas
    return run.frames().thermal.structures(np.arange(0, n, max(1, n // most)))


def _error(model: Model, positions: Floats) -> float:
    if len(positions) == 0:
        return float("nan")
    g = model.rdf(model.scale() * positions)
    return float(np.sqrt(((model.decode(model.encode_rdf(g)) - g) ** 2).mean()))


def align_model(model: Model, reference: Model, run: Run) -> Model:
    """Turn the latent frame of a model so that a run's frames lie where another model has them.

    The rotation or reflection of least squares (orthogonal Procrustes) is folded into the layers
    beside the bottleneck: nothing but the coordinates changes.

    Returns
    -------
    Model
        The same object, changed.
    """
    some = _some_positions(run)
    before = reference.encode(some, run.metadata.element)
    after = model.encode(some, run.metadata.element)
    rotation, _ = orthogonal_procrustes(after, before)
    d = model.bottleneck
    fold_frame(model.network, LatentFrame(np.zeros(d), rotation.T, np.zeros(d)))
    return model


def _shift(after: Model, before: Model, positions: Floats) -> float:
    """Root mean square distance between the places of configurations in two charts."""
    element = after.element
    moved = after.encode(positions, element) - before.encode(positions, element)
    return float(np.sqrt((moved**2).sum(axis=-1).mean()))
