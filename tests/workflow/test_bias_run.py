"""`nanochart bias`, `fes` and `export --to plumed`, from a small charted run to the numbers."""

import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread
from scipy.spatial import cKDTree

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from helpers.files import plumed_columns
from nanochart.autoencoder import TrainingConfig
from nanochart.biasing import (
    Grid,
    Guarded,
    Restraint,
    Umbrella,
    guard_grid,
    known_distance,
    known_reach,
)
from nanochart.config.bias import BiasConfig
from nanochart.config.run import validated
from nanochart.errors import ConfigError, DynamicsError, StoreError
from nanochart.workflow import (
    Refinement,
    bias_run,
    chart_run,
    export_plumed,
    fes_run,
    fes_runs,
    fes_summary,
    label_run,
    quench_run,
    refine_run,
    run_info,
    thermo_run,
    train_run,
    works_of_runs,
)
from nanochart.workflow.bias.plans import plan_of
from nanochart.workflow.bias.resolve import resolve
from nanochart.workflow.bias.run import _check_heat
from nanochart.workflow.fes.works import _drifts
from nanochart.workflow.refine import new_minima


@pytest.fixture(scope="module")
def biased(charted):
    return bias_run(settings(charted), charted / "opes.zarr")


def test_a_biased_run_holds_what_was_seen(biased):
    data = biased.to_xarray()
    assert biased.complete
    assert data["cv"].shape == (120, 2, 2)
    assert biased.metadata.kind == "biased"
    assert biased.metadata.provenance["variables"] == ["s1", "s2"]
    np.testing.assert_array_equal(data["step"], 100 * np.arange(1, 121))
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


def test_umbrella_windows_give_a_surface_in_one_dimension(charted):
    config = settings(
        charted, variables=["s1"], opes=None, walkers=None, time=0.065,
        umbrella={"low": [-1.0], "high": [1.0], "shape": [6], "stiffness": 1.0},
    )  # fmt: skip
    run = bias_run(config, charted / "umbrella.zarr")
    assert run.metadata.n_replicas == 6
    assert plan_of(run).stride == 2  # every fifth would widen the windows
    found = fes_run(run, discard=0.0)
    assert found.surface.dimension == 1
    assert np.nanmin(found.surface.energy) == 0.0
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


def steer(folder, way, name, **changes):
    steered = {"along": way, "duration": 0.02, "hold": 0.01, "stiffness": 0.1}
    config = settings(
        folder, opes=None, time=None, stride=1,
        **{"walkers": 10, **changes, "steered": {**steered, **changes.get("steered", {})}},
    )  # fmt: skip
    return bias_run(config, folder / name)


@pytest.fixture(scope="module")
def steered(charted):
    names = nc.store.open(charted / "cu38.zarr").info("families")["names"]
    ends = [names[1], names[2]]
    return [steer(charted, way, f"steered{k}.zarr") for k, way in enumerate((ends, ends[::-1]))]


def test_steered_walkers_go_from_family_to_family_and_works_are_compared(charted, steered):
    data = steered[0].to_xarray()
    assert data.sizes["frame"] == 60
    assert (data["work"][:20] == 0).all()  # at rest while it is held
    assert (data["work"][-1] != 0).all()
    moved = data["restraint"][-1, 0] - data["restraint"][0, 0]
    assert np.abs(moved).max() > 0.05
    done = nanochart("fes", steered[0].path, "--backward", steered[1].path, "--json")
    result = json.loads(done.stdout)
    names = nc.store.open(charted / "cu38.zarr").info("families")["names"]
    assert (result["from"], result["to"], result["works"]) == (names[1], names[2], [10, 10])
    assert (result["difference"] is None) == ("do not overlap" in result["advice"])
    assert imread(charted / "steered0-fes" / "works.png").std() > 0.01
    with pytest.raises(StoreError, match="is a steered run, which is out of equilibrium"):
        fes_run(steered[0])


def test_steered_walkers_start_from_different_frames_of_the_first_place(charted, steered):
    plan = plan_of(steered[0])
    assert len({x.tobytes() for x in plan.starts}) == 10
    source = nc.store.open(charted / "cu38.zarr")
    data = source.to_xarray()
    x = data["positions"].to_numpy().astype(float)
    known = (x - x.mean(axis=2, keepdims=True)).reshape(-1, 38, 3)
    codes = data["family"].to_numpy().ravel()
    for start in plan.starts:
        assert codes[np.abs(known - start).max(axis=(1, 2)).argmin()] == 1
    assert plan.start_names == (source.info("families")["names"][1],) * 10
    config = {**steered[0].metadata.config, "starts": list(plan.places[:1])}
    same = resolve(validated(BiasConfig, config, "the configuration"))
    assert same.plan.fingerprint == plan.fingerprint  # to name the first place changes nothing
    with pytest.raises(ConfigError, match=r"must start at its first place, .*; got starts: fcc"):
        steer(charted, plan.places, "never.zarr", starts=["fcc"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steered": {"stiffness": 0.05}}, "the stiffness 0.1, 0.1 eV per unit² and 0.05, 0.05"),
        ({"steered": {"duration": 0.01}}, "moves of 20 ps and 10 ps"),
        ({"temperature": 420}, "the temperature 400 K and 420 K"),
        ({"variables": ["s1"]}, "the variables s1, s2 and s1"),
    ],
)
def test_works_of_another_protocol_are_not_combined(charted, steered, tmp_path, changes, sentence):
    way = plan_of(steered[1]).places
    other = steer(charted, way, "other.zarr", walkers=2, **changes)
    moved = shutil.move(other.path, tmp_path / "other.zarr")
    with pytest.raises(StoreError, match=f"must be the mirror of the forward .*{sentence}"):
        works_of_runs(steered[:1], [nc.store.open(moved)])


