"""`nanochart bias`, `fes` and `export --to plumed`, from a small charted run to the numbers."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from helpers.files import plumed_columns
from nanochart.autoencoder import TrainingConfig
from nanochart.errors import ConfigError, DynamicsError, StoreError
from nanochart.workflow import (
    bias_run,
    chart_run,
    export_plumed,
    fes_run,
    fes_runs,
    fes_summary,
    label_run,
    quench_run,
    train_run,
)
from nanochart.workflow.bias.plans import dynamics_of, plan_of
from nanochart.workflow.bias.resolve import resolve
from nanochart.workflow.bias.run import _check_heat
from nanochart.workflow.fes.samples import weighted_frames


@pytest.fixture(scope="module")
def biased(charted):
    return bias_run(settings(charted), charted / "opes.zarr")


def test_impulses_follow_how_steep_an_adaptive_bias_is(biased):
    """(ω Δt)² of the curvature kT / sigma², by the gradients of the run's own frames."""
    plan = plan_of(biased)
    dynamics = dynamics_of(biased, plan)
    interval = plan.stride * plan.dynamics.time_step
    mass = dynamics.potential.mass * nc.units.AMU
    for a, width in enumerate(plan.method.sigma):
        square = np.exp(2.0 * weighted_frames(biased, None).log_gram([a])).mean()
        followed = nc.units.BOLTZMANN * 400.0 / width**2 * square * interval**2 / mass
        assert followed < 0.1  # 0.05 by those of the source; it was 0.3, and fcc twice as frequent


@pytest.mark.parametrize("changes", [
    {"stride": 25.0, "opes": {"barrier": 0.3, "sigma": [0.05, 0.05]}},
    {"stride": 25.0, "opes": None, "metadynamics": {"height": 0.01, "sigma": [0.05, 0.05]}},
])  # fmt: skip
def test_a_stride_that_cannot_follow_given_widths_is_refused(charted, changes):
    config = settings(charted, dynamics={"time_step": 5.0}, **changes)
    sentence = (
        r"^sigma of s1 must be at least 0\.\d+ for an impulse every 5 steps of 5 fs, .*; got 0.05"
    )
    with pytest.raises(ConfigError, match=sentence):
        bias_run(config, charted / "refused.zarr")
    assert not (charted / "refused.zarr").exists()


def test_plain_dynamics_looks_at_its_walls_as_rarely_as_it_may(charted):
    plan = plan_of(bias_run(settings(charted, opes=None), charted / "seldom.zarr"))
    assert 20.0 < plan.stride * plan.dynamics.time_step <= 32.0


def test_a_biased_run_holds_what_was_seen(biased):
    data = biased.to_xarray()
    assert biased.complete
    assert data["cv"].shape == (120, 2, 2)
    assert biased.metadata.kind == "biased"
    assert biased.metadata.provenance["variables"] == ["s1", "s2"]
    plan = plan_of(biased)
    np.testing.assert_array_equal(data["step"], plan.steps_per_round * np.arange(1, 121))
    assert plan.steps_per_round * plan.dynamics.time_step == pytest.approx(500.0)
    assert 7.0 < plan.dynamics.time_step == biased.metadata.time_step < 9.0
    assert plan.stride * plan.dynamics.time_step <= 32.0
    model = nc.autoencoder.load(biased.path.with_name("cu38.nanochart"))
    x = data["positions"][-1].to_numpy().astype(float)
    np.testing.assert_allclose(data["cv"][-1], model.encode(x), atol=2e-4)
    assert np.isfinite(data["log_weight"]).all()
    assert data["bias_energy"].max() > 0.02


def test_a_biased_run_says_at_its_start_what_it_will_take(charted):
    told = []
    bias_run(settings(charted), charted / "told.zarr", stop=lambda: True,
             progress=lambda *report: told.append(report))  # fmt: skip
    stage, done, total, note = told[0]
    assert (stage, done, total) == ("bias", 0, 120)
    assert re.fullmatch(r"2 walkers of 0\.06 ns: about \d+ (s|min) on \d threads?", note)


def test_a_run_that_was_stopped_goes_on_with_equal_bits(charted, biased):
    asked = []
    config = settings(charted)
    path = charted / "stopped.zarr"
    run = bias_run(config, path, stop=lambda: len(asked) >= 40 or bool(asked.append(1)))
    assert not run.complete
    run = bias_run(config, path, resume=True)
    for name in ("positions", "cv", "bias_energy", "log_weight", "energy"):
        np.testing.assert_array_equal(run.to_xarray()[name], biased.to_xarray()[name])
    with pytest.raises(StoreError, match=r"was biased with other settings .temperature was 400"):
        bias_run(settings(charted, temperature=350), path, resume=True)


