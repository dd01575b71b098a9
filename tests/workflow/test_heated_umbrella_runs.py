"""Umbrella sampling on a ladder of temperatures, from the configuration to the free energies."""

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from nanochart.biasing import BiasPlan
from nanochart.errors import ConfigError, ConvergenceError, StoreError
from nanochart.workflow import bias_run, export_plumed, fes_run, report_run, run_info
from nanochart.workflow.bias.plans import plan_of
from nanochart.workflow.fes.samples import weighted_frames
from nanochart.workflow.ladder import exchanges

T = (350.0, 380.0, 410.0)
HEATED = {
    "temperature": None, "temperatures": list(T), "variables": ["s1"], "opes": None,
    "umbrella": {"low": [-0.6], "high": [0.6], "shape": [3], "stiffness": 0.5}, "walkers": None,
    "time": 0.065,
}  # fmt: skip


@pytest.fixture(scope="module")
def heated(charted):
    return bias_run(settings(charted, **HEATED), charted / "heated-umbrella.zarr")


def test_each_window_has_a_walker_at_each_temperature_whatever_is_exchanged(heated):
    data, plan = heated.to_xarray(), plan_of(heated)
    assert heated.complete
    assert heated.metadata.n_replicas == 9
    rungs = data["rung"].to_numpy()
    assert (np.diff(rungs, axis=0) != 0).any()
    centres = np.array([-0.6, 0.0, 0.6])[plan.windows]
    np.testing.assert_allclose(data["restraint"][..., 0], np.tile(centres, (len(rungs), 1)))
    for window in range(3):
        mine = np.sort(rungs[:, plan.windows == window], axis=1)
        np.testing.assert_array_equal(mine, np.tile([0, 1, 2], (len(rungs), 1)))
    np.testing.assert_array_equal(data["temperature"], np.array(T)[rungs])
    ratio = data["kinetic_energy"] / data["temperature"] / (1.5 * 38 * nc.units.BOLTZMANN)
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.03)
    assert set(plan.start_names) == {"window 1", "window 2", "window 3"}


def test_its_frames_are_weighted_by_window_and_temperature(heated):
    cold, hot = (weighted_frames(heated, None, t, membership="own") for t in (None, 400.0))
    E = cold.frames.thermal.energies
    beta = [1.0 / (nc.units.BOLTZMANN * t) for t in (350.0, 400.0)]
    one, other = cold.weighted(), hot.weighted()
    expected = (beta[0] - beta[1]) * (E - E.mean())
    np.testing.assert_allclose(other.log_weights - one.log_weights, expected, atol=1e-8)
    assert one.windows == (0, 1, 2) * 3
    assert one.mixture.shares.shape == (E.size, 9)
    s = cold.values()[..., 0]
    V = 0.5 * 0.5 * (s[..., None] - np.array([-0.6, 0.0, 0.6])) ** 2
    mine = np.take_along_axis(V, np.broadcast_to(cold.plan.windows, s.shape)[..., None], axis=-1)
    np.testing.assert_allclose(cold.frames.biased.energies, mine[..., 0], atol=1e-9)
    found = fes_run(heated, by="motif", membership="place")
    assert found.temperature == 350.0
    assert found.surface.dimension == 1


@pytest.mark.usefixtures("undrawn")
def test_info_and_report_show_its_exchanges(heated, tmp_path):
    counts = exchanges(heated).acceptance
    outcome = heated.to_xarray()["exchanged"].to_numpy()
    assert 2 * counts.attempts.sum() == (outcome >= 0).sum()
    info = run_info(heated)
    assert info["exchange"]["pairs"][1]["attempts"] == counts.attempts[1]
    assert "380-410 K" in nanochart("info", heated.path).stdout
    page = report_run(heated, tmp_path / "heated.html").read_text("utf-8")
    assert "Accepted exchanges of the 2 neighbouring pairs" in page
    with pytest.raises(StoreError, match="has a bias of its own at each of 3 temperatures"):
        export_plumed(heated, tmp_path)


def test_a_run_that_was_stopped_goes_on_with_equal_bits(charted, heated, tmp_path):
    config, path, asked = settings(charted, **HEATED), tmp_path / "stopped.zarr", []
    run = bias_run(config, path, stop=lambda: len(asked) >= 20 or bool(asked.append(1)))
    assert not run.complete
    run = bias_run(config, path, resume=True)
    assert run.complete
    for name in ("positions", "cv", "energy", "rung", "exchanged", "bias_energy"):
        np.testing.assert_array_equal(run.to_xarray()[name], heated.to_xarray()[name])
    plan = plan_of(run)
    assert BiasPlan.from_record(*plan.to_record()).fingerprint == plan.fingerprint


def test_windows_far_apart_are_told_at_the_end_of_the_run(charted):
    apart = {"low": [-1.5], "high": [1.5], "shape": [2], "stiffness": 1.0}
    config = settings(charted, **{**HEATED, "temperatures": [350, 380], "umbrella": apart})
    run = bias_run(config, charted / "heated-apart.zarr")
    (advice,) = run_info(run)["advice"]
    assert "window 1 shares less than 3% of its samples with window 2, so no free" in advice
    with pytest.raises(ConvergenceError, match="add windows between, or soften"):
        fes_run(run, membership="place", by="motif")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"walkers": 6}, r"a multiple of the 3 windows at 3 temperatures, 9 in all; got 6"),
        ({"walkers": 8}, r"a multiple of the 3 temperatures; got 8"),
    ],
)
def test_walkers_that_do_not_fill_windows_and_rungs_are_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        settings(tmp_path, **{**HEATED, **changes})
