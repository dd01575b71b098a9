"""``nanochart track``."""

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
    ModelFile,
    QuietFlag,
    RunPath,
    SkipBadFrames,
    Threads,
    Unwrap,
    cell_edges,
    emit,
    left_out_lines,
)
from nanochart.files import replacing_set


@app.command()
def track(
    run: RunPath,
    trajectory: Annotated[
        Path,
        typer.Argument(
            metavar="TRAJECTORY", help="Trajectory: extxyz, a LAMMPS dump, or anything ASE reads."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for numbers and figures; by default TRAJECTORY-track.",
        ),
    ] = None,
    model: ModelFile = None,
    persistence: Annotated[
        int,
        typer.Option(min=1, help="Frames for which a change must last to be a transition."),
    ] = 10,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Simulated time between two frames with its unit, as 20ps."
        ),
    ] = None,
    unwrap: Unwrap = False,
    cell: Cell = None,
    unit: LengthUnit = None,
    largest_fragment: LargestFragment = False,
    skip_bad_frames: SkipBadFrames = False,
    movie: Annotated[bool, typer.Option(help="Write the movie, an animated GIF.")] = True,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Quench a trajectory and follow it through the chart of a run."""
    from nanochart import store

    opened = store.open(run)
    from nanochart import autoencoder
    from nanochart.config import nanoseconds
    from nanochart.workflow import (
        check_track_folder,
        saved_families,
        track_cards,
        track_movie,
        track_run,
        track_summary,
        trained_model,
        write_track,
    )

    path = model or trained_model(opened)
    if not path.exists():
        raise ValueError(
            f"there is no model {path}: run `nanochart train {run}` first, or name one with --model"
        )
    folder = output or trajectory.with_name(f"{trajectory.name.split('.')[0]}-track")
    check_track_folder(folder, str(trajectory))
    with show_progress(quiet) as progress:
        found = track_run(
            opened,
            trajectory,
            autoencoder.load(path),
            persistence=persistence,
            interval=None if interval is None else nanoseconds(interval),
            families=saved_families(opened) if model is None else None,
            unwrap=unwrap,
            cell=cell_edges(cell),
            unit=unit,
            largest_fragment=largest_fragment,
            skip_bad_frames=skip_bad_frames,
            progress=progress,
        )
        from nanochart.report import Section, save_figures

        cards = track_cards(found, opened)
        with replacing_set(folder, "track") as target:
            written = [
                *write_track(found, target),
                *save_figures((Section("Track", "", tuple(cards)),), target),
            ]
            if movie:
                written.append(track_movie(found, opened, target / "track.gif", progress=progress))
    summary = track_summary(found)
    moments = summary["transitions"]["motif"]
    lines = [f"{trajectory}: {len(found)} frames, {len(moments)} lasting changes of the motif"]
    unit = found.time_unit
    for k, t in enumerate(moments):
        hot = "" if t["temperature"] is None else f", {t['temperature']:.0f} K"
        lines.append(f"  {k + 1}: {t['from']} to {t['to']} at {t['time']:.4g} {unit}{hot}")
    lines += left_out_lines({trajectory.name: summary["left_out"]})
    if found.doubt:
        lines.append(f"warning: {found.doubt}")
    if summary["unconverged"]:
        lines.append(f"warning: {summary['unconverged']} quenches did not converge")
    emit(
        {"files": [str(folder / f.name) for f in written], **summary},
        json,
        [*lines, f"in {folder}"],
    )
