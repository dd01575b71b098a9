"""Coordinates of every frame of a run in its chart."""

import numpy as np

from nanochart._progress import Progress, silent
from nanochart.autoencoder import Model
from nanochart.errors import ModelError
from nanochart.store import Run
from nanochart.workflow._quench import spread

__all__ = ["chart_run", "check_charted", "check_model"]


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


def chart_run(run: Run, model: Model, *, onward: bool = False, progress: Progress = silent) -> None:
    """Write the chart coordinates of thermal frames and, where quenched, of inherent structures.

    Parameters
    ----------
    run
        Open for writing.
    model
        Trained on the same size, and on the same metal among others.
    onward
        Keep the places that this model gave already, of a run that has grown since, with the
        inherent structures it had then; otherwise all are computed anew.
    progress
        Told of every block.

    Raises
    ------
    ModelError
        If model and run do not fit.
    """
    check_model(run, model)
    data = run.to_xarray()
    quenched = run.committed("quench") == run.committed() > 0
    with run.lock():
        run.clear("families")
        if not (onward and run.info("chart").get("model") == model.fingerprint):
            run.clear("chart")
        for block in list(run.pending("chart")):
            part = data.isel(frame=block)
            thermal = part["positions"].to_numpy().astype(np.float64)
            coordinates = {"chart": model.encode(thermal, run.metadata.element)}
            if quenched:
                inherent = part["inherent_positions"].to_numpy().astype(np.float64)
                there = np.isfinite(inherent[:, 0, 0, 0])  # of a run of which one frame in so many
                minima = model.encode(inherent[there], run.metadata.element)
                coordinates["inherent_chart"] = spread(minima, there)
            run.write("chart", block.start, coordinates)
            progress("chart", block.stop, run.committed())
        facts = {
            "target": model.target,
            "bottleneck": model.bottleneck,
            "elements": list(model.elements),
            "model": model.fingerprint,
        }
        run.record_info("chart", facts)
