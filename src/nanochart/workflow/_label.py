"""The motif and the defects of every inherent structure of a run."""

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.errors import StoreError
from nanochart.motifs import LABELS, analyze
from nanochart.store import Run
from nanochart.workflow._quench import spread

__all__ = ["label_run", "motif_counts"]


def label_run(
    run: Run,
    *,
    again: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> None:
    """Add motif, margin and defect descriptors of every inherent structure that has none yet.

    Frames that were not to be quenched have none (-1).

    Parameters
    ----------
    run
        Open for writing, quenched.
    again
        Label all frames anew.
    executor
        Where frames run; None is one thread per core.
    progress
        Told of every block.

    Raises
    ------
    StoreError
        If frames are not quenched.
    """
    n_frames, n_quenched = run.committed(), run.committed("quench")
    if n_frames == 0 or n_quenched < n_frames:
        raise StoreError(
            f"{run.path} has {n_quenched} quenched frames of {n_frames}: "
            f"run `nanochart quench {run.path}` first"
        )
    metal = run.metadata.element
    distance = run.system.nearest_neighbour()
    positions = run.to_xarray()["inherent_positions"]
    with run.lock(), use_executor(executor) as pool:
        if again:
            run.clear("label")
        todo = list(run.pending("label"))
        for block in todo:
            minima = positions[block].to_numpy().astype(np.float64)
            there = np.isfinite(minima[:, 0, 0, 0])  # of a run of which one frame in so many is
            found = analyze(
                minima[there],
                metal,
                nearest_neighbour=distance,
                executor=pool,
                known_quenched=True,
            )
            if block is todo[0]:
                run.clear("families")  # whose names and cards are made of labels
            labels: dict[str, NDArray[Any]] = {
                "motif": found.codes,
                "motif_margin": found.margins,
                **{f"defect_{name}": values for name, values in found.descriptors.items()},
            }
            run.write("label", block.start, {k: spread(v, there) for k, v in labels.items()})
            progress("label", block.stop, n_frames)
        if run.info("label") != {"nearest_neighbour": distance}:
            run.record_info("label", {"nearest_neighbour": distance})


def motif_counts(run: Run) -> dict[str, int]:
    """Number of labelled structures of each motif."""
    codes = run.to_xarray()["motif"].to_numpy()
    return {name: int((codes == code).sum()) for code, name in enumerate(LABELS)}
