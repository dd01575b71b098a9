"""``nanochart refine``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import JsonFlag, QuietFlag, RunPath, Seed, Threads, emit


@app.command()
def refine(
    run: RunPath,
    bias: Annotated[
        Path,
        typer.Option(
            "--bias",
            metavar="CONFIG",
            help="YAML file that says how to bias, as for `nanochart bias`.",
        ),
    ],
    rounds: Annotated[
        int, typer.Option(min=1, help="How many biased runs to make and learn from.")
    ] = 1,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Find by biased dynamics what the chart of a run does not know, and train it anew."""
    from nanochart import store
    from nanochart.config import load_bias_config
    from nanochart.workflow import refine_run

    config = load_bias_config(bias)
    if seed is not None:
        config = config.model_copy(update={"seed": seed})
    opened = store.open(run, mode="a")
    with show_progress(quiet) as shown, INTERRUPTS.in_pieces(shown) as progress:
        found = refine_run(opened, config, rounds=rounds, progress=progress)
    lines = []
    for each in found:
        lines.append(
            f"{each.run}: {each.new_minima} new minima in {each.frames} frames, {each.unknown:.1%} "
            "of which lay outside the chart"
        )
        if each.new_minima:
            lines.append(
                f"  their lowest lies {each.lowest_new:+.3f} eV from the lowest before; error of "
                f"their reconstruction {each.error_before:.2g} before, {each.error_after:.2g} 1/Å "
                "after"
            )
        lines.append(f"  {each.model}: {each.moved}")
    result: list[dict[str, Any]] = [dict(vars(each)) for each in found]
    emit({"rounds": result}, json, [*lines, f"next: nanochart report {run}"])
