"""``nanochart explore``."""

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
    Seed,
    Threads,
    emit,
)


@app.command()
def explore(
    run: RunPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write; by default RUN-explore.html."),
    ] = None,
    model: ModelFile = None,
    max_structures: Annotated[
        int,
        typer.Option(
            min=20,
            max=10_000_000,
            help="Structures shown at most; of a longer run a choice is shown.",
        ),
    ] = 20_000,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write the chart and the structures of a run, linked, as one HTML page."""
    from nanochart import store

    opened = store.open(run)
    from nanochart import autoencoder
    from nanochart.workflow import explore_run, explorer_path, trained_model

    path = model or trained_model(opened)
    trained = autoencoder.load(path) if model is not None or path.exists() else None
    target = output or explorer_path(run)
    with show_progress(quiet) as progress:
        page = explore_run(
            opened,
            target,
            trained,
            max_structures=max_structures,
            seed=seed or 0,
            progress=progress,
        )
    size = page.path.stat().st_size / 1e6
    result = {
        "page": str(page.path),
        "shown": page.shown,
        "structures": page.total,
        "colorings": list(page.colorings),
        "megabytes": round(size, 1),
    }
    number = f"{page.shown:,}" if page.shown == page.total else f"{page.shown:,} of {page.total:,}"
    emit(
        result,
        json,
        [f"{page.path}: {number} structures, {size:.0f} MB", "open it in a browser"],
    )
