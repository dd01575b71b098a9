"""Biased runs on a ladder of temperatures, from the configuration to the free energies."""

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from nanochart.biasing import BiasPlan
from nanochart.errors import ConfigError, DynamicsError, StoreError
from nanochart.workflow import (
    bias_run,
    export_plumed,
    fes_run,
    fes_summary,
    report_run,
    run_info,
)
from nanochart.workflow.bias import run as run_module
from nanochart.workflow.bias.plans import plan_of
from nanochart.workflow.bias.run import _check_heat
from nanochart.workflow.fes.samples import weighted_frames
from nanochart.workflow.ladder import exchanges

LADDER = {"temperature": None, "temperatures": [350, 380, 410], "walkers": 6, "starts": None}
METADYNAMICS = {**LADDER, "opes": None, "metadynamics": {"height": 0.01}, "guard": {}}


@pytest.fixture(scope="module")
def heated(charted):
    return bias_run(settings(charted, **LADDER), charted / "heated.zarr")


def test_a_run_on_a_ladder_holds_rungs_exchanges_and_weights(heated):
    data = heated.to_xarray()
    assert heated.complete
    assert data["rung_log_weight"].shape == (120, 6, 3)
    T = np.array([350.0, 380.0, 410.0])
    rungs = data["rung"].to_numpy()
    np.testing.assert_array_equal(data["temperature"], T[rungs])
    np.testing.assert_array_equal(np.sort(rungs, axis=1), np.tile([0, 0, 1, 1, 2, 2], (120, 1)))
    own = np.take_along_axis(data["rung_log_weight"].to_numpy(), rungs[..., None], axis=2)
    np.testing.assert_allclose(data["log_weight"], own[..., 0], rtol=1e-12, atol=1e-12)
    tried = data["exchanged"].to_numpy()
    moved = np.diff(rungs, axis=0) != 0
    np.testing.assert_array_equal(tried[:-1] == 1, moved)
    assert moved.any()
    assert plan_of(heated).ladder == (350.0, 380.0, 410.0)


def test_exchanges_are_counted_of_the_pair_whose_walkers_changed_places(heated):
    data, found = heated.to_xarray(), exchanges(heated)
    rungs, outcome = data["rung"].to_numpy(), data["exchanged"].to_numpy()
    assert 2 * found.acceptance.attempts.sum() == (outcome >= 0).sum()
    for k in range(2):
        seen = ((rungs[:-1] == k) & (rungs[1:] == k + 1)).sum()
        last = ((rungs[-1] == k) & (outcome[-1] == 1)).sum()
        assert seen <= found.acceptance.accepted[k] <= seen + last
    assert run_info(heated)["exchange"]["pairs"][1]["attempts"] == found.acceptance.attempts[1]


@pytest.mark.usefixtures("undrawn")
def test_the_report_of_a_ladder_shows_its_exchanges_and_round_trips(heated, tmp_path):
    page = report_run(heated, tmp_path / "heated.html").read_text("utf-8")
    assert "Accepted exchanges of the 2 neighbouring pairs" in page
    trips = exchanges(heated).trips
    said = f"The {trips.size} walkers together made" if trips.any() else "None of the 6 walkers"
    assert said in page
    assert "replicas" not in page.partition("Accepted exchanges")[2].partition("</section>")[0]


def test_each_walker_has_the_kinetic_temperature_of_its_rung(heated):
    data = heated.to_xarray()
    ratio = data["kinetic_energy"] / data["temperature"] / (1.5 * 38 * nc.units.BOLTZMANN)
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.03)
    _check_heat(heated, plan_of(heated))


def test_heated_walkers_that_the_bias_heats_are_told(heated, monkeypatch):
    plan = plan_of(heated)
    monkeypatch.setattr(run_module, "BOLTZMANN", nc.units.BOLTZMANN / 1.2)
    with pytest.raises(DynamicsError, match=r"is \d+ K in place of 380 K over the last"):
        _check_heat(heated, plan)


