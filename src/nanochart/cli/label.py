"""``nanochart label``."""

from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import JsonFlag, QuietFlag, RunPath, Threads, emit


@app.command()
def label(
    run: RunPath,
    again: Annotated[bool, typer.Option("--again", help="Label all frames anew.")] = False,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Name the motif of every inherent structure, and count its defects.

    Structures that are labelled already are kept, so a stopped command goes on where it was.
    """
    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import label_run, motif_counts

    with show_progress(quiet) as shown, INTERRUPTS.in_pieces(shown) as progress:
        label_run(opened, again=again, progress=progress)
    counts = motif_counts(opened)
    total = max(sum(counts.values()), 1)
    lines = [f"{run}: {sum(counts.values())} structures"]
    lines += [f"{name:>10}  {n:>8}  {100 * n / total:5.1f} %" for name, n in counts.items() if n]
    lines.append(f"next: nanochart {'fes' if opened.metadata.kind == 'biased' else 'train'} {run}")
    emit({"run": str(run), "structures": sum(counts.values()), "motifs": counts}, json, lines)
