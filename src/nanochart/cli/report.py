"""``nanochart report``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import (
    JsonFlag,
    ModelFile,
    QuietFlag,
    RunPath,
    Threads,
    emit,
)


@app.command()
def report(
    run: RunPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write; by default RUN.html."),
    ] = None,
    model: ModelFile = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Folder for the figures as PNG and PDF.")
    ] = None,
    biased: Annotated[
        list[Path] | None,
        typer.Option(
            help="Biased run along the chart of RUN, to show its free energies; may be repeated."
        ),
    ] = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write the report of a run as one HTML file: figures and tables of all stages done so far."""
    from nanochart.workflow import analysed_run

    opened = analysed_run(run)
    from nanochart import autoencoder
    from nanochart.workflow import report_run, trained_model

    path = model or trained_model(opened)
    trained = autoencoder.load(path) if model is not None or path.exists() else None
    target = output or run.with_suffix(".html")
    with show_progress(quiet) as progress:
        written = report_run(
            opened,
            target,
            trained,
            biased=[analysed_run(each) for each in biased or []],
            figures=figures,
            progress=progress,
        )
    emit({"report": str(written)}, json, [str(written)])
