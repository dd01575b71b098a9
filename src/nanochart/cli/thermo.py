"""``nanochart thermo``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    RunPath,
    Seed,
    Threads,
    emit,
)
from nanochart.files import replacing_set


@app.command()
def thermo(
    run: RunPath,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for numbers and figures; by default RUN-thermo."
        ),
    ] = None,
    discard: Annotated[
        str | None,
        typer.Option(
            help="Simulated time at the start that is left out, with its unit, as 2ns.",
            metavar="TIME",
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="What populations are of: motif (the default) or family.")
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap resamples for the interval of the melting peak.", min=40)
    ] = 400,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Compute heat capacity, melting and populations against temperature, with 95 % intervals."""
    from nanochart.workflow import analysed_run

    opened = analysed_run(run)
    from nanochart.config import nanoseconds
    from nanochart.tempering import ThermodynamicsConfig
    from nanochart.workflow import thermo_run, thermo_summary, write_thermo

    skipped = nanoseconds(discard) if discard is not None else 0.0
    with show_progress(quiet) as progress:
        found = thermo_run(
            opened,
            ThermodynamicsConfig(n_resamples=resamples),
            labels=labels,
            discard=skipped,
            seed=seed,
            progress=progress,
        )
    from nanochart.report import Section, save_figures, thermodynamics_cards

    folder = output or run.with_name(f"{run.stem}-thermo")
    cards = thermodynamics_cards(found, opened.metadata.n_atoms)
    with replacing_set(folder, "thermo") as target:
        written = [
            *write_thermo(found, target),
            *save_figures((Section("Thermodynamics", "", tuple(cards)),), target),
        ]
    summary = thermo_summary(found)
    melting = summary["melting_temperature"]
    result = {"run": str(run), "files": [str(folder / f.name) for f in written], **summary}
    if melting["known"]:
        first = (
            f"{run}: melting at {melting['value']:.1f} K (95 %: {melting['low']:.1f} to "
            f"{melting['high']:.1f} K)"
        )
    else:
        first = f"{run}: melting temperature unknown"
    frames = f"{found.n_frames} frames of each replica"
    emit(result, json, [first, frames, *(f"warning: {w}" for w in found.warnings), f"in {folder}"])
