"""``nanochart train``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli._main import app
from nanochart.cli._options import (
    JsonFlag,
    QuietFlag,
    RunPath,
    Seed,
    default_model,
    emit,
    show_progress,
)


@app.command()
def train(
    run: RunPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Model file; by default RUN's name, .nanochart."),
    ] = None,
    architecture: Annotated[str | None, typer.Option(help="compact or paper.")] = None,
    target: Annotated[str | None, typer.Option(help="inherent or self.")] = None,
    bottleneck: Annotated[int | None, typer.Option(help="Dimensions of the chart.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training frames.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a training that was stopped.")
    ] = False,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Learn the chart: an autoencoder of the radial distribution functions of a quenched run."""
    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import RDFConfig, run_config, train_run, training_config

    config = run_config(opened)
    changes = {
        "architecture": architecture,
        "target": target,
        "bottleneck": bottleneck,
        "epochs": epochs,
        "seed": seed,
    }
    settings = training_config(
        config.training if config else None, {k: v for k, v in changes.items() if v is not None}
    )
    path = output or default_model(run)
    with show_progress(quiet) as progress:
        model = train_run(
            opened,
            path,
            settings,
            config.rdf if config else RDFConfig(),
            resume=resume,
            progress=progress,
        )
    shares = model.history.explained_variance
    result = {
        "model": str(path),
        "explained_variance": shares,
        "epochs": len(model.history.curves),
        "best_epoch": model.history.best_epoch,
        "parameters": model.n_parameters,
    }
    emit(
        result,
        json,
        [
            (
                f"{path}: {settings.architecture}, {model.n_parameters} parameters, "
                f"best of {result['epochs']} epochs: {result['best_epoch']}"
            ),
            f"explained variance of the {settings.target} RDF: "
            + ", ".join(f"{part} {share:.3f}" for part, share in shares.items()),
            f"next: nanochart chart {run}",
        ],
    )
