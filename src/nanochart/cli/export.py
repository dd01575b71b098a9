"""``nanochart export``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, emit


class Format(StrEnum):
    """What a run, or a chart, can be exported to."""

    EXTXYZ = "extxyz"
    CSV = "csv"
    CHEMISCOPE = "chemiscope"
    PLUMED = "plumed"
    PLUMED_CV = "plumed-cv"


class Structures(StrEnum):
    """Which configurations."""

    THERMAL = "thermal"
    INHERENT = "inherent"


@app.command()
def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="Folder of the run (NAME.zarr); for plumed-cv its model (NAME.nanochart).",
        ),
    ],
    to: Annotated[
        Format,
        typer.Option(
            "--to",
            help="Format: extended XYZ, tables (csv), a chemiscope data set, the files of PLUMED, "
            "or the chart as a collective variable of PLUMED.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; by default RUN.extxyz, RUN.csv, RUN.json.gz, RUN.cpp or the "
            "folder RUN-plumed.",
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
    """Write the configurations of a run for other programs, or a biased run as COLVAR and HILLS.

    With plumed-cv, write the chart of a model as C++ that PLUMED loads.
    """
    from nanochart import store

    if to is Format.PLUMED_CV:
        if structures is not Structures.THERMAL or every != 1:
            raise ValueError(
                "--structures and --every choose configurations, of which plumed-cv writes none: "
                "leave them away"
            )
        _plumed_cv(run, output, json)
        return
    from nanochart.interop import export_extxyz

    opened = store.open(run)
    frames = slice(None, None, every)
    if to is Format.PLUMED:
        from nanochart.workflow import export_plumed

        files = export_plumed(opened, output or run.with_name(f"{run.stem}-plumed"))
        emit({"files": [str(f) for f in files]}, json, [str(f) for f in files])
        return
    if to is Format.CSV:
        from nanochart.interop import export_csv

        if structures is not Structures.THERMAL:
            raise ValueError("--structures is of files with structures, and csv has none: leave it")
        with show_progress(quiet) as progress:
            tables = export_csv(
                opened, output or run.with_suffix(".csv"), frames, progress=progress
            )
        emit({"files": [str(f) for f in tables]}, json, [str(f) for f in tables])
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


def _plumed_cv(path: Path, output: Path | None, as_json: bool) -> None:
    """Write the chart of a model, or of a run, which names its model."""
    from nanochart import autoencoder, store
    from nanochart.interop import export_plumed_cv
    from nanochart.workflow import trained_model

    file = trained_model(store.open(path)) if path.is_dir() else path
    model = autoencoder.load(file)
    source = output or path.with_suffix(".cpp")
    export_plumed_cv(model, source)
    action = f"NANOCHART ATOMS=1-{model.n_atoms}"
    emit(
        {"file": str(source), "model": model.fingerprint, "action": action},
        as_json,
        [f"{source}: LOAD FILE={source.name} in PLUMED's input, then chart: {action}"],
    )