def test_works_that_go_elsewhere_or_are_taken_twice_are_not_combined(steered):
    with pytest.raises(StoreError, match=r"must be of one protocol, .* the way from"):
        works_of_runs(steered)
    with pytest.raises(StoreError, match=r"must be the mirror of the forward .* the way from"):
        works_of_runs(steered[:1], steered[:1])
    with pytest.raises(StoreError, match=r"must be independent; .* give each its own seed"):
        works_of_runs([steered[0], steered[0]])


@pytest.mark.parametrize(("trend", "moving"), [(0.0, False), (0.3, True)])
def test_walkers_that_still_move_when_the_hold_ends_are_told(trend, moving):
    rng = np.random.default_rng(0)
    rounds, walkers = 30, 12
    values = rng.normal(size=(40, walkers, 2)) + trend * np.arange(40)[:, None, None]
    values[rounds:] += 100.0  # what comes after the hold is no part of it
    run = SimpleNamespace(
        frames=lambda a, b: SimpleNamespace(biased=SimpleNamespace(variables=values[a:b]))
    )
    plan = SimpleNamespace(
        method=SimpleNamespace(steps=(rounds * 100, 4000)), steps_per_round=100, n_walkers=walkers
    )
    assert _drifts(run, plan) is moving


def test_few_works_say_that_nothing_is_known(charted, steered):
    few = steer(charted, plan_of(steered[0]).places, "few.zarr", walkers=4)
    works = works_of_runs([few])
    assert not works.estimate.known
    done = nanochart("fes", few.path, code=0)
    assert "unknown" in done.stdout
    assert "4 works are too few" in done.stdout


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


# ------------------------------------------------------------------------------------ refine


def test_a_refinement_adds_what_was_found_and_keeps_the_latent_frame(charted, tmp_path):
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if name.endswith("zarr") else shutil.copy)(charted / name, tmp_path / name)
    config = settings(tmp_path, temperature=600, opes={"barrier": 0.4}, time=0.05)
    run = nc.store.open(tmp_path / "cu38.zarr", mode="a")
    before = run.to_xarray()["chart"].to_numpy().reshape(-1, 2)
    (first,) = refine_run(run, config)
    assert first.new_minima > 5  # a liquid finds what a solid at 500 K did not
    assert first.error_after < first.error_before
    old = run.to_xarray()["inherent_energy"].to_numpy()
    added = nc.store.open(tmp_path / first.run).to_xarray()
    added = added["inherent_energy"].to_numpy()[added["quench_converged"].to_numpy() == 1]
    fresh = np.sort([e for e in added if np.abs(old - e).min() > 2e-4])
    assert first.new_minima >= 1 + (np.diff(fresh) > 1e-4).sum()  # those told by energy alone
    after = run.to_xarray()["chart"].to_numpy().reshape(-1, 2)
    assert np.sqrt(((after - before) ** 2).sum(axis=1).mean()) == pytest.approx(
        first.shift, rel=0.1
    )
    # No rotation of the new chart lies closer to the old one.
    for angle in (0.5, 1.5, 3.0):
        c, s = np.cos(angle), np.sin(angle)
        turned = after @ np.array([[c, s], [-s, c]])
        assert ((turned - before) ** 2).sum() > ((after - before) ** 2).sum()
    assert run.committed("families") == run.committed()
    # A second call goes on from the first.
    done = nanochart("refine", tmp_path / "cu38.zarr", "--bias", tmp_path / "bias.yaml", "-q")
    assert "cu38-refine-2.zarr" in done.stdout


def test_new_minima_are_told_by_energy_and_shape():
    energies, shapes = np.array([-10.0, -9.5]), np.array([[3.0, 3.0, 3.0], [2.5, 3.0, 3.5]])
    # The energy of a known one with another shape; known ones, quenched again; one that is new
    # twice.
    E = np.array([-10.0, -9.5 + 6e-5, -10.0 - 4e-5, -9.0, -9.0 + 5e-5])
    x = np.array([[2.9, 3.0, 3.1], *shapes[::-1], [2.0, 3.0, 4.0], [2.0, 3.001, 4.0]])
    assert new_minima((energies, shapes), (E, x)).tolist() == [0, 3]
    assert new_minima((energies, shapes), (E[1:3], x[1:3])).size == 0


