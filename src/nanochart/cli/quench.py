"""``nanochart quench``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.interrupts import INTERRUPTS
from nanochart.cli.options import (
    ConfigFile,
    JsonFlag,
    QuietFlag,
    RunPath,
    Threads,
    emit,
    given,
    potential_of_file,
    stages_of,
)


@app.command()
def quench(
    run: RunPath,
    config: ConfigFile = None,
    max_force: Annotated[
        float | None,
        typer.Option(help="Largest force on an atom in a converged structure, in eV/Å."),
    ] = None,
    max_evaluations: Annotated[
        int | None, typer.Option(help="Force evaluations that a frame may take.")
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(
            help="Table (eam/alloy or eam/fs) for a run without a potential, which keeps it; or "
            "your configuration (.yaml) that names the calculator of the run, which is called."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Quench all frames anew.")] = False,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Relax every frame of a run to its inherent structure.

    Frames that are quenched already are kept, so a stopped quench goes on where it was, with the
    settings it was begun with. Options count before the section quench of --config, that before the
    run's own.
    """
    import numpy as np

    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import quench_run, quench_settings, quenched_every

    handed, table = potential_of_file(potential, opened.metadata.element)
    section = stages_of(config, "quench").quench
    typed = given(max_force=max_force, max_evaluations=max_evaluations)
    asked = {**(section.model_dump() if section else {}), **typed}
    settings = quench_settings(opened, asked, again=again)
    with show_progress(quiet) as shown, INTERRUPTS.in_pieces(shown) as progress:
        quench_run(opened, settings, table=table, again=again, potential=handed, progress=progress)
    minima = opened.frames().inherent
    step = quenched_every(opened)
    converged, energy = minima.converged[::step], minima.energies[::step]
    evaluations = minima.evaluations
    mean = 0.0 if evaluations is None else float(evaluations[::step].mean())
    result = {
        "run": str(run),
        "frames": int(converged.size),
        "unconverged": int((~converged).sum()),
        "lowest_energy": float(energy.min()),
        "evaluations": mean,
    }
    lines = [
        (
            f"{run}: {int(converged.sum())} inherent structures, lowest {energy.min():.4f} eV, "
            f"{mean:.0f} force evaluations each"
        ),
        f"next: nanochart label {run}",
    ]
    if result["unconverged"]:
        where = ", ".join(str((int(f), int(r))) for f, r in np.argwhere(~converged)[:5])
        lines[-1] = (
            f"{result['unconverged']} of {converged.size} frames did not converge, the first as "
            f"(frame, replica): {where}; "
            f"next: nanochart quench {run} --again --max-evaluations {4 * settings.max_evaluations}"
        )
    emit(result, json, lines)
