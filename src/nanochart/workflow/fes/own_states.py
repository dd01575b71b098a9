"""The state of a frame's own inherent structure, which is made where it is missing."""

import numpy as np
from numpy.typing import NDArray

from nanochart.config import QuenchConfig
from nanochart.errors import StoreError
from nanochart.landscape import Known, States, states_of
from nanochart.motifs import LABELS
from nanochart.progress import Progress, silent
from nanochart.store import Frames, Run
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.chart import chart_run
from nanochart.workflow.chart_files import families_of
from nanochart.workflow.label import label_run
from nanochart.workflow.quench import quench_run

__all__ = ["own_states", "tempered_states"]


def own_states(
    run: Run,
    source: SourceThen,
    frames: NDArray[np.int64],
    by: str,
    known: Known,
    *,
    every: int = 1,
    progress: Progress = silent,
) -> States:
    """States of frames by their own inherent structures, which are made where they are missing.

    The motif is that of the inherent structure; the family is the one that `Families.assign` gives
    the place of the inherent structure in all coordinates of the chart, whatever was biased.

    Parameters
    ----------
    run, source
        The biased run, and what it holds of the one whose chart and families it uses.
    frames
        Numbers of the frames; multiples of ``every``.
    by
        "family" or "motif".
    known
        Where training frames lie.
    every
        Frames of which one is quenched, where the run is not quenched yet.
    progress
        Function that is called after every block with how far the work is.

    Raises
    ------
    StoreError
        If a stage is missing and the run cannot be written to, or the source had no families.
    """
    families = source.families() if by == "family" else None
    _quench(run, source, every, progress)
    if families is None:
        if run.committed("label") < run.committed():
            _require_writable(run, "motifs")
            label_run(run, progress=progress)
        return states_of(LABELS, run.frames().motifs.codes[frames], known)
    mine = run.info("chart").get("model") if "inherent" in run.frames().charted else None
    if mine != source.charted or run.committed("chart") < run.committed():
        _require_writable(run, "places of their inherent structures in the chart")
        onward = mine is not None
        chart_run(run, source.model(), onward=onward, progress=progress)
    s = run.frames().chart("inherent").coordinates[frames]
    codes = families.assign(s).astype(np.int64)
    new = float(families.is_new(s).mean())
    return states_of(families.names, codes, known, families=families.fingerprint, new=new)


def _quench(run: Run, source: SourceThen, every: int, progress: Progress) -> None:
    """Quench what is not quenched yet, as the source was."""
    n = run.committed()
    done = run.committed("quench")
    if done == n:
        return
    _require_writable(run, "inherent structures")
    todo = len(range(-(-done // every) * every, n, every)) * run.metadata.n_replicas
    progress("quench", done, n, f"{todo:,} frames, which are kept with the run")
    fields = QuenchConfig.model_fields
    recorded = {k: v for k, v in source.quench.items() if k in fields}
    quench_run(run, QuenchConfig.model_validate(recorded), every=every, progress=progress)


def _require_writable(run: Run, what: str) -> None:
    """Refuse to make a stage of a run that was opened for reading."""
    try:
        run.require_writable()
    except StoreError:
        raise StoreError(
            f"{run.path} has no {what} of some of its frames, by which they belong to a state, and "
            "was opened for reading: open it with mode='a' (`nanochart fes` does, where it may "
            "write) so that they can be made, or take the membership by place"
        ) from None


def tempered_states(run: Run, frames: Frames, by: str, known: Known) -> States:
    """States of frames of a run that is quenched, labelled and grouped itself.

    Raises
    ------
    StoreError
        If a frame has none yet.
    """
    codes = (frames.motifs if by == "motif" else frames.families).codes
    if by == "motif":
        return states_of(LABELS, codes, known)
    families = families_of(run)[1]
    new = None
    if "inherent" in frames.charted:
        new = float(families.is_new(frames.chart("inherent").coordinates).mean())
    return states_of(families.names, codes, known, families=families.fingerprint, new=new)
