"""A biased run as COLVAR and HILLS files."""

from pathlib import Path

import numpy as np

from nanochart.errors import StoreError
from nanochart.interop import write_colvar, write_hills
from nanochart.store import Run
from nanochart.workflow._bias_config import BiasConfig
from nanochart.workflow._bias_setup import make_setup
from nanochart.workflow._config import validated

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
        If the run is not biased, or has no frames.
    """
    if run.metadata.kind != "biased" or run.committed() == 0:
        raise StoreError(
            f"{run.path} must be a biased run with frames to have COLVAR files: make one with "
            "`nanochart bias CONFIG`"
        )
    config = validated(BiasConfig, dict(run.metadata.config), "the configuration of the run")
    data, names = run.to_xarray(), list(run.metadata.provenance["variables"])
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    times = data["step"].to_numpy() * config.dynamics.time_step * 1e-3
    values, bias = data["cv"].to_numpy(), data["bias_energy"].to_numpy()
    written = []
    for walker in range(values.shape[1]):
        columns = {name: values[:, walker, k] for k, name in enumerate(names)}
        columns["bias"] = bias[:, walker]
        if config.steered is not None:
            columns["work"] = data["work"].to_numpy()[:, walker]
        written.append(target / f"COLVAR.{walker}")
        write_colvar(written[-1], times, columns)
    checkpoint = run.load_checkpoint() if config.metadynamics is not None else None
    if config.metadynamics is not None and checkpoint is not None:
        method = make_setup(config).method
        centres, heights = (checkpoint.arrays[f"method_{n}"] for n in ("centres", "heights"))
        walkers = values.shape[1]
        rounds = np.arange(len(heights)) // walkers + 1
        written.append(target / "HILLS")
        write_hills(
            written[-1], rounds * config.pace, names, centres, method.sigma, heights,
            method.bias_factor,
        )  # fmt: skip
    return written
