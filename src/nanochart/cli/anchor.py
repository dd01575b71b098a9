"""``nanochart anchor``."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    RunPath,
    Seed,
    Threads,
    calculator_of_file,
    emit,
    say,
)
from nanochart.files import replacing_set

if TYPE_CHECKING:
    from nanochart.statistics import Estimate
    from nanochart.workflow import Anchored


@app.command()
def anchor(
    run: RunPath,
    motif: Annotated[
        list[str] | None,
        typer.Option(help="A motif, as dh; may be repeated. By default all but amorphous ones."),
    ] = None,
    hottest: Annotated[
        float | None,
        typer.Option(
            "--to",
            metavar="KELVIN",
            help="Hottest rung; by default up to where minima of RUN last.",
        ),
    ] = None,
    coldest: Annotated[
        float,
        typer.Option("--from", metavar="KELVIN", help="Coldest rung, where minima are harmonic."),
    ] = 20.0,
    at: Annotated[
        list[float] | None,
        typer.Option(metavar="KELVIN", help="Temperature that is to be a rung; may be repeated."),
    ] = None,
    time_per_replica: Annotated[
        str,
        typer.Option(metavar="TIME", help="Stored time of each replica, with its unit, as 20ns."),
    ] = "10ns",
    minima: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN", help="A further run whose minima count, as of a search; may be repeated."
        ),
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(help="Your configuration (.yaml) that names the calculator of RUN."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of ladders, numbers and figures; by default RUN-anchor."
        ),
    ] = None,
    threads: Threads = None,
    seed: Seed = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Compute free energies of motifs that are anchored in harmonic minima near 0 K.

    Each motif gets a ladder of its own that keeps to it. They are runs in the folder; given again,
    the command goes on with them, and a longer --time-per-replica makes them longer.
    """
    from nanochart.workflow import analysed_run

    opened = analysed_run(run)
    from nanochart import store
    from nanochart.config import nanoseconds
    from nanochart.report import Section, anchored_cards, save_figures
    from nanochart.workflow import (
        AnchorConfig,
        anchor_ladder,
        anchor_run,
        anchor_summary,
        thread_executor,
        write_anchor,
    )

    folder = output or run.with_name(f"{run.stem}-anchor")
    config = AnchorConfig(
        anchor_ladder(opened, coldest, hottest, at or ()),
        nanoseconds(time_per_replica),
        seed=(opened.metadata.seed or 0) if seed is None else seed,
    )
    more = [store.open(path) for path in minima or ()]
    with (
        thread_executor(threads) as pool,
        INTERRUPTS.in_rounds("frame") as stop,
        show_progress(quiet) as progress,
    ):
        found = anchor_run(
            opened, folder, config, motifs=motif or None, more=more,
            potential=calculator_of_file(potential, opened.metadata.element), executor=pool,
            progress=progress, stop=stop,
        )  # fmt: skip
    if found is None:
        again = shlex.join(["nanochart", *sys.argv[1:]])
        say(f"nanochart: stopped with everything in the checkpoint; go on with `{again}`", err=True)
        sys.exit(128 + INTERRUPTS.received[0])
    cards = anchored_cards(found.numbers)
    with replacing_set(folder, "anchor") as target:
        written = [
            *write_anchor(found, target),
            *save_figures((Section("Anchored free energies", "", tuple(cards)),), target),
        ]
    result = {
        "run": str(run),
        "files": [str(folder / f.name) for f in written],
        **anchor_summary(found),
    }
    emit(result, json, [*_lines(found), f"in {folder}"])


def _lines(found: "Anchored") -> list[str]:
    """A table of free energies in kT, and what is not known."""
    from nanochart.units import BOLTZMANN

    first, *others = found.ladders
    joined = found.joined
    lines = []
    if others:
        lines.append(
            f"free energy less that of {first}, in kT, with 95 % intervals, by the anchored "
            "ladders and the ladder of the run together"
        )
        lines.append(f"{'K':>6}" + "".join(f"{name:>26}" for name in others))
        for k, T in enumerate((*found.temperatures, *found.hotter)):
            each = [joined[name][k] for name in others]
            if k < len(found.temperatures) or any(one.known for one in each):
                cells = [_cell(one, BOLTZMANN * T) for one in each]
                lines.append(f"{T:6.0f}" + "".join(f"{cell:>26}" for cell in cells))
    lines += [f"{name}: {each.verdict}" for name, each in found.ladders.items()]
    return lines + [f"warning: {each}" for each in found.warnings]


def _cell(found: "Estimate", kT: float) -> str:
    if not found.known:
        return "unknown"
    low, high = float(found.low) / kT, float(found.high) / kT
    return f"{float(found.value) / kT:.2f} ({low:.2f} to {high:.2f})"
