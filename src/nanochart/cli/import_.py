"""``nanochart import``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import (
    Cell,
    JsonFlag,
    LargestFragment,
    LengthUnit,
    QuietFlag,
    RunPath,
    SkipBadFrames,
    Unwrap,
    cell_edges,
    emit,
    left_out_lines,
)


@app.command("import")
def import_(
    run: RunPath,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="Trajectories: extxyz, LAMMPS dumps, anything ASE reads."
        ),
    ],
    element: Annotated[
        str | None,
        typer.Option(
            help="Chemical symbol of the metal, where the files do not say or hold H, X or types."
        ),
    ] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option(help="Temperature in K, once for all files or once for each in their order."),
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(
            help="An eam/alloy or eam/fs table for the energies; by default Gupta, or the files'."
        ),
    ] = None,
    unwrap: Unwrap = False,
    cell: Cell = None,
    unit: LengthUnit = None,
    largest_fragment: LargestFragment = False,
    skip_bad_frames: SkipBadFrames = False,
    n_atoms: Annotated[
        int | None, typer.Option(min=2, help="Take only the frames of this number of atoms.")
    ] = None,
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
            potential=lambda symbol: import_potential(files[0], symbol, potential),
            unwrap=unwrap,
            cell=cell_edges(cell),
            unit=unit,
            largest_fragment=largest_fragment,
            skip_bad_frames=skip_bad_frames,
            n_atoms=n_atoms,
            progress=lambda frames: progress("import", frames, float("inf")),
        )
    facts = made.metadata
    result = {
        "run": str(run),
        "element": facts.element,
        "n_atoms": facts.n_atoms,
        "frames": made.committed(),
        "replicas": facts.n_replicas,
        "left_out": facts.provenance["left_out"],
    }
    lines = [
        f"{run}: {result['frames']} frames of {result['replicas']} x {facts.element}{facts.n_atoms}"
    ]
    if len(files) > 1 and facts.n_replicas == 1:
        lines.append(f"the {len(files)} files differ in length: joined end to end as one replica")
    lines += left_out_lines(facts.provenance["left_out"])
    known = made.holds_system or facts.element in GUPTA_PARAMETERS
    lines.append(
        f"next: nanochart quench {run}" + ("" if known else " --potential TABLE (of eam/alloy)")
    )
    emit(result, json, lines)
