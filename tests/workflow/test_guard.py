"""The guard: a wall around what the model was trained on."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

import nanochart as nc
from helpers.biased import settings
from nanochart.biasing import Grid, Guarded, Umbrella, guard_grid, known_distance, known_reach
from nanochart.workflow import bias_run


def test_the_guard_tells_what_was_held_out_from_what_was_not():
    rng = np.random.default_rng(1)
    known, test = rng.normal(size=(2, 4000, 2))
    held_out = rng.normal(size=(500, 2)) * 0.3 + [6.0, 0.0]
    reach, tree = known_reach(known), cKDTree(known)
    assert (known_distance(tree, held_out) > reach).mean() > 0.99
    assert 0.002 < (known_distance(tree, test) > reach).mean() < 0.03


def test_the_guard_is_flat_where_frames_are_and_rises_outside():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(4000, 2))
    reach = known_reach(known)
    grid = guard_grid(known, (-9, -9), (9, 9), 2.0)
    assert grid([[0.0, 0.0], [0.5, -0.5]]).max() < 1e-9
    outside = float(grid([[7.0, 0.0]])[0])
    nearest = np.sort(np.linalg.norm(known - [7.0, 0.0], axis=1))[9]
    assert outside == pytest.approx((nearest - reach) ** 2, rel=0.05)
    free = Umbrella(((0.0, 0.0),), (0.0, 0.0))
    bias = Guarded(free, grid).bias(None, 0, 2)
    assert isinstance(bias.grid, Grid)
    energy, slope = bias.energy([[7.0, 0.0]])
    assert energy[0] == pytest.approx(outside, rel=1e-6)
    assert slope[0, 0] > 1.0


def test_a_guard_keeps_the_walkers_near_the_training_frames(charted, monkeypatch):
    # Not for a free energy: this pull heats the walkers, and the watch on that is not asked here.
    monkeypatch.setattr("nanochart.workflow.bias.run._TOO_HOT", np.inf)
    monkeypatch.setattr("nanochart.config.bias.FEWEST_OF_WINDOW", 40)
    far = {"umbrella": {"low": [3.0, 3.0], "high": [3.4, 3.4], "shape": [1, 1], "stiffness": 1.0}}
    common = {"opes": None, "walkers": 3, "time": 0.03, "stride": 5.0, **far,
              "dynamics": {"time_step": 5.0, "friction": 5e-3}}  # fmt: skip
    free = bias_run(settings(charted, **common), charted / "free.zarr")
    kept = bias_run(
        settings(charted, **common, guard={"stiffness": 1.5, "reach": 0.02}),
        charted / "guarded.zarr",
    )
    chart = nc.store.open(charted / "cu38.zarr").to_xarray()["chart"].to_numpy().reshape(-1, 2)

    def distance(run):
        s = run.to_xarray()["cv"][30:].to_numpy().reshape(-1, 2)
        return np.linalg.norm(s[:, None] - chart[None], axis=2).min(axis=1).mean()

    assert distance(kept) < 0.8 * distance(free)
