"""``nanochart export``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, RunPath, emit


class Format(StrEnum):
    """What a run can be exported to."""

    EXTXYZ = "extxyz"
    CHEMISCOPE = "chemiscope"
    PLUMED = "plumed"


class Structures(StrEnum):
    """Which configurations."""

    THERMAL = "thermal"
    INHERENT = "inherent"


@app.command()
def export(
    run: RunPath,
    to: Annotated[
        Format,
        typer.Option(
            "--to", help="Format: extended XYZ, a chemiscope data set, or the files of PLUMED."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; by default RUN.extxyz, RUN.json.gz or the folder RUN-plumed.",
        ),
    ] = None,
    structures: Annotated[
        Structures,
        typer.Option(help="What to write: thermal configurations or inherent structures."),
    ] = Structures.THERMAL,
    every: Annotated[int, typer.Option(min=1, help="Write every n-th frame only.")] = 1,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write the configurations of a run for other programs, or a biased run as COLVAR and HILLS."""
    from nanochart import store
    from nanochart.interop import export_extxyz

    opened = store.open(run)
    frames = slice(None, None, every)
    if to is Format.PLUMED:
        from nanochart.workflow import export_plumed

        files = export_plumed(opened, output or run.with_name(f"{run.stem}-plumed"))
        emit({"files": [str(f) for f in files]}, json, [str(f) for f in files])
        return
    if to is Format.CHEMISCOPE:
        from nanochart.workflow import export_chemiscope

        path, write = output or run.with_suffix(".json.gz"), export_chemiscope
    else:
        path, write = output or run.with_suffix(".extxyz"), export_extxyz
    with show_progress(quiet) as progress:
        written = write(opened, path, structures.value, frames, progress=progress)
    emit(
        {"file": str(path), "configurations": written},
        json,
        [f"{path}: {written} configurations"],
    )