@pytest.mark.parametrize("changes", [LADDER, METADYNAMICS], ids=["opes", "metadynamics"])
def test_a_run_on_a_ladder_that_was_stopped_goes_on_with_equal_bits(charted, changes, tmp_path):
    config = settings(charted, time=0.035, **changes)
    whole = bias_run(config, tmp_path / "whole.zarr")
    asked = []
    path = tmp_path / "stopped.zarr"
    run = bias_run(config, path, stop=lambda: len(asked) >= 20 or bool(asked.append(1)))
    assert not run.complete
    run = bias_run(config, path, resume=True)
    assert run.complete
    for name in ("positions", "cv", "energy", "rung", "exchanged", "rung_log_weight"):
        np.testing.assert_array_equal(run.to_xarray()[name], whole.to_xarray()[name])
    with pytest.raises(StoreError, match=r"was biased with other settings .temperatures"):
        bias_run(settings(charted, **{**changes, "temperatures": [350, 370, 410]}, time=0.035),
                 path, resume=True)  # fmt: skip


def test_rungs_that_do_not_overlap_are_told_at_the_end_of_the_run(heated, monkeypatch):
    plan = plan_of(heated)
    assert run_module._unconnected(heated, plan) is None
    monkeypatch.setattr("nanochart.free_energy.heated.LEAST_OVERLAP", 1.0)
    monkeypatch.setattr("nanochart.free_energy.overlap.LEAST_OVERLAP", 1.0)
    told = run_module._unconnected(heated, plan)
    assert "heated.zarr gives no free energies: the samples at 350 K share less" in told


def test_its_plan_is_the_same_after_it_was_stored(heated):
    plan = plan_of(heated)
    again = BiasPlan.from_record(*plan.to_record())
    assert again.fingerprint == plan.fingerprint
    assert again.heated(0).methods == plan.heated(0).methods
    assert [m.temperature for m in plan.heated(0).methods] == [350.0, 380.0, 410.0]


def test_its_free_energies_are_those_of_a_temperature_of_the_ladder(heated):
    found = fes_summary(fes_run(heated, by="motif", membership="place"))
    assert found["temperature"] == 350.0
    cold, hot = (weighted_frames(heated, None, T) for T in (None, 400.0))
    assert (cold.temperature, hot.temperature) == (350.0, 400.0)
    E = cold.frames.thermal.energies
    beta = [1.0 / (nc.units.BOLTZMANN * T) for T in (350.0, 400.0)]
    logs = hot.weighted().log_weights - cold.weighted().log_weights
    expected = (beta[0] - beta[1]) * (E - E.mean())
    np.testing.assert_allclose(logs, expected, atol=1e-8)
    assert np.ptp(cold.weighted().log_weights) > 0.5


def test_a_temperature_beyond_the_ladder_is_one_sentence(heated):
    with pytest.raises(ValueError, match=r"must be one from 350 to 410 K.*got 500"):
        fes_run(heated, temperature=500.0)
    with pytest.raises(ValueError, match=r"near 350 K, the lowest.*got 400 K"):
        fes_run(heated, temperature=400.0, membership="place")


def test_later_commands_take_a_run_on_a_ladder(heated, tmp_path):
    info = run_info(heated)
    assert info["exchange"]["temperatures"] == 3
    assert 0.0 < info["exchange"]["acceptance"] <= 1.0
    with pytest.raises(StoreError, match="has a bias of its own at each of 3 temperatures"):
        export_plumed(heated, tmp_path)
    assert "380-410 K" in nanochart("info", heated.path).stdout
    assert nanochart("thermo", heated.path, code=1).stderr.count("\n") <= 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"temperature": 400}, "give either temperature .K., or temperatures.*got both"),
        ({"temperatures": None}, "give either temperature .K., or temperatures.*got none"),
        ({"temperatures": [400]}, "must be two or more that rise; got 400"),
        ({"temperatures": [400, 380]}, "must be two or more that rise; got 400, 380"),
        ({"walkers": 4}, "must be a multiple of the 3 temperatures; got 4"),
        ({"swap_interval": 0.7}, "swap_interval .ps. must be a multiple of the pace, 0.5; got 0.7"),
        ({"temperature": 400, "temperatures": None, "swap_interval": 1}, "give temperatures, or"),
        ({"opes": None, "time": None,
          "steered": {"along": ["a", "b"], "duration": 1, "stiffness": 1}},
         "in equilibrium, whose walkers can change places; got steered"),
    ],
)  # fmt: skip
def test_a_ladder_that_cannot_be_is_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        settings(tmp_path, **{**LADDER, **changes})
