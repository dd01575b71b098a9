"""``nanochart chart``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli._main import app
from nanochart.cli._options import (
    JsonFlag,
    QuietFlag,
    RunPath,
    default_model,
    emit,
    show_progress,
)


@app.command()
def chart(
    run: RunPath,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="Trained model; by default RUN's name, .nanochart."),
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Place every frame of a run in the chart of a trained model."""
    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart import autoencoder
    from nanochart.workflow import chart_run

    path = model or default_model(run)
    if not path.exists():
        raise ValueError(
            f"there is no model {path}: run `nanochart train {run}` first, or name one with --model"
        )
    with show_progress(quiet) as progress:
        chart_run(opened, autoencoder.load(path), progress=progress)
    coordinates = opened.to_xarray()["chart"]
    result = {
        "run": str(run),
        "model": str(path),
        "frames": int(coordinates.shape[0] * coordinates.shape[1]),
        "dimensions": int(coordinates.shape[2]),
    }
    emit(
        result,
        json,
        [
            f"{run}: {result['frames']} configurations in {result['dimensions']} dimensions",
            f"next: nanochart report {run}",
        ],
    )
