"""The thermodynamics of a run, and its numbers as files."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart._progress import Progress, silent
from nanochart.errors import StoreError
from nanochart.landscape import OWN
from nanochart.store import Run
from nanochart.tempering import (
    Estimate,
    Ladder,
    Thermodynamics,
    ThermodynamicsConfig,
    diagnose_ladder,
    ladder_findings,
    thermodynamics,
)
from nanochart.workflow._system import run_config

__all__ = ["LABELS", "thermo_run", "thermo_summary", "write_thermo"]

#: The variables of labels that populations can be made of, once a run has them.
LABELS = ("motif", "family")


def thermo_run(
    run: Run,
    config: ThermodynamicsConfig | None = None,
    *,
    labels: str | None = None,
    discard: float = 0.0,
    seed: int | None = None,
    progress: Progress = silent,
) -> Thermodynamics:
    """Heat capacity, melting temperature and populations of a run, with errors.

    Parameters
    ----------
    run
        However far it has come.
    config
        Grid, resamples, blocks.
    labels
        Variable whose populations are computed: "motif", or "family", in which noise is a label of
        its own. None takes the motifs where the run has them.
    discard
        Time in ns at the start of the stored frames that is left out, beyond what was discarded
        when they were sampled.
    seed
        Of the resamples; None takes the run's own.
    progress
        Told of every batch of resamples.

    Raises
    ------
    StoreError
        If the run has no ladder, or not the labels asked for.
    ValueError
        If it is too short, or its temperatures do not overlap.
    """
    data = run.to_xarray()
    if not {"ladder", "rung", "energy"} <= set(data.variables):
        raise StoreError(
            f"{run.path} has no ladder with energies and rungs, which thermodynamics is made of: "
            "sample with `nanochart sample`"
        )
    asked = labels or LABELS[0]
    if asked not in LABELS:
        raise ValueError(f"labels must be one of {', '.join(LABELS)}; got {labels!r}")
    if labels is not None and asked not in data:
        command = {"motif": "label", "family": "families"}[asked]
        raise StoreError(
            f"{run.path} has no {asked} of its frames: run `nanochart {command} {run.path}` first"
        )
    data = data.isel(frame=slice(_frames(run, discard), None))
    energy, rung = data["energy"].to_numpy(), data["rung"].to_numpy()
    whole = (np.isfinite(energy) & (rung >= 0)).all(axis=1)
    notes: tuple[str, ...] = ()
    if not whole.all():
        notes = (f"{int((~whole).sum())} of {whole.size} frames lack a replica and are left out",)
    codes, names = _labels(run, data, asked, whole)
    if asked in data and codes is None:
        notes += ("populations are left out, because some frames have no label yet",)
    ladder = Ladder(tuple(float(t) for t in data["ladder"].to_numpy()))
    outcome = data["exchange_accepted"].to_numpy()[whole] if "exchange_accepted" in data else None
    findings = ladder_findings(diagnose_ladder(ladder, rung[whole], energy[whole], outcome))
    found = thermodynamics(
        energy[whole],
        rung[whole],
        ladder,
        run.metadata.n_atoms,
        config,
        labels=codes,
        label_names=names,
        seed=(run.metadata.seed or 0) if seed is None else seed,
        progress=progress,
    )
    return replace(found, warnings=found.warnings + findings + notes)


def _frames(run: Run, discard: float) -> int:
    """How many frames a time in ns is."""
    if discard < 0:
        raise ValueError(f"the time to discard must not be negative; got {discard!r} ns")
    config = run_config(run)
    if discard == 0:
        return 0
    if config is None:
        raise ValueError(
            f"the time between the frames of {run.path} is not known, because they were imported: "
            "leave out the frames to discard when importing them"
        )
    return int(np.ceil(1e3 * discard / config.tempering.swap_interval - 1e-9))


def _labels(
    run: Run, data: xr.Dataset, variable: str, whole: NDArray[np.bool_]
) -> tuple[NDArray[np.int64] | None, dict[int, str]]:
    """Labels of the whole frames with their names; None where there are none or some are missing.

    Only when every frame has one: those that are labelled first are no fair sample.
    """
    if variable not in data:
        return None, {}
    labels = data[variable].to_numpy()[whole].astype(np.int64)
    about = data[variable].attrs
    names = str(about.get("flag_meanings", "")).split()
    values = about.get("flag_values", range(len(names)))
    known = {int(k): name for k, name in zip(values, names, strict=False)}
    if variable == "family":
        known = dict(enumerate(run.info("families").get("names", [])))
    return (labels if labels.size and labels.min() >= 0 else None), known


def thermo_summary(result: Thermodynamics) -> dict[str, Any]:
    """All numbers as plain JSON values; what is not finite is None."""
    return {
        "units": {"temperature": "K", "energy": "eV", "heat_capacity": "eV/K"},
        "interval": 0.95,
        "intervals_reliable": result.intervals_reliable,
        "melting_temperature": _plain(result.melting_temperature),
        "melting_resolved": result.melting_resolved,
        "temperatures": _list(result.temperatures),
        "energy": _plain(result.energy),
        "heat_capacity": _plain(result.heat_capacity),
        "rungs": {"temperatures": _list(result.ladder), "energy": _plain(result.rung_energy)},
        "membership": OWN,  # of a frame of a ladder, which is quenched
        "populations": {name: _plain(p) for name, p in result.populations.items()},
        "free_energy_differences": [
            {"from": a, "to": b, **_plain(f)}
            for (a, b), f in result.free_energy_differences.items()
        ],
        "expected_acceptance": _list(result.acceptance),
        "frames": result.n_frames,
        "blocks": result.n_blocks,
        "block_length": result.block_length,
        "statistical_inefficiency": _list(np.asarray(result.inefficiency)),
        "warnings": list(result.warnings),
    }


def _plain(estimate: Estimate) -> dict[str, Any]:
    return {part: _list(getattr(estimate, part)) for part in ("value", "low", "high")}


def _list(values: NDArray[np.float64]) -> Any:
    """Nested lists or a number, with None for what JSON cannot hold."""
    plain = np.asarray(values, dtype=object)
    return np.where(np.isfinite(values), plain, np.array(None)).tolist()


def write_thermo(result: Thermodynamics, folder: str | Path) -> tuple[Path, Path]:
    """Write ``thermo.json`` (all numbers) and ``thermo.csv`` (a line per temperature)."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    all_numbers, table = target / "thermo.json", target / "thermo.csv"
    all_numbers.write_text(json.dumps(thermo_summary(result), indent=1), encoding="utf-8")
    columns = {"energy (eV)": result.energy, "heat capacity (eV/K)": result.heat_capacity}
    columns |= {f"population of {name}": p for name, p in result.populations.items()}
    columns |= {
        f"free energy of {b} minus {a} (eV)": f
        for (a, b), f in result.free_energy_differences.items()
    }
    header = [f"{name}{part}" for name in columns for part in ("", " low", " high")]
    values = [getattr(e, part) for e in columns.values() for part in ("value", "low", "high")]
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["temperature (K)", *header])
        for row in zip(result.temperatures, *values, strict=True):
            writer.writerow([f"{x:.9g}" for x in row])
    return all_numbers, table
