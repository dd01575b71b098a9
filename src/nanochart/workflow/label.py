"""The motif and the defects of every inherent structure of a run."""

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.motifs import analyze
from nanochart.parallel import use_executor
from nanochart.progress import Progress, silent
from nanochart.store import Run
from nanochart.workflow.quench import spread

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
        Executor that frames run on; None is one thread for each core.
    progress
        Function that is called after every block with how far the work is.

    Raises
    ------
    StoreError
        If frames are not quenched.
    """
    n_frames = len(run.frames().require("quench"))
    metal = run.metadata.element
    distance = run.system.nearest_neighbour()
    record = {"nearest_neighbour": distance}
    with run.lock(), use_executor(executor) as pool:
        if again or not run.committed("label"):
            run.begin("label", record)
        todo = list(run.pending("label"))
        if todo and run.committed("families"):
            run.clear("families")  # whose names and cards are made of labels
        for block in todo:
            minima = run.frames(block.start, block.stop).inherent.positions
            there = np.isfinite(minima[:, 0, 0, 0])  # of a run of which one frame in so many is
            found = analyze(
                minima[there],
                metal,
                nearest_neighbour=distance,
                executor=pool,
                known_quenched=True,
            )
            labels: dict[str, NDArray[Any]] = {
                "motif": found.codes,
                "motif_margin": found.margins,
                **{f"defect_{name}": values for name, values in found.descriptors.items()},
            }
            run.write("label", block.start, {k: spread(v, there) for k, v in labels.items()})
            progress("label", block.stop, n_frames)


def motif_counts(run: Run) -> dict[str, int]:
    """Number of labelled structures of each motif."""
    return run.frames().motifs.counts()
