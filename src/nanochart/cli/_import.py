"""``nanochart import``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli._main import app
from nanochart.cli._options import JsonFlag, QuietFlag, RunPath, emit, show_progress


@app.command("import")
def import_(
    run: RunPath,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="extxyz, LAMMPS dumps, anything ASE reads."),
    ],
    element: Annotated[
        str | None, typer.Option(help="Chemical symbol, where the files do not say.")
    ] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option(help="K; once for all files, or once for each in their order."),
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(help="An eam/alloy table for the energies; by default Gupta, or the files'."),
    ] = None,
    unwrap: Annotated[
        bool, typer.Option("--unwrap", help="Join clusters that a periodic boundary cuts.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Make a run of trajectories that another program wrote."""
    from nanochart.interop import import_trajectories
    from nanochart.potentials import GUPTA_PARAMETERS
    from nanochart.workflow import import_potential

    temperatures = temperature[0] if temperature and len(temperature) == 1 else temperature
    with show_progress(quiet) as progress:
        made = import_trajectories(
            files,
            run,
            element=element,
            temperature=temperatures,
            potential=import_potential(files[0], element, potential),
            unwrap=unwrap,
            progress=lambda frames: progress("import", frames, float("inf")),
        )
    facts = made.metadata
    result = {
        "run": str(run),
        "element": facts.element,
        "n_atoms": facts.n_atoms,
        "frames": made.committed(),
        "replicas": facts.n_replicas,
    }
    lines = [
        f"{run}: {result['frames']} frames of {result['replicas']} x {facts.element}{facts.n_atoms}"
    ]
    if len(files) > 1 and facts.n_replicas == 1:
        lines.append(f"the {len(files)} files differ in length: joined end to end as one replica")
    known = made.holds_system or facts.element in GUPTA_PARAMETERS
    lines.append(
        f"next: nanochart quench {run}" + ("" if known else " --potential TABLE (of eam/alloy)")
    )
    emit(result, json, lines)
