"""``nanochart train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nanochart.autoencoder import ARCHITECTURES
from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import (
    ConfigFile,
    JsonFlag,
    QuietFlag,
    RunPaths,
    Seed,
    Threads,
    emit,
    given,
    stages_of,
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
    config: ConfigFile = None,
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
    patience: Annotated[
        int | None,
        typer.Option(help="Epochs without a lower validation loss before the training stops."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Frames of each step of the optimizer.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="Course of the learning rate: cosine or halving.")
    ] = None,
    halving_epochs: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="Epochs after which it is halved, as 70,90."),
    ] = None,
    averaging: Annotated[
        float | None, typer.Option(help="Decay per step of the moving average of the weights.")
    ] = None,
    scaling: Annotated[
        str | None, typer.Option(help="How the bins are scaled: deviation or range.")
    ] = None,
    isometry: Annotated[
        float | None, typer.Option(help="Weight of the strain of the chart in the loss.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Time after which no epoch starts, in s.")
    ] = None,
    configurations: Annotated[
        int | None,
        typer.Option(help="Configurations that are read, at most: of longer runs not every frame."),
    ] = None,
    r_min: Annotated[
        float | None, typer.Option(help="Lower limit of the distribution function, in Å.")
    ] = None,
    r_max: Annotated[float | None, typer.Option(help="Its upper limit, in Å.")] = None,
    n_bins: Annotated[int | None, typer.Option(help="Its number of bins.")] = None,
    sigma: Annotated[float | None, typer.Option(help="Its bandwidth, in Å.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a training that was stopped.")
    ] = False,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Learn the chart: an autoencoder of the radial distribution functions of a quenched run.

    Options count before the sections training and rdf of --config, those before the run's own.
    Several runs of one number of atoms get one chart, with lengths in nearest-neighbour distances.
    """
    from nanochart import store

    opened = [store.open(run, mode="a") for run in runs]
    from nanochart.config import changes, changes_sentence, rdf_config, training_config
    from nanochart.workflow import run_config, train_runs

    # One training has one configuration: of the file, else of the first run.
    own = run_config(opened[0])
    stages = stages_of(config, "training", "rdf")
    settings = training_config(
        stages.training or (own.training if own else None),
        given(
            architecture=architecture,
            target=target,
            bottleneck=bottleneck,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            halving_epochs=_epochs(halving_epochs),
            averaging=averaging,
            scaling=scaling,
            isometry=isometry,
            max_seconds=max_seconds,
            configurations=configurations,
            seed=seed,
        ),
    )
    rdf = rdf_config(
        stages.rdf or (own.rdf if own else None),
        given(r_min=r_min, r_max=r_max, n_bins=n_bins, sigma=sigma),
    )
    asked = {"training": settings.model_dump(mode="json"), "rdf": rdf.model_dump(mode="json")}
    other = []
    for run in opened[1:]:
        if theirs := run_config(run):
            stored = {name: getattr(theirs, name).model_dump(mode="json") for name in asked}
            if differing := changes(stored, asked):
                other.append(f"not as {run.path} was sampled with: {changes_sentence(differing)}")
    from nanochart.workflow import default_model

    path = output or default_model(*runs)
    with show_progress(quiet) as shown, INTERRUPTS.in_pieces(shown) as progress:
        model = train_runs(
            opened,
            path,
            settings,
            rdf,
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
            *other,
            verdict.sentence,
            f"explained variance of the {settings.target} RDF: "
            + ", ".join(f"{part} {share:.3f}" for part, share in shares.items()),
            *(_shares(opened) if len(opened) > 1 else []),
            *([following] if verdict.usable else []),
        ],
    )


def _epochs(text: str | None) -> list[str] | None:
    """Epochs as they are typed."""
    return None if text is None else text.split(",")


def _shares(runs: list["Run"]) -> list[str]:
    """What the chart of several runs explains of each."""
    return [f"  {run.path}: test {run.info('train')['explained_variance']:.3f}" for run in runs]
