"""``nanochart train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nanochart.autoencoder import ARCHITECTURES
from nanochart.cli.app import app
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    RunPaths,
    Seed,
    default_model,
    emit,
    show_progress,
)

if TYPE_CHECKING:
    from nanochart.store import Run


@app.command()
def train(
    runs: RunPaths,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Model file to write; by default the names of the runs with .nanochart.",
        ),
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(help=f"Network: {' or '.join(ARCHITECTURES)}.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="What is reproduced: inherent (from the thermal frame) or self."),
    ] = None,
    bottleneck: Annotated[
        int | None, typer.Option(help="Number of dimensions of the chart.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training frames, at most.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a training that was stopped.")
    ] = False,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Learn the chart: an autoencoder of the radial distribution functions of a quenched run.

    Settings that are not given are those of the run's configuration. Several runs of one number of
    atoms get one chart, with lengths in nearest-neighbour distances.
    """
    from nanochart import store

    opened = [store.open(run, mode="a") for run in runs]
    from nanochart.config import RDFConfig, training_config
    from nanochart.workflow import run_config, train_runs

    # One training has one configuration: that of the first run.
    config = run_config(opened[0])
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
    path = output or default_model(*runs)
    with show_progress(quiet) as progress:
        model = train_runs(
            opened,
            path,
            settings,
            config.rdf if config else RDFConfig(),
            resume=resume,
            progress=progress,
        )
    shares, verdict = model.history.explained_variance, model.history.verdict
    result = {
        "model": str(path),
        "verdict": {
            "level": verdict.level,
            "usable": verdict.usable,
            "basis": verdict.basis,
            "explained_variance": verdict.value,
            "sentence": verdict.sentence,
        },
        "explained_variance": shares,
        "epochs": len(model.history.curves),
        "best_epoch": model.history.best_epoch,
        "parameters": model.n_parameters,
    }
    following = f"next: nanochart chart {' '.join(str(run) for run in runs)}"
    following += f" --model {output}" if output else ""
    emit(
        result,
        json,
        [
            (
                f"{path}: {settings.architecture}, {model.n_parameters} parameters, "
                f"best of {result['epochs']} epochs: {result['best_epoch']}"
            ),
            verdict.sentence,
            f"explained variance of the {settings.target} RDF: "
            + ", ".join(f"{part} {share:.3f}" for part, share in shares.items()),
            *(_shares(opened) if len(opened) > 1 else []),
            *([following] if verdict.usable else []),
        ],
    )


def _shares(runs: list["Run"]) -> list[str]:
    """What the chart of several runs explains of each."""
    return [f"  {run.path}: test {run.info('train')['explained_variance']:.3f}" for run in runs]
