"""``nanochart demo``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import (
    JsonFlag,
    QuietFlag,
    Seed,
    Threads,
    TimePerReplica,
    emit,
)


@app.command()
def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder for the run, the model, the report and the explorer."
        ),
    ] = Path("nanochart-demo"),
    time_per_replica: TimePerReplica = None,
    seed: Seed = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Sample, quench, chart and bias Au147, from nothing to report and explorer.

    The demo takes at most ten minutes on two cores, and its long stages say at their start how much
    of that is theirs. Given the same folder again, it goes on where it was stopped.
    """
    import dataclasses

    from nanochart.autoencoder import judge
    from nanochart.config import nanoseconds
    from nanochart.workflow import DEMO, run_demo

    changes: dict[str, object] = {}
    if seed is not None:
        changes["seed"] = seed
    if time_per_replica is not None:
        changes["tempering"] = {"time_per_replica": nanoseconds(time_per_replica)}
    with show_progress(quiet) as shown, INTERRUPTS.in_pieces(shown) as progress:
        result = run_demo(output, DEMO.replaced(**changes), progress=progress)
    variance = result.explained_variance
    rows = [
        ("frames", f"{result.frames}"),
        ("motifs", ", ".join(f"{n} {name}" for name, n in result.motifs.items() if n)),
        ("families", f"{len(result.families)}"),
        ("lowest inherent energy", f"{result.lowest_energy:.4f} eV"),
    ]
    for motif, energy in result.reference_energies.items():
        rows.append((f"  against the {motif}", f"{result.lowest_energy - energy:+.4f} eV"))
    rows += [
        ("explained variance", ", ".join(f"{part} {v:.3f}" for part, v in variance.items())),
        ("wall time", f"{result.seconds:.0f} s"),
        ("report", str(result.report)),
        *([("explorer", str(result.explorer))] if result.explorer else []),
    ]
    values = dataclasses.asdict(result) | {
        "report": str(result.report),
        "explorer": None if result.explorer is None else str(result.explorer),
    }
    lines = [f"{name:<26}{value}" for name, value in rows]
    emit(values, json, [*lines, judge(variance).sentence])
