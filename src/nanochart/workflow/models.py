"""Where the model of a run lies, for whoever does not name one."""

from pathlib import Path

from nanochart.errors import StoreError
from nanochart.store import Run, open as open_run

__all__ = ["analysed_run", "default_model", "trained_model"]


def analysed_run(path: str | Path) -> Run:
    """A run to compute results of: open for keeping them, where it can be written to."""
    try:
        return open_run(path, mode="a")
    except StoreError:
        return open_run(path)


def default_model(*runs: Path) -> Path:
    """Model beside the first of some runs: ``au.zarr cu.zarr`` -> ``au-cu.nanochart``."""
    first, *others = runs
    name = "-".join([first.with_suffix("").name, *(run.with_suffix("").name for run in others)])
    return first.with_name(name + ".nanochart")


def trained_model(*runs: Run) -> Path:
    """Model that runs were last trained with, where it lies beside the first; else the default.

    Of a biased run it is the copy of the model that it holds.
    """
    names = {str(run.info("train").get("model", "")) for run in runs}
    first = runs[0].path
    if len(names) == 1 and (name := names.pop()) and first.with_name(name).exists():
        return first.with_name(name)
    from nanochart.workflow.bias.plans import stored_model  # loads the network, which not all need

    if len(runs) == 1 and (stored := stored_model(runs[0])) is not None:
        return stored
    return default_model(*(run.path for run in runs))
