"""A biased run as COLVAR and HILLS files."""

from pathlib import Path

import numpy as np

from nanochart.biasing import Metadynamics, Steered
from nanochart.errors import StoreError
from nanochart.interop import write_colvar, write_hills
from nanochart.store import Run
from nanochart.workflow.bias.plans import plan_of

__all__ = ["export_plumed"]


def export_plumed(run: Run, folder: str | Path) -> list[Path]:
    """Write COLVAR.0, COLVAR.1, ... of the walkers and, of metadynamics, HILLS.

    Parameters
    ----------
    run
        Biased.
    folder
        Made if it is not there.

    Raises
    ------
    StoreError
        If the run is not biased, has no frames, or is on a ladder of temperatures.
    """
    frames = run.frames()
    steps = frames.thermal.steps
    if run.metadata.kind != "biased" or steps is None:
        raise StoreError(
            f"{run.path} must be a biased run with frames to have COLVAR files: make one with "
            "`nanochart bias CONFIG`"
        )
    plan = plan_of(run)
    if plan.ladder:
        raise StoreError(
            f"{run.path} has a bias of its own at each of {len(plan.ladder)} temperatures, and its "
            "walkers change between these, for which PLUMED's files have no place: read the arrays "
            "cv, rung, bias_energy and rung_log_weight of the run itself"
        )
    names, method = list(plan.names), plan.method
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    times = steps * plan.dynamics.time_step * 1e-3
    values, bias, works = frames.biased.variables, frames.biased.energies, frames.biased.works
    written = []
    for walker in range(values.shape[1]):
        columns = {name: values[:, walker, k] for k, name in enumerate(names)}
        columns["bias"] = bias[:, walker]
        if isinstance(method, Steered) and works is not None:
            columns["work"] = works[:, walker]
        written.append(target / f"COLVAR.{walker}")
        write_colvar(written[-1], times, columns)
    checkpoint = run.load_checkpoint() if isinstance(method, Metadynamics) else None
    if isinstance(method, Metadynamics) and checkpoint is not None:
        centres, heights = (checkpoint.arrays[f"method_{n}"] for n in ("centres", "heights"))
        walkers = values.shape[1]
        rounds = np.arange(len(heights)) // walkers + 1
        written.append(target / "HILLS")
        write_hills(
            written[-1], rounds * plan.time_per_round, names, centres, method.sigma, heights,
            method.bias_factor,
        )  # fmt: skip
    return written