@pytest.mark.parametrize(("shift", "kept"), [(0.02, True), (1.4, False)])
def test_a_refinement_says_whether_places_keep_their_meaning(shift, kept):
    found = Refinement("r", "m", 10, 0, np.nan, 0.0, np.nan, np.nan, shift)
    assert f"lie {shift:.2f} from where they were" in found.moved
    assert ("keep their meaning" in found.moved) == kept
    assert ("do not mean the same" in found.moved) != kept


def test_a_run_without_a_model_cannot_be_refined(charted, tmp_path):
    run = nc.store.create(
        tmp_path / "bare.zarr", element="Cu", n_atoms=38, n_frames=2, n_replicas=1
    )
    with pytest.raises(StoreError, match="has no model to refine: run `nanochart train"):
        refine_run(run, settings(charted))


# ------------------------------------------------------------------------------------- guard


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
    # Not for a free energy: this pull heats the walkers when it lasts.
    monkeypatch.setattr("nanochart.config.bias.FEWEST_OF_WINDOW", 40)
    far = {"umbrella": {"low": [3.0, 3.0], "high": [3.4, 3.4], "shape": [1, 1], "stiffness": 1.0}}
    common = {"opes": None, "walkers": 3, "time": 0.03, "stride": 1, **far}
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
        ({"opes": None, "stride": 5, "walkers": 4, "time": 0.1,
          "umbrella": {"low": [0, 0], "high": [1, 1], "shape": [2, 2], "stiffness": [0.5, 0]}},
         "or a stride of 4"),
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
        ({"pace": 0.013}, "pace .ps. must be a multiple of stride time steps"),
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


def test_parallel_tempering_has_a_surface_in_its_chart(charted):
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    T = float(thermo.temperatures[20])
    found = fes_run(run, by="motif", temperature=T, geometric=True)
    assert found.method == "parallel tempering"
    assert found.variables == ("s1", "s2")
    assert found.geometric.gauge_invariant
    assert any(state for state, _, _ in found.basins)
    cold = fes_run(run, by="motif", temperature=310)
    at = found.states.names.index("fcc")  # the truncated octahedron
    assert cold.populations.shares.value[at] > found.populations.shares.value[at]


def test_thermo_and_fes_give_equal_numbers_for_one_thing(charted):
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    found = fes_run(run, by="motif", temperature=float(thermo.temperatures[20]))
    shares = found.populations.shares
    for k, name in enumerate(found.states.names):
        if name not in thermo.populations:
            assert shares.value[k] == 0.0
            continue
        for part in ("value", "error", "low", "high", "known"):
            theirs = getattr(thermo.populations[name], part)[20]
            np.testing.assert_allclose(getattr(shares, part)[k], theirs, rtol=1e-9, atol=1e-12)
    for (a, b), gap in thermo.free_energy_differences.items():
        mine = fes_run(run, by="motif", temperature=found.temperature, between=(a, b)).difference
        assert mine.value == pytest.approx(float(gap.value[20]), rel=1e-9)
        assert bool(mine.known) == bool(gap.known[20])


def test_a_ladder_that_is_not_mixed_is_not_converged_in_either_command(charted, monkeypatch):
    said = "The ladder is not mixed: none of 6 replicas went from one end to the other and back"
    monkeypatch.setattr("nanochart.tempering.tempered.ladder_reservation", lambda _: said)
    for name, nothing in (("load_result", None), ("save_result", False)):  # not of that run
        monkeypatch.setattr(nc.store.Run, name, lambda *_, nothing=nothing: nothing)
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    assert said in thermo.warnings
    assert not any(p.known.any() for p in thermo.populations.values())
    options = ["--by", "motif", "--temperature", "400", "-q", "-o", charted / "pt-fes"]
    done = nanochart("fes", run.path, *options)
    assert "not converged: unknown is the share of" in done.stdout
    assert "not mixed" in done.stdout
    assert "\nconverged" not in done.stdout
    assert "%  (" not in done.stdout  # no digits where nothing is known


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "need a temperature (--temperature) from 300 to 500 K"),
        (["--temperature", "900"], "need a temperature (--temperature) from 300 to 500 K"),
    ],
)
def test_a_temperature_off_the_ladder_is_one_sentence(charted, options, sentence):
    done = nanochart("fes", charted / "cu38.zarr", *options, code=1)
    assert sentence in " ".join(done.stderr.split())


def test_a_biased_run_has_its_own_temperature(biased):
    with pytest.raises(ValueError, match="is its own, 400 K; got 350"):
        fes_run(biased, temperature=350)


def test_windows_of_one_place_cannot_be_weighted_between(charted):
    assert Restraint.at([0.0], [1.0]).energy([[0.5]]) == pytest.approx(0.125)
    config = settings(
        charted, variables=["s1"], opes=None, walkers=None, time=0.065,
        umbrella={"low": [-1.2], "high": [1.2], "shape": [2], "stiffness": 2.0},
    )  # fmt: skip
    run = bias_run(config, charted / "apart.zarr")
    with pytest.raises(nc.errors.ConvergenceError, match="add windows between, or soften"):
        fes_run(run, discard=0.0)


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
