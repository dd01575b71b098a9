"""``nanochart sample``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    Seed,
    Threads,
    TimePerReplica,
    emit,
    say,
)

if TYPE_CHECKING:
    pass


@app.command()
def sample(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            help="YAML file that says what to sample; `nanochart presets --write` makes one.",
        ),
    ],
    output: RunFolder = None,
    resume: Resume = False,
    tune_ladder: Annotated[
        bool,
        typer.Option(
            "--tune-ladder",
            help="Sample short runs only, and write CONFIG with temperatures of equal acceptance.",
        ),
    ] = False,
    target_acceptance: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Acceptance of exchanges that --tune-ladder aims at; by default 0.3.",
        ),
    ] = None,
    pilot: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Length of the short runs of --tune-ladder; by default 1ns."
        ),
    ] = None,
    executor: ExecutorOption = ExecutorKind.THREADS,
    threads: Threads = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    time_per_replica: TimePerReplica = None,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Sample a cluster by parallel tempering.

    The command says at its start about how long it will take. A stopped run goes on with --resume
    and gives the frames of one that was never stopped; they do not depend on the executor either.
    """
    if tune_ladder:
        if resume or time_per_replica is not None:
            raise ValueError(
                "--tune-ladder writes a configuration for a new run: leave --resume and "
                "--time-per-replica away"
            )
        from nanochart.cli.tune import tune_command
        from nanochart.config import nanoseconds

        target = 0.3 if target_acceptance is None else target_acceptance
        length = 1e3 * nanoseconds(pilot or "1ns")
        with make_executor(executor, threads, scheduler, scheduler_file) as pool:
            tune_command(config, output, target, length, seed, json, quiet, pool)
        return
    if target_acceptance is not None or pilot is not None:
        raise ValueError("--target-acceptance and --pilot are for --tune-ladder: give that, too")
    import numpy as np

    from nanochart.config import load_config, nanoseconds
    from nanochart.workflow import (
        changed_stages,
        ladder_words,
        lengthened,
        sample as run_sampling,
        start_words,
    )

    settings = load_config(config, must_exist=not resume)
    if seed is not None:
        settings = settings.replaced(seed=seed)
    path = output or config.with_suffix(".zarr")
    if time_per_replica is not None:
        length = nanoseconds(time_per_replica)
        settings = lengthened(settings, path, length) if resume else settings.scaled(length)
    changed = changed_stages(settings, path) if resume else {}
    with (
        make_executor(executor, threads, scheduler, scheduler_file) as pool,
        INTERRUPTS.in_rounds("frame") as stop,
        show_progress(quiet) as progress,
    ):
        run = run_sampling(
            settings,
            path,
            resume=resume,
            executor=pool,
            progress=progress,
            stop=stop,
        )
    if not run.complete:
        again = f"nanochart sample {config}"
        again += f" --output {output}" if output else ""
        again += f" --seed {seed}" if seed is not None else ""
        again += f" --time-per-replica {time_per_replica}" if time_per_replica else ""
        say(
            f"nanochart: stopped with {run.committed()} of {run.n_frames} frames committed and "
            f"everything since then in the checkpoint; go on with `{again} --resume`",
            err=True,
        )
        sys.exit(128 + INTERRUPTS.received[0])
    verdict, starts = ladder_words(run), start_words(run)
    outcome = run.frames().thermal.exchanges
    tried = np.empty(0) if outcome is None else outcome[outcome >= 0]
    result = {
        "run": str(path),
        "frames": run.committed(),
        "replicas": run.metadata.n_replicas,
        "acceptance": float(tried.mean()) if len(tried) else None,
        **({"starts": starts} if starts else {}),
        **({"verdict": verdict} if verdict else {}),
        **({"changed": changed} if changed else {}),
    }
    emit(
        result,
        json,
        [
            f"{path}: {result['frames']} frames of {result['replicas']} replicas"
            + (f", exchange acceptance {tried.mean():.0%}" if len(tried) else ""),
            *starts,
            *([verdict] if verdict else []),
            *changed.values(),
            f"next: nanochart quench {path}",
        ],
    )
