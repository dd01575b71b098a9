"""``nanochart bias``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.execution import (
    ExecutorKind,
    ExecutorOption,
    Resume,
    RunFolder,
    Scheduler,
    SchedulerFile,
    make_executor,
)
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import JsonFlag, QuietFlag, Seed, Threads, emit, say


@app.command()
def bias(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            help="YAML file that names the charted run, the variables and the method.",
        ),
    ],
    output: RunFolder = None,
    resume: Resume = False,
    executor: ExecutorOption = ExecutorKind.THREADS,
    threads: Threads = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Simulate under a bias along the chart: steered, umbrella, metadynamics or OPES dynamics.

    The command says at its start about how long it will take. A stopped run goes on with --resume
    and gives the frames of one that was never stopped.
    """
    from nanochart.config import load_bias_config
    from nanochart.workflow import bias_run

    settings = load_bias_config(config)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    path = output or config.with_suffix(".zarr")
    with (
        make_executor(executor, threads, scheduler, scheduler_file) as pool,
        INTERRUPTS.in_rounds() as stop,
        show_progress(quiet) as progress,
    ):
        run = bias_run(
            settings,
            path,
            resume=resume,
            executor=pool,
            progress=progress,
            stop=stop,
        )
    reached = run.info("frames").get("stopped")
    received = INTERRUPTS.received
    if not run.complete and not (reached and not received):
        again = f"nanochart bias {config}" + (f" --output {output}" if output else "")
        say(
            f"nanochart: stopped with {run.committed()} of {run.n_frames} frames committed and "
            f"everything since then in the checkpoint; go on with `{again} --resume`",
            err=True,
        )
        sys.exit(128 + (received[0] if received else 0))
    facts, advice = run.metadata.provenance, run.info("frames").get("advice")
    result = {
        "run": str(path),
        "method": facts["method"],
        "variables": facts["variables"],
        "frames": run.committed(),
        "walkers": run.metadata.n_replicas,
        "advice": [advice] if advice else [],
    }
    emit(
        result,
        json,
        [
            (
                f"{path}: {result['frames']} frames of {result['walkers']} walkers by "
                f"{result['method'] or 'plain dynamics'} along {', '.join(result['variables'])}"
            ),
            *([reached] if reached else []),
            *result["advice"],
            f"next: nanochart fes {path}",
        ],
    )
