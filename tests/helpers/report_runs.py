"""Runs of made-up arrays for tests of the report."""

from pathlib import Path

import numpy as np

from nanochart.report import RunData, RunResults
from nanochart.store import Metadata
from nanochart.store.frames import view_frames
from nanochart.tempering import Ladder, diagnose_ladder, ladder_verdict, level_means

#: Stage -> arrays of which any tells that it has run.
STAGES = {
    "quench": {"inherent_energy"},
    "label": {"motif"},
    "train": {"split"},
    "chart": {"chart", "inherent_chart"},
    "families": {"family"},
}


def run_data(dataset, results=None, **facts):
    """A data set as the frames of a run, with what is said of them."""
    n = dataset.sizes.get("frame", 0)
    done = {stage: n for stage, names in STAGES.items() if names & set(dataset) and n}
    committed = {"frames": n, **done} if n else {}
    records = {stage: {} for stage in STAGES}
    frames = view_frames(dataset, Path("made-up.zarr"), 0, n, 1, committed, records)
    given = {
        "element": "Au", "n_atoms": dataset.sizes.get("atom", 13), "chunk_frames": 4,
        "n_replicas": dataset.sizes.get("replica", 4), **facts,
    }  # fmt: skip
    return RunData(frames, Metadata(**given), results or results_of(frames))


def results_of(frames, frame_time=None, **more):
    """What is computed of the arrays of a run."""
    thermal, quenched = frames.thermal, frames.so_far.has("quench")
    found = {}
    if thermal.rungs is not None and frames.ladder is not None and len(frames.ladder) > 1:
        outcome = thermal.exchanges
        ladder = diagnose_ladder(
            Ladder(tuple(frames.ladder)), np.maximum(thermal.rungs, 0), thermal.energies, outcome,
            frame_time=frame_time,
        )  # fmt: skip
        found |= {
            "ladder": ladder,
            "exchanges": ladder.exchanges,
            "verdict": ladder_verdict(ladder),
        }
    for name, values in (
        ("energies", thermal.energies),
        ("inherent_energies", frames.so_far.inherent.energies if quenched else None),
    ):
        kelvin = thermal.temperatures
        if values is not None and kelvin is not None and np.isfinite(values).any():
            found[name] = level_means(kelvin, values, "too few frames")
    return RunResults(**found | more)
