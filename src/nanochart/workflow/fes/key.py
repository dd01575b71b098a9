"""What free energies depend on beside a run's own frames: the families that tell its states."""

from nanochart.store import Run
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.chart_files import families_of

__all__ = ["states_are_made", "states_key"]


def states_key(run: Run, by: str) -> str | None:
    """Fingerprint of the families that tell the states; None where none do.

    Those of a biased run are kept with it.

    Raises
    ------
    StoreError
        If there are none.
    """
    if by != "family":
        return None
    if run.metadata.kind == "biased":
        return SourceThen.of(run).families().fingerprint
    return families_of(run)[1].fingerprint


def states_are_made(run: Run, by: str, membership: str) -> bool:
    """Whether the stages that tell the states of all frames are there."""
    if run.metadata.kind != "biased" or membership == "place":
        return True
    n = run.committed()
    if run.committed("quench") < n:
        return False
    if by == "motif":
        return run.committed("label") == n
    placed = "inherent" in run.frames().charted
    charted = run.info("chart").get("model")
    return placed and run.committed("chart") == n and charted == SourceThen.of(run).charted
