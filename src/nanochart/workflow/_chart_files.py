"""What lies beside a charted run and belongs to it: the model of its chart, and its families."""

from pathlib import Path

from nanochart.autoencoder import Model, load
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import Families, load_families
from nanochart.store import Run

__all__ = ["chart_model", "families_of"]


def families_of(run: Run) -> tuple[Path, Families]:
    """The families that a run's frames were divided into, and the file beside it.

    Raises
    ------
    StoreError, ModelError
        If there are none, or the file is not there or holds others.
    """
    info = run.info("families")
    if not info or run.committed("families") == 0:
        raise StoreError(
            f"states by family need the families of {run.path}, which has none: run `nanochart "
            f"families {run.path}` first, or take the motifs"
        )
    path = run.path.with_name(str(info.get("file", "")))
    if not path.is_file():
        raise ModelError(
            f"the families {path.name} of {run.path} must lie beside it, so that frames of "
            f"biased runs can be told by them: put the file back, or run `nanochart families "
            f"{run.path}` again"
        )
    families = load_families(path)
    if list(families.names) != list(info.get("names", ())):
        raise StoreError(
            f"the families of {path} are not those that the frames of {run.path} have: run "
            f"`nanochart families {run.path}` again"
        )
    return path, families


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
        f"the model that charted {run.path} ({charted}) must lie beside it: put it back, or train, "
        f"chart and group {run.path} anew"
    )
