"""The motif and the defects of every inherent structure of a run."""

from concurrent.futures import Executor

import numpy as np

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.errors import StoreError
from nanochart.motifs import LABELS, analyze
from nanochart.store import Run

__all__ = ["label_run", "motif_counts"]


def label_run(
    run: Run,
    *,
    again: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> None:
    """Add motif, margin and defect descriptors of every inherent structure that has none yet.

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
    record = {"nearest_neighbour": distance}
    with run.lock(), use_executor(executor) as pool:
        if again or not run.committed("label"):
            run.begin("label", record)
        positions = run.to_xarray()["inherent_positions"]
        todo = list(run.pending("label"))
        if todo and run.committed("families"):
            run.clear("families")  # whose names and cards are made of labels
        for block in todo:
            found = analyze(
                positions[block].to_numpy().astype(np.float64),
                metal,
                nearest_neighbour=distance,
                executor=pool,
                known_quenched=True,
            )
            run.write(
                "label",
                block.start,
                {
                    "motif": found.codes,
                    "motif_margin": found.margins,
                    **{f"defect_{name}": values for name, values in found.descriptors.items()},
                },
            )
            progress("label", block.stop, n_frames)


def motif_counts(run: Run) -> dict[str, int]:
    """Number of labelled structures of each motif."""
    codes = run.to_xarray()["motif"].to_numpy()
    return {name: int((codes == code).sum()) for code, name in enumerate(LABELS)}
