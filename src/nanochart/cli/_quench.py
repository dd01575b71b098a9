"""``nanochart quench``."""

from pathlib import Path
from typing import Annotated

import typer

from nanochart.cli._main import app
from nanochart.cli._options import JsonFlag, QuietFlag, RunPath, emit, show_progress


@app.command()
def quench(
    run: RunPath,
    max_force: Annotated[
        float | None, typer.Option(help="Largest force on an atom when converged, eV/Å.")
    ] = None,
    max_evaluations: Annotated[
        int | None, typer.Option(help="Force evaluations per frame at most.")
    ] = None,
    potential: Annotated[
        Path | None,
        typer.Option(help="An eam/alloy table, for imported runs of other metals."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Quench all frames anew.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Relax every frame to its inherent structure.

    Frames that are quenched already are kept, so a stopped quench goes on where it was.
    """
    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import QuenchConfig, quench_run, run_config

    config = run_config(opened)
    settings = config.quench if config else QuenchConfig()
    changes = {"max_force": max_force, "max_evaluations": max_evaluations}
    values = settings.model_dump() | {k: v for k, v in changes.items() if v is not None}
    with show_progress(quiet) as progress:
        quench_run(opened, QuenchConfig(**values), table=potential, again=again, progress=progress)
    data = opened.to_xarray()
    converged = data["quench_converged"].to_numpy() == 1
    energy = data["inherent_energy"].to_numpy()
    result = {
        "run": str(run),
        "frames": int(converged.size),
        "unconverged": int((~converged).sum()),
        "lowest_energy": float(energy.min()),
        "evaluations": float(data["quench_evaluations"].to_numpy().mean()),
    }
    lines = [
        (
            f"{run}: {result['frames']} inherent structures, lowest "
            f"{result['lowest_energy']:.4f} eV, {result['evaluations']:.0f} force evaluations each"
        ),
        f"next: nanochart train {run}",
    ]
    if result["unconverged"]:
        where = [tuple(int(i) for i in index) for index in zip(*(~converged).nonzero())][:5]  # noqa: B905
        lines.insert(
            1,
            f"{result['unconverged']} did not converge, as (frame, replica) {where}: "
            f"raise --max-evaluations and give --again",
        )
    emit(result, json, lines)
