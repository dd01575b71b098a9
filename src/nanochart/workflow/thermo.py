"""The thermodynamics of a run, and its numbers as files."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nanochart.files import replacing_set
from nanochart.landscape import OWN
from nanochart.output import write_csv, write_json
from nanochart.progress import Progress, silent
from nanochart.statistics import Estimate
from nanochart.store import Run
from nanochart.tempering import (
    MappedEnergies,
    Thermodynamics,
    ThermodynamicsConfig,
    ladder_findings,
    thermodynamics,
)
from nanochart.workflow.ladder import ladder_sample, restriction, whole_frames
from nanochart.workflow.mapped_energies import mapped_energies_of
from nanochart.workflow.results import kept
from nanochart.workflow.system import run_config

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

    What is found is kept with a run that is open for writing, and given again as long as its frames
    and labels are the same.

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
        Function that is called after every batch of resamples with how far the work is.

    Raises
    ------
    StoreError
        If the run has no ladder, or not the labels asked for.
    ValueError
        If it is too short, or its temperatures do not overlap.
    """
    asked = labels or LABELS[0]
    if asked not in LABELS:
        raise ValueError(f"labels must be one of {', '.join(LABELS)}; got {labels!r}")
    first = _frames(run, discard)
    stage = {"motif": "label", "family": "families"}[asked]
    about = asdict(config or ThermodynamicsConfig())
    used = (run.metadata.seed or 0) if seed is None else seed

    def key() -> dict[str, Any]:
        made_of = run.fingerprint("frames", "quench", stage)
        return {"made_of": made_of, "labels": asked, "first": first, "seed": used, **about}

    found = kept(
        run, "thermo", key, (Thermodynamics, Estimate, MappedEnergies),
        lambda: _computed(run, first, config, labels, used, progress),
    )  # fmt: skip
    progress("thermo", len(found.temperatures), len(found.temperatures))
    return found


def _computed(
    run: Run,
    first: int,
    config: ThermodynamicsConfig | None,
    labels: str | None,
    seed: int,
    progress: Progress,
) -> Thermodynamics:
    asked = labels or LABELS[0]
    frames = run.frames(min(first, run.committed()))
    whole = whole_frames(frames, run)
    notes = tuple(each.rstrip(".") for each in restriction(run))
    if not whole.all():
        notes += (f"{int((~whole).sum())} of {whole.size} frames lack a replica and are left out",)
    stage = {"motif": "label", "family": "families"}[asked]
    codes, names = None, {}
    if labels is not None or frames.has(stage):
        found_labels = frames.motifs if asked == "motif" else frames.families
        names = dict(enumerate(found_labels.names))
        codes = found_labels.codes[whole]
        if not codes.size or codes.min() < 0:
            codes = None
    if codes is None and run.committed(stage):
        notes += ("populations are left out, because some frames have no label yet",)
    sample = ladder_sample(frames, run, whole)
    found = thermodynamics(
        sample,
        run.metadata.n_atoms,
        config,
        labels=codes,
        label_names=names,
        seed=seed,
        progress=progress,
    )
    findings = ladder_findings(sample.diagnostics)
    warnings = dict.fromkeys(w.rstrip(".") for w in (*found.warnings, *findings, *notes))
    mapped = mapped_energies_of(run, sample, frames.numbers[whole])
    return replace(found, warnings=tuple(warnings), mapped=mapped)


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
    return config.frames_in(discard)


def thermo_summary(result: Thermodynamics) -> dict[str, Any]:
    """All numbers as plain JSON values; None where nothing is known."""
    return {
        "units": {"temperature": "K", "energy": "eV", "heat_capacity": "eV/K"},
        "interval": 0.95,
        "melting_temperature": result.melting_temperature.summary(),
        "temperatures": result.temperatures.tolist(),
        "energy": result.energy.summary(),
        "heat_capacity": result.heat_capacity.summary(),
        "rungs": {
            "temperatures": result.ladder.tolist(),
            "energy": result.rung_energy.summary() | {"estimator": "plain mean"},
        } | _mapped_summary(result.mapped),
        "membership": OWN,  # of a frame of a ladder, which is quenched
        "populations": {name: p.summary() for name, p in result.populations.items()},
        "free_energy_differences": [
            {"from": a, "to": b, **f.summary()}
            for (a, b), f in result.free_energy_differences.items()
        ],
        "expected_acceptance": result.acceptance.tolist(),
        "frames": result.n_frames,
        "warnings": list(result.warnings),
    }  # fmt: skip


def _mapped_summary(mapped: MappedEnergies | None) -> dict[str, Any]:
    if mapped is None:
        return {}
    return {
        "mapped_energy": mapped.energy.summary() | {"estimator": "harmonically mapped mean"},
        "surface_term": mapped.surface_term.summary(),
        "changes_of_minimum": mapped.changes.tolist(),
    }


def write_thermo(result: Thermodynamics, folder: str | Path) -> tuple[Path, Path]:
    """Write ``thermo.json`` (all numbers) and ``thermo.csv`` (a line per temperature).

    A number that is not known is null in the one and empty in the other.
    """
    columns = {"energy (eV)": result.energy, "heat capacity (eV/K)": result.heat_capacity}
    columns |= {f"population of {name}": p for name, p in result.populations.items()}
    columns |= {
        f"free energy of {b} minus {a} (eV)": f
        for (a, b), f in result.free_energy_differences.items()
    }
    header = [f"{name}{part}" for name in columns for part in ("", " low", " high")]
    parts = [e.summary()[part] for e in columns.values() for part in ("value", "low", "high")]
    rows = zip(result.temperatures.tolist(), *parts, strict=True)
    with replacing_set(folder, "thermo") as target:
        write_json(target / "thermo.json", thermo_summary(result))
        write_csv(target / "thermo.csv", ["temperature (K)", *header], rows)
    return Path(folder) / "thermo.json", Path(folder) / "thermo.csv"
