"""Umbrella sampling: windows that give a surface, and windows that give none."""

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from nanochart.biasing import Restraint
from nanochart.workflow import bias_run, fes_run, run_info
from nanochart.workflow.bias.plans import plan_of


def test_umbrella_windows_give_a_surface_in_one_dimension(charted):
    config = settings(
        charted, variables=["s1"], opes=None, walkers=None, time=0.065,
        umbrella={"low": [-1.0], "high": [1.0], "shape": [6], "stiffness": 1.0},
        dynamics={"time_step": 5.0},
    )  # fmt: skip
    run = bias_run(config, charted / "umbrella.zarr")
    assert run.metadata.n_replicas == 6
    assert plan_of(run).stride == 2  # every fifth would widen the windows
    found = fes_run(run, discard=0.0)
    assert found.surface.dimension == 1
    surface = found.surface
    assert surface.energy[surface.minimum] == 0.0
    assert not np.isfinite(surface.error[surface.energy < 0.0]).any()  # too few samples are near
    restraint = run.to_xarray()["restraint"][:, :, 0]
    np.testing.assert_allclose(restraint[0], np.linspace(-1, 1, 6))


def test_windows_that_do_not_overlap_are_told_by_the_run_itself(charted):
    config = settings(
        charted, variables=["s1"], opes=None, walkers=None, time=0.065,
        umbrella={"low": [-1.5], "high": [1.5], "shape": [2], "stiffness": 1.0},
    )  # fmt: skip
    path = charted / "gap.zarr"
    (advice,) = run_info(bias_run(config, path))["advice"]
    sentence = "window 1 shares less than 3% of its samples with window 2, so no free energy"
    assert sentence in advice
    assert advice.startswith(f"{path} gives no free energies: ")
    done = nanochart("bias", charted / "bias.yaml", "-o", path, "--resume", "-q")
    assert sentence in done.stdout
    assert sentence in nanochart("info", path).stdout


def test_windows_of_one_place_cannot_be_weighted_between(charted):
    assert Restraint.at([0.0], [1.0]).energy([[0.5]]) == pytest.approx(0.125)
    config = settings(
        charted, variables=["s1"], opes=None, walkers=None, time=0.065,
        umbrella={"low": [-1.2], "high": [1.2], "shape": [2], "stiffness": 2.0},
    )  # fmt: skip
    run = bias_run(config, charted / "apart.zarr")
    with pytest.raises(nc.errors.ConvergenceError, match="add windows between, or soften"):
        fes_run(run, discard=0.0)