def test_a_run_that_was_made_with_a_number_goes_on_with_it(charted):
    by_hand = settings(charted, dynamics={"time_step": 5.0})
    run = bias_run(by_hand, charted / "number.zarr", stop=lambda: True)
    plan = plan_of(run)
    assert not run.complete
    assert (plan.dynamics.time_step, plan.stride, plan.steps_per_round) == (5.0, 1, 100)
    run = bias_run(settings(charted), charted / "number.zarr", resume=True)
    assert run.complete
    assert run.to_xarray()["step"][-1] == 12_000


def test_later_commands_work_on_a_biased_run(charted, biased):
    path = charted / "copy.zarr"
    shutil.copytree(biased.path, path)
    run = nc.store.open(path, mode="a")
    quench_run(run)
    label_run(run)
    assert nanochart("label", path, "-q").stdout.endswith(f"next: nanochart fes {path}\n")
    found = fes_run(run, by="motif")
    assert found.populations.shares.value.sum() == pytest.approx(1.0)
    for share in fes_summary(found)["populations"].values():
        assert share["known"] == (share["value"] is not None)
        assert not share["known"] or share["low"] <= share["value"] <= share["high"]


def test_a_biased_run_is_charted_by_the_model_that_it_holds(charted, biased, tmp_path):
    shutil.copytree(biased.path, tmp_path / "copy.zarr")
    done = nanochart("chart", tmp_path / "copy.zarr", "-q")
    assert "configurations in 2 dimensions" in done.stdout
    run = nc.store.open(tmp_path / "copy.zarr")
    source = nc.store.open(charted / "cu38.zarr")
    assert run.info("chart")["model"] == source.info("chart")["model"]


def test_a_model_or_a_chart_that_is_not_there_is_told_by_what_helps(charted, tmp_path):
    shutil.copytree(charted / "cu38.zarr", tmp_path / "cu38.zarr")
    given = settings(tmp_path, model="moved.nanochart")
    with pytest.raises(ConfigError, match=r"moved\.nanochart, which the field model names: give "):
        resolve(given)
    with pytest.raises(ConfigError, match=r"no model .*cu38\.nanochart: train one .* name it in"):
        resolve(settings(tmp_path))
    nc.store.open(tmp_path / "cu38.zarr", mode="a").clear("families")
    nc.store.open(tmp_path / "cu38.zarr", mode="a").clear("chart")
    there = settings(tmp_path, model=str(charted / "cu38.nanochart"))
    with pytest.raises(ConfigError, match=r"has no chart to bias along: run `nanochart chart "):
        resolve(there)


def test_free_energies_are_written_and_drawn(charted, biased):
    done = nanochart("fes", biased.path, "--geometric", "-q", "--json", "-o", charted / "fes")
    result = json.loads(done.stdout)
    assert result["temperature"] == 400
    assert result["populations"]
    assert result["converged"] == result["verdict"].startswith("converged")
    for name in ("surface.csv", "free-energy.json", "surface.png", "surface.pdf", "geometric.png"):
        assert (charted / "fes" / name).exists()
    assert json.loads((charted / "fes" / "free-energy.json").read_text())["temperature"] == 400
    assert imread(charted / "fes" / "surface.png").std() > 0.01  # no blank page
    rows = (charted / "fes" / "surface.csv").read_text().splitlines()
    assert (
        rows[0] == "s1 / 1,s2 / 1,free energy / eV,standard error / eV,geometric free energy / eV"
    )


def test_independent_runs_are_compared_and_combined(charted, biased):
    other = bias_run(settings(charted, seed=1), charted / "opes1.zarr")
    paths = [biased.path, other.path]
    done = nanochart("fes", *paths, "-q", "--json", "-o", charted / "both")
    result = json.loads(done.stdout)
    assert [run["run"] for run in result["runs"]] == ["opes.zarr", "opes1.zarr"]
    shares = result["together"]["populations"]
    for name, own in shares.items():
        assert own == [run["populations"].get(name, own[k]) for k, run in enumerate(result["runs"])]
    assert {"from", "to", "runs"} <= set(result["together"])
    rows = (charted / "both" / "surface.csv").read_text().splitlines()
    assert rows[0].endswith("free energy of opes.zarr / eV,free energy of opes1.zarr / eV")
    table = np.genfromtxt(rows[1:], delimiter=",")
    # Of 120 frames nothing is known, so that there are places and no energies.
    assert not any(run["surface"]["known"] for run in result["runs"])
    assert np.isfinite(table[:, :2]).all()
    assert np.isnan(table[:, 2:]).all()
    assert all(b["energy"] is None for run in result["runs"] for b in run["basins"])


