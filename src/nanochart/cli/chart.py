"""``nanochart chart``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    RunPaths,
    Threads,
    emit,
)


@app.command()
def chart(
    runs: RunPaths,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            help="Trained model; by default the one that the runs were last trained with.",
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Draw the runs on the chart: a panel each (PNG, PDF, SVG)."),
    ] = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Place every frame of a run, or of several, in the chart of a trained model."""
    from nanochart import store

    opened = [store.open(run, mode="a") for run in runs]
    from nanochart import autoencoder
    from nanochart.workflow import (
        chart_run,
        check_model,
        check_trained,
        draw_shared_chart,
        trained_model,
    )

    path = model or trained_model(*opened)
    listed = " ".join(str(run) for run in runs)
    if not path.exists():
        raise ValueError(
            f"there is no model {path}: run `nanochart train {listed}` first, or name one with "
            "--model"
        )
    loaded = autoencoder.load(path)
    for run in opened:
        check_model(run, loaded)  # before any of them is changed
        if model is None:
            check_trained(run, loaded)
    charted, lines = [], []
    for run in opened:
        with show_progress(quiet) as progress:
            chart_run(run, loaded, progress=progress)
        sizes = run.frames().chart("thermal").coordinates.shape
        charted.append(
            {"run": str(run.path), "frames": sizes[0] * sizes[1], "dimensions": sizes[2]}
        )
        lines.append(f"{run.path}: {sizes[0] * sizes[1]} configurations in {sizes[2]} dimensions")
    result = {**charted[0], "model": str(path)}
    if len(charted) > 1:
        result = {"model": str(path), "runs": charted}
    if figure is not None:
        result["figure"] = str(draw_shared_chart(opened, figure))
        lines.append(str(figure))
    emit(result, json, [*lines, f"next: nanochart report {runs[0]}"])
