"""What lies beside a charted run and belongs to it: the model of its chart, and its families."""

from pathlib import Path

from nanochart.autoencoder import Model, load
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import Families
from nanochart.store import Run
from nanochart.workflow.families import saved_families

__all__ = ["chart_model", "families_of"]


def families_of(run: Run) -> tuple[Path, Families]:
    """The families that a run's frames were divided into, and the file beside it.

    Raises
    ------
    StoreError
        If there are none, or the file is not there or holds others.
    """
    families = saved_families(run)
    if families is None:
        raise StoreError(
            f"states by family need the families of {run.path}, which has none: run `nanochart "
            f"families {run.path}` first, or take the motifs"
        )
    return run.path.with_name(str(run.info("families")["file"])), families


def chart_model(run: Run, given: str | Path | None = None) -> tuple[Path, Model]:
    """The model of a run's chart, from one of the places where it may lie, and its file.

    Parameters
    ----------
    run
        Charted.
    given
        A file to look at first.

    Raises
    ------
    ModelError
        If none of them has it.
    """
    charted = run.info("chart").get("model")
    trained = run.path.with_name(str(run.info("train").get("model", "")))
    places = [Path(given)] if given else []
    for path in (*places, trained, run.path.with_suffix(".nanochart")):
        if path.is_file() and (model := load(path)).fingerprint == charted:
            return path, model
    raise ModelError(
        f"the model that charted {run.path}, {charted}, must lie beside it, or be named where a "
        f"model can be: put it back, or train, chart and group {run.path} anew"
    )