def test_parallel_tempering_and_a_biased_run_are_compared(charted, biased):
    source = nc.store.open(charted / "cu38.zarr")
    found = fes_runs([source, biased], by="motif", temperature=400.0)
    assert [part.method for part in found.parts] == ["parallel tempering", "opes"]
    for part in found.parts:
        np.testing.assert_array_equal(part.surface.axes, found.together.surface.axes)
    three = nanochart("fes", source.path, biased.path, "--temperature", "420", code=1)
    assert "is its own, 400 K; got 420" in " ".join(three.stderr.split())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "of the same configuration and seed, 0, which share their random numbers: give"),
        ({"time": 0.04}, "of the same configuration and seed, 0, which share"),
        ({"temperature": 420, "seed": 1}, "must have one temperature; got 400"),
    ],
)
def test_runs_that_do_not_belong_together_are_one_sentence(charted, biased, changes, sentence):
    other = bias_run(settings(charted, **changes), charted / "other.zarr")
    done = nanochart("fes", biased.path, other.path, code=1)
    assert sentence in " ".join(done.stderr.split())
    shutil.rmtree(other.path)


def test_metadynamics_is_exported_as_plumed_reads_it(charted):
    config = settings(
        charted, opes=None, metadynamics={"height": 0.01, "bias_factor": 10}, time=0.035
    )
    run = bias_run(config, charted / "metad.zarr")
    files = export_plumed(run, charted / "plumed")
    assert [f.name for f in files] == ["COLVAR.0", "COLVAR.1", "HILLS"]
    head = files[0].read_text().splitlines()[0]
    assert head == "#! FIELDS time s1 s2 bias"
    colvar, hills = plumed_columns(files[0]), plumed_columns(files[2])
    np.testing.assert_allclose(colvar["s1"], run.to_xarray()["cv"][:, 0, 0], rtol=1e-8)
    np.testing.assert_allclose(colvar["time"], 0.5 * np.arange(1, 71))
    assert list(hills) == ["time", "s1", "s2", "sigma_s1", "sigma_s2", "height", "biasf"]
    assert hills["height"][0] == pytest.approx(0.01 * 10 / 9)  # as PLUMED writes it
    # The hills make up the bias that the walkers felt.
    last = run.load_checkpoint().arrays
    s = np.array([colvar["s1"][30], colvar["s2"][30]])
    z = (np.stack([hills["s1"], hills["s2"]], 1) - s) / np.stack(
        [hills["sigma_s1"], hills["sigma_s2"]], 1
    )
    total = (hills["height"] * 0.9 * np.exp(-0.5 * (z**2).sum(1))).sum()
    method = plan_of(run).method
    state = method.initialize(2)._replace(values=last["method_values"])
    assert method.grid(state)(s) == pytest.approx(total, abs=2e-3)


def test_other_variables_can_be_biased(charted):
    name = nc.store.open(charted / "cu38.zarr").info("families")["names"][1]
    config = settings(
        charted, variables=["energy", "coordination", f"distance:{name}"], time=0.05,
        opes={"barrier": 0.2},
    )  # fmt: skip
    run = bias_run(config, charted / "other.zarr")
    values = run.to_xarray()["cv"].to_numpy()
    np.testing.assert_allclose(values[..., 0], run.to_xarray()["energy"], atol=1e-9)
    found = fes_run(run)  # a frame has a family of its own, whatever was biased
    assert found.populations.shares.value.sum() == pytest.approx(1.0)
    assert found.states.axes == ()


