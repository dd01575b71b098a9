"""Families of a run: found in its chart, named by its motifs, described by its defects."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart._progress import Progress, silent
from nanochart.autoencoder import Model
from nanochart.errors import StoreError
from nanochart.landscape import (
    OWN,
    Families,
    FamiliesConfig,
    ReconstructionMetric,
    family_cards,
    fit_families,
)
from nanochart.landscape._minima import distinct_minima, principal_radii
from nanochart.store import Run
from nanochart.tempering import rung_populations
from nanochart.workflow._chart import check_charted
from nanochart.workflow._config import validated
from nanochart.workflow._families_measures import measure_families
from nanochart.workflow._families_words import family_words
from nanochart.workflow._quench import check_all_quenched

__all__ = ["families_config", "families_path", "families_run"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DEFECT = "defect_"
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
        Told of every setting tried and every block written.

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
    run.require_writable()
    asked = config or FamiliesConfig()
    data = run.to_xarray()
    check_all_quenched(run, "a division into families")
    _check_stages(run, data)
    metric = None if model is None else _reconstruction_metric(run, model)
    s = data["inherent_chart"].to_numpy().astype(np.float64)
    E = data["inherent_energy"].to_numpy().astype(np.float64)
    converged = (data["quench_converged"].to_numpy() == 1) & np.isfinite(E)
    if not np.isfinite(s).all():
        raise StoreError(
            f"the chart of {run.path} has NaN in {int((~np.isfinite(s)).any(axis=-1).sum())} "
            f"frames: run `nanochart chart {run.path}` again"
        )
    shapes = _shapes(data)
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
    motifs, motif_names = _motifs(data)
    descriptors = {
        str(name).removeprefix(_DEFECT): data[name].to_numpy().astype(np.float64)
        for name in data.data_vars
        if str(name).startswith(_DEFECT)
    }
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
        motifs,
        motif_names,
        descriptors,
        family_words(descriptors),
        minima=minima,
        populations=_populations(data, codes, found.n_families, asked.seed),
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
        provenance["measures"] = measure_families(
            data, codes, minima, motifs, motif_names, descriptors, seed=asked.seed
        )
    found = replace(
        found.described(names, [card.to_dict() for card in cards]), provenance=provenance
    )
    target = Path(path) if path is not None else families_path(run)
    _write(run, found, codes, target, progress)
    return found


def _check_stages(run: Run, data: xr.Dataset) -> None:
    frames = run.committed()
    for variable, what, command in (
        ("inherent_energy", "inherent structures", "quench"),
        ("motif", "motifs", "label"),
        ("inherent_chart", "chart coordinates of inherent structures", "chart"),
    ):
        if frames == 0 or variable not in data or (data[variable][-1] == -1).all():
            raise StoreError(
                f"{run.path} has no {what}, which families are made of: "
                f"run `nanochart {command} {run.path}` first"
            )
    if run.committed("chart") < frames:
        raise StoreError(
            f"{run.path} has {run.committed('chart')} charted frames of {frames}: "
            f"run `nanochart chart {run.path}` first"
        )


def _shapes(data: xr.Dataset) -> Floats:
    """Principal radii of gyration of the inherent structures, (frame, replica, 3), in blocks."""
    positions = data["inherent_positions"]
    blocks = range(0, positions.shape[0], _BLOCK)
    return np.concatenate(
        [principal_radii(np.nan_to_num(positions[k : k + _BLOCK].to_numpy())) for k in blocks]
    )


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


def _motifs(data: xr.Dataset) -> tuple[Ints, tuple[str, ...]]:
    """Motif of each frame as an index into the names, -1 where unknown."""
    motif = data["motif"]
    names = str(motif.attrs.get("flag_meanings", "")).split()
    values = [int(v) for v in motif.attrs.get("flag_values", range(len(names)))]
    known = {v: name for v, name in zip(values, names, strict=False) if v >= 0}
    codes = motif.to_numpy().astype(np.int64)
    top = max([*known, int(codes.max(initial=0))])
    return codes, tuple(known.get(k, f"motif{k}") for k in range(top + 1))


def _populations(
    data: xr.Dataset, codes: Ints, n_families: int, seed: int
) -> Mapping[int, Mapping[str, list[float]]]:
    """Code -> share at each rung with its standard error; empty for a run without a ladder."""
    if not {"ladder", "rung"} <= set(data.variables):
        return {}
    ladder = data["ladder"].to_numpy()
    rungs = data["rung"].to_numpy()
    found = rung_populations(codes, rungs, n_families + 1, len(ladder), seed=seed)
    there = np.isfinite(found.value).all(axis=0)
    return {
        k: {
            "temperatures": ladder[there].tolist(),
            "value": found.value[k][there].tolist(),
            "error": found.error[k][there].tolist(),
        }
        for k in range(1, n_families + 1)
    }


def _write(run: Run, found: Families, codes: Ints, path: Path, progress: Progress) -> None:
    with run.lock():
        found.save(path)  # not before the lock: a refusal must leave the file as it is
        run.clear("families")
        for block in list(run.pending("families")):
            run.write("families", block.start, {"family": codes[block].astype(np.int16)})
            progress("write", block.stop, run.committed())
        run.record_info(
            "families",
            {
                "file": path.name,
                "names": list(found.names),
                "cards": [dict(card) for card in found.cards],
                "method": found.config.method,
                found.config.knob: found.knob,
                "config": found.config.model_dump(mode="json"),
                **found.provenance,
            },
        )
