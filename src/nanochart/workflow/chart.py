"""Coordinates of every frame of a run in its chart."""

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model
from nanochart.errors import ModelError
from nanochart.progress import Progress, silent
from nanochart.store import Run
from nanochart.workflow.quench import spread

__all__ = ["chart_run", "check_charted", "check_model", "check_trained"]

Floats = NDArray[np.float64]


def check_model(run: Run, model: Model) -> None:
    """Refuse a model of another cluster.

    Raises
    ------
    ModelError
        If metal or size differ.
    """
    facts = run.metadata
    if facts.element not in model.elements or facts.n_atoms != model.n_atoms:
        raise ModelError(
            f"the model charts {model.clusters} and {run.path} holds "
            f"{facts.element}{facts.n_atoms}: train a model on this run"
        )


def check_charted(run: Run, model: Model) -> None:
    """Refuse a model other than the one that charted a run; a run without a chart takes any.

    Raises
    ------
    ModelError
        If it is another.
    """
    charted = run.info("chart").get("model")
    if run.committed("chart") and charted != model.fingerprint:
        raise ModelError(
            f"the model must be the one that charted {run.path}, {charted}; got "
            f"{model.fingerprint}: run `nanochart chart {run.path}` with this model first, or name "
            "the other"
        )


def check_trained(run: Run, model: Model) -> None:
    """Refuse a model other than the one that was last trained on a run, if any was.

    A training that is killed while it saves leaves the model before it beside a run that knows of
    the new one.

    Raises
    ------
    ModelError
        If it is another.
    """
    trained = run.info("train").get("fingerprint", model.fingerprint)
    if trained != model.fingerprint:
        raise ModelError(
            f"the model that was last trained on {run.path} is {trained}, and this is "
            f"{model.fingerprint}, because a training was stopped while it saved or the file was "
            f"replaced: finish it by `nanochart train {run.path} --resume`, or name the model"
        )


def chart_run(run: Run, model: Model, *, onward: bool = False, progress: Progress = silent) -> None:
    """Write the chart coordinates of thermal frames and, where quenched, of inherent structures.

    A chart that was there, and the families of it, are replaced once all frames have their places.

    Parameters
    ----------
    run
        Open for writing.
    model
        Trained on the same size, and on the same metal among others.
    onward
        Whether frames that this model has charted already keep their places, and only new ones are
        charted.
    progress
        Function that is called after every block with how far the work is.

    Raises
    ------
    ModelError
        If model and run do not fit.
    StoreError
        If the run has no frames.
    """
    check_model(run, model)
    with run.lock():
        whole = run.frames().require()
        if onward and run.info("chart").get("model") == model.fingerprint:
            if run.committed("families"):
                run.clear("families")
            for block in list(run.pending("chart")):
                places = _places(run, model, block, quenched=whole.has("quench"))
                run.write("chart", block.start, places)
                progress("chart", block.stop, len(whole))
            return
        found: list[dict[str, Floats]] = []
        for start in range(0, len(whole), run.chunk_frames):
            block = slice(start, min(start + run.chunk_frames, len(whole)))
            found.append(_places(run, model, block, quenched=whole.has("quench")))
            progress("chart", block.stop, len(whole))
        facts = {
            "target": model.target,
            "bottleneck": model.bottleneck,
            "elements": list(model.elements),
            "model": model.fingerprint,
        }
        coordinates = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        run.replace("chart", coordinates, facts)


def _places(run: Run, model: Model, block: slice, *, quenched: bool) -> dict[str, Floats]:
    """Coordinates of the frames of a block, and of their minima; NaN where there is none."""
    part, metal = run.frames(block.start, block.stop), run.metadata.element
    places = {"chart": np.asarray(model.encode(part.thermal.positions, metal))}
    if quenched:
        minima = part.inherent.positions
        there = np.isfinite(minima[:, 0, 0, 0])  # of a run of which one frame in so many is
        places["inherent_chart"] = spread(np.asarray(model.encode(minima[there], metal)), there)
    return places