# -------------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"variables": ["s7"]}, "the chart has the coordinates s1 to s2; got s7"),
        ({"variables": ["speed"]}, "each of variables must be s1, s2, .* got 'speed'"),
        ({"starts": ["dh/77"]}, "'dh/77' is no family of .*; its families are"),
        ({"opes": None, "walkers": 3, "time": 0.1,
          "umbrella": {"along": [[9, 9], [0, 0]], "windows": 3, "stiffness": 1}},
         "outside of what the run has seen"),
        ({"opes": None, "walkers": 4, "time": 0.1,
          "umbrella": {"low": [0, 0], "high": [1, 1], "shape": [2, 2], "stiffness": 1e6}},
         "stiffness of a restraint of s1 must be"),
        ({"opes": None, "stride": 25, "walkers": 4, "time": 0.1, "dynamics": {"time_step": 5.0},
          "umbrella": {"low": [0, 0], "high": [1, 1], "shape": [2, 2], "stiffness": [1.0, 0]}},
         r"or a stride of \d+ fs"),
        ({"opes": None, "steered": {"along": [[0, 0], [0, 1]], "duration": 0.01, "hold": 0,
                                    "stiffness": 0.01}}, r"hold .ns. must be greater than 0"),
        ({"stop": {"between": ["dh/1", "ih/99"]}}, "stop.between must name two families of"),
        ({"walls": [{"variable": "q6", "at": 0.1, "stiffness": 1}]}, "must be one of s1, s2; got"),
        ({"model": "no.nanochart"}, "there is no model .*no.nanochart"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(charted, changes, sentence):
    with pytest.raises((ConfigError, ValueError), match=sentence):
        bias_run(settings(charted, **changes), charted / "never.zarr")
    assert not (charted / "never.zarr").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"metadynamics": {}}, "give one method; got metadynamics and opes"),
        ({"time": None}, "time .ns. is missing"),
        (
            {"pace": 0.013, "dynamics": {"time_step": 5.0}},
            "pace .ps. must be a multiple of dynamics.time_step, 5 fs; got 0.013",
        ),
        ({"temperature": -4}, "temperature .K. must be greater than 0; got -4"),
        ({"wals": []}, "did you mean walls"),
        ({"opes": {"barier": 1.0}}, r"opes.barrier \(eV\) is missing; .* did you mean barrier\?"),
        (
            {"opes": None, "umbrella": {"along": ["a", "b"], "stiffness": 1}},
            "give either along and",
        ),
    ],
)
def test_a_configuration_that_cannot_be_is_one_sentence(charted, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        settings(charted, **changes)


def test_a_model_of_quenched_frames_is_refused_for_moving_clusters(charted, tmp_path):
    shutil.copytree(charted / "cu38.zarr", tmp_path / "cu38.zarr")
    run = nc.store.open(tmp_path / "cu38.zarr", mode="a")
    training = TrainingConfig(target="self", bottleneck=2, epochs=1, batch_size=64)
    chart_run(run, train_run(run, tmp_path / "cu38.nanochart", training))
    with pytest.raises(ConfigError, match="target inherent; got target self, which was trained on"):
        bias_run(settings(tmp_path, starts=None), tmp_path / "never.zarr")


def test_a_bias_that_is_too_strong_says_so_and_loses_nothing(charted):
    settings(charted, opes=None, metadynamics={"height": 3.0, "bias_factor": 500.0})
    done = nanochart("bias", charted / "bias.yaml", "-q", "-o", charted / "strong.zarr", code=1)
    assert "the bias is too strong" in done.stderr
    assert done.stderr.strip().count("\n") == 0
    kept = nc.store.open(charted / "strong.zarr")
    assert kept.verify() == []
    assert np.isfinite(kept.to_xarray()["positions"][: kept.committed()]).all()


def test_a_surface_of_an_unfinished_run_is_one_sentence(charted):
    run = bias_run(settings(charted), charted / "short.zarr", stop=lambda: True)
    with pytest.raises(StoreError, match="a surface needs at least 50: run `nanochart bias CONFIG"):
        fes_run(run)


def test_a_biased_run_has_its_own_temperature(biased):
    with pytest.raises(ValueError, match="is its own, 400 K; got 350"):
        fes_run(biased, temperature=350)


def test_walkers_that_the_bias_heats_are_not_taken_for_an_ensemble(charted):
    """A chain of hot frames, as a stride that is too long gives them."""
    run = bias_run(settings(charted), charted / "hot.zarr")
    plan = plan_of(run)
    _check_heat(run, plan)  # what was sampled has its temperature
    colder = replace(plan, temperature=350.0)
    with pytest.raises(
        DynamicsError, match=r"the bias heats the walkers: .* take a smaller stride"
    ):
        _check_heat(run, colder)


def test_a_grid_that_is_too_large_is_refused_before_any_work(opened, monkeypatch):
    def begun(*_):
        raise AssertionError

    monkeypatch.setattr("nanochart.workflow.fes.run.states_are_made", begun)
    with pytest.raises(
        ValueError, match=r"at most 4,000,000 nodes; got 3000 x 3000.*2,000 for each"
    ):
        fes_run(opened, by="motif", temperature=500.0, shape=3_000)
