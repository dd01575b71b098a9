"""``nanochart sample``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli._main import app
from nanochart.cli._options import JsonFlag, QuietFlag, Seed, emit, show_progress


@app.command()
def sample(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML configuration.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; by default CONFIG's name, .zarr."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is there.")
    ] = False,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Sample a cluster by parallel tempering.

    A stopped run goes on with --resume and gives the frames of one that was never stopped.
    """
    import numpy as np

    from nanochart.workflow import load_config
    from nanochart.workflow import sample as run_sampling

    settings = load_config(config)
    if seed is not None:
        settings = settings.replaced(seed=seed)
    path = output or config.with_suffix(".zarr")
    with show_progress(quiet) as progress:
        run = run_sampling(settings, path, resume=resume, progress=progress)
    data = run.to_xarray()
    accepted = data["exchange_accepted"].to_numpy() if "exchange_accepted" in data else np.array(-1)
    tried = accepted[accepted >= 0]
    result = {
        "run": str(path),
        "frames": run.committed(),
        "replicas": run.metadata.n_replicas,
        "acceptance": float(tried.mean()) if len(tried) else None,
    }
    emit(
        result,
        json,
        [
            f"{path}: {result['frames']} frames of {result['replicas']} replicas"
            + (f", exchange acceptance {tried.mean():.0%}" if len(tried) else ""),
            f"next: nanochart quench {path}",
        ],
    )
