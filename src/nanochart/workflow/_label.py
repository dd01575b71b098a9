"""The motif and the defects of every inherent structure of a run."""

from concurrent.futures import Executor

from nanochart._parallel import use_executor
from nanochart._progress import Progress, silent
from nanochart.motifs import analyze
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
            found = analyze(
                run.frames(block.start, block.stop).inherent.positions,
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
    return run.frames().motifs.counts()
