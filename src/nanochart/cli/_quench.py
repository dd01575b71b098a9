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
        typer.Option(help="An eam/alloy table, for a run without its potential; the run keeps it."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Quench all frames anew.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Relax every frame to its inherent structure.

    Frames that are quenched already are kept, so a stopped quench goes on where it was.
    """
    import numpy as np

    from nanochart import store

    opened = store.open(run, mode="a")
    from nanochart.workflow import quench_config, quench_run, run_config
    from nanochart.workflow._quench import quenched_every

    config = run_config(opened)
    changes = {"max_force": max_force, "max_evaluations": max_evaluations}
    settings = quench_config(
        config.quench if config else None, {k: v for k, v in changes.items() if v is not None}
    )
    with show_progress(quiet) as progress:
        quench_run(opened, settings, table=potential, again=again, progress=progress)
    data = opened.to_xarray().isel(frame=slice(None, None, quenched_every(opened)))
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
            f"{run}: {int(converged.sum())} inherent structures, lowest {energy.min():.4f} eV, "
            f"{result['evaluations']:.0f} force evaluations each"
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
