"""Families of a run: found in its chart, named by its motifs, described by its defects."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model
from nanochart.config import validated
from nanochart.errors import ConvergenceError, StoreError
from nanochart.files import replacing
from nanochart.landscape import (
    OWN,
    Families,
    FamiliesConfig,
    ReconstructionMetric,
    distinct_minima,
    family_cards,
    fit_families,
    load_families,
    principal_radii,
)
from nanochart.progress import Progress, silent
from nanochart.store import Frames, Run
from nanochart.workflow.chart import check_charted
from nanochart.workflow.families_measures import measure_families
from nanochart.workflow.families_words import family_words
from nanochart.workflow.ladder import rung_shares
from nanochart.workflow.quench import check_all_quenched

__all__ = ["families_config", "families_path", "families_run", "inherent_shapes", "saved_families"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Frames whose positions are read at once.
_BLOCK = 256


def families_config(changes: Mapping[str, Any]) -> FamiliesConfig:
    """Settings with some fields changed from their defaults.

    Raises
    ------
    ConfigError
        If a field is unknown or its value is not possible.
    """
    return validated(FamiliesConfig, dict(changes), "the families")


def families_path(run: Run) -> Path:
    """File of the families beside a run: ``au147.zarr`` -> ``au147.families``."""
    return run.path.with_suffix(".families")


def saved_families(run: Run) -> Families | None:
    """Families of a run as they were saved beside it; None if it has none.

    Raises
    ------
    StoreError
        If the file is missing or is not the one that was saved with the run's families.
    """
    recorded = run.info("families")
    if not run.committed("families"):
        return None
    path = run.path.with_name(str(recorded["file"]))
    expected = recorded.get("sha256")
    if not path.exists() or (expected is not None and _digest(path) != expected):
        raise StoreError(
            f"{path} {'is not the file' if path.exists() else 'is missing, the file'} of the "
            f"families that {run.path} was last split into: run `nanochart families {run.path}` "
            "again"
        )
    return load_families(path)


def families_run(
    run: Run,
    config: FamiliesConfig | None = None,
    *,
    model: Model | None = None,
    path: str | Path | None = None,
    measures: bool = True,
    progress: Progress = silent,
) -> Families:
    """Find the families of a run in its chart, write every frame's, and save them.

    They are found among the inherent structures whose quench converged, and assigned to all.

    Parameters
    ----------
    run
        Open for writing; quenched, labelled and charted.
    config
        Method and settings; None takes the defaults.
    model
        Whose chart it is. Its decoder then says how far apart two places are, which trainings
        agree on better than on distances in the chart, which count where it is None.
    path
        File of the families; None is the run's name with ".families".
    measures
        Whether chart and families are measured, which takes some seconds more.
    progress
        Function that is called after every setting tried and block written.

    Returns
    -------
    Families
        With names, cards and, in ``provenance["measures"]``, the measures.

    Raises
    ------
    StoreError
        If the run is not quenched, labelled and charted.
    ModelError
        If the run was charted with another model.
    ValueError
        If it is too short, or no family is found.
    """
    asked = config or FamiliesConfig()
    target = Path(path) if path is not None else families_path(run)
    with run.lock():  # from the first look: chart and labels stay what the families are made of
        found, codes = _find(run, asked, model, measures=measures, progress=progress)
        _write(run, found, codes, target)
    progress("write", len(codes), len(codes))
    return found


def _find(
    run: Run, asked: FamiliesConfig, model: Model | None, *, measures: bool, progress: Progress
) -> tuple[Families, Ints]:
    """Families with names, cards and measures, and the family of each frame."""
    frames = run.frames().require("quench", "label", "chart")
    check_all_quenched(run, "a division into families")
    metric = None if model is None else _reconstruction_metric(run, model)
    s = frames.chart("inherent").coordinates
    E = frames.inherent.energies
    converged = frames.inherent.converged & np.isfinite(E)
    if not np.isfinite(s).all():
        raise StoreError(
            f"the chart of {run.path} has NaN in {int((~np.isfinite(s)).any(axis=-1).sum())} "
            f"frames: run `nanochart chart {run.path}` again"
        )
    shapes = inherent_shapes(run)
    found = fit_families(
        s[converged],
        asked,
        energies=E[converged],
        shapes=shapes[converged],
        metric=metric,
        progress=progress,
    )
    codes = found.assign(s).astype(np.int64)
    found, codes = _without_empty(found, codes)
    motifs, descriptors = frames.motifs, frames.defects
    minima = distinct_minima(
        s.reshape(-1, s.shape[-1]),
        np.nan_to_num(E.ravel()),
        shapes.reshape(-1, shapes.shape[-1]),
        tolerance=asked.tolerance,
        shape_tolerance=asked.shape_tolerance,
    ).index.reshape(codes.shape)
    cards = family_cards(
        codes,
        s,
        E,
        motifs.codes,
        motifs.names,
        descriptors,
        family_words(descriptors),
        minima=minima,
        populations=_populations(run, frames, codes, found.n_families),
    )
    names = ("noise", *(card.name for card in cards))
    provenance: dict[str, Any] = {
        "run": run.path.name,
        "frames": len(codes),
        "replicas": int(codes.shape[1]),
        "noise": float((codes == 0).mean()),
        "membership": OWN,
        "distances": "chart" if metric is None else "reconstruction",
    }
    if measures:
        provenance["measures"] = measure_families(frames, codes, minima, seed=asked.seed)
    found = replace(
        found.described(names, [card.to_dict() for card in cards]), provenance=provenance
    )
    return found, codes


def inherent_shapes(run: Run) -> Floats:
    """Principal radii of gyration of the inherent structures, (frame, replica, 3), in blocks."""
    n = run.committed()
    blocks = (run.frames(k, min(k + _BLOCK, n)) for k in range(0, n, _BLOCK))
    return np.concatenate([principal_radii(np.nan_to_num(b.inherent.positions)) for b in blocks])


def _reconstruction_metric(run: Run, model: Model) -> ReconstructionMetric:
    check_charted(run, model)
    return ReconstructionMetric(model.decode, (model.rdf.r_max - model.rdf.r_min) / model.n_bins)


def _without_empty(found: Families, codes: Ints) -> tuple[Families, Ints]:
    """Families by rising code of falling size over all frames; those without a frame are noise."""
    sizes = np.bincount(codes.ravel(), minlength=found.n_families + 1)
    order = 1 + np.argsort(-sizes[1:], kind="stable")
    kept = order[sizes[order] > 0]
    new = np.zeros(found.n_families + 1, dtype=np.int64)
    new[kept] = np.arange(1, len(kept) + 1)
    return replace(found, labels=new[found.labels]), new[codes]


def _populations(run: Run, frames: Frames, codes: Ints, n_families: int) -> Mapping[int, Any]:
    """Code -> share at each rung with its interval, None where it is not known.

    Empty for a run without a ladder.
    """
    names = ("noise", *(str(k) for k in range(1, n_families + 1)))
    if frames.ladder is None:
        return {}
    try:
        found = rung_shares(frames, run, codes, names)
    except (StoreError, ValueError, ConvergenceError):  # no rungs, empty ones, or no overlap
        return {}
    return {
        k: {"temperatures": frames.ladder.tolist(), **found[k].summary()}
        for k in range(1, len(names))
    }


def _write(run: Run, found: Families, codes: Ints, path: Path) -> None:
    with replacing(path) as file:
        found.save(file)
        run.replace(
            "families",
            {"family": codes.astype(np.int16)},
            {
                "file": path.name,
                "sha256": _digest(file),
                "names": list(found.names),
                "cards": [dict(card) for card in found.cards],
                "size": found.size,
                "config": found.config.model_dump(mode="json"),
                **found.provenance,
            },
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
