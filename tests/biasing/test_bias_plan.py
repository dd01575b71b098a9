"""The plan of a biased run: what it was resolved to stays, whatever becomes of its source."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from helpers.surfaces import WELL, run
from nanochart.autoencoder import TrainingConfig
from nanochart.biasing import BiasPlan, Unbiased, Wall
from nanochart.config.bias import BiasConfig
from nanochart.config.run import validated
from nanochart.errors import ConfigError, StoreError
from nanochart.units import BOLTZMANN
from nanochart.workflow import (
    bias_run,
    chart_run,
    export_plumed,
    families_config,
    families_run,
    fes_run,
    label_run,
    lengthened,
    quench_run,
    run_config,
    run_info,
    sample,
    train_run,
)
from nanochart.workflow.fes.samples import weighted_frames

ARRAYS = ("positions", "cv", "bias_energy", "log_weight", "energy", "restraint", "work")
GUARD = {"stiffness": 0.15, "reach": 0.02}
FAMILY = "FAMILY"
RUNS = {
    "opes": {"opes": {"barrier": 0.3}, "guard": GUARD},
    "metadynamics": {"opes": None, "metadynamics": {"height": 0.01, "bias_factor": 10}},
    "umbrella": {
        "opes": None, "variables": ["s1"], "walkers": None, "stride": 1, "guard": GUARD,
        "time": 0.065,
        "umbrella": {"along": [FAMILY, [0.3]], "windows": 3, "stiffness": 0.5},
    },
    "distance": {"variables": [f"distance:{FAMILY}"], "opes": {"barrier": 0.2}},
    "plain": {
        "opes": None, "guard": GUARD,
        "walls": [{"variable": "s1", "at": -0.5, "stiffness": 0.2}],
    },
}  # fmt: skip


def config_of(folder, name, family):
    def named(value):
        if isinstance(value, dict):
            return {key: named(part) for key, part in value.items()}
        if isinstance(value, list):
            return [named(part) for part in value]
        return value.replace(FAMILY, family) if isinstance(value, str) else value

    return settings(folder, **{"time": 0.035, **named(RUNS[name])})


@pytest.fixture(scope="module")
def begun(charted, tmp_path_factory):
    """Biased runs that were stopped, beside their source and beside one that changed since.

    It is longer, its model was trained anew at the same path, it is charted by that, and its
    families were found again with other settings.
    """
    same, changed = (tmp_path_factory.mktemp(name) for name in ("same", "changed"))
    family = nc.store.open(charted / "cu38.zarr").info("families")["names"][2]
    for part in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if part.endswith("zarr") else shutil.copy)(charted / part, same / part)
    for name in RUNS:
        asked = []
        bias_run(
            config_of(same, name, family), same / f"{name}.zarr",
            stop=lambda asked=asked: len(asked) >= 30 or bool(asked.append(1)),
        )  # fmt: skip
    shutil.copytree(same, changed, dirs_exist_ok=True)
    path = changed / "cu38.zarr"
    config = lengthened(run_config(nc.store.open(path)), path, 0.3)
    source = sample(config, path, resume=True)
    quench_run(source)
    label_run(source)
    training = TrainingConfig(target="inherent", bottleneck=2, epochs=3, batch_size=64, seed=4)
    model = train_run(source, changed / "cu38.nanochart", training)
    chart_run(source, model)
    families_run(source, families_config({"size": 20, "refine": False}), model=model,
                 measures=False)  # fmt: skip
    for folder in (same, changed):
        for name in RUNS:
            bias_run(config_of(folder, name, family), folder / f"{name}.zarr", resume=True)
    return SimpleNamespace(same=same, changed=changed, family=family)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on_with_equal_bits_whatever_became_of_its_source(begun, name):
    runs = [nc.store.open(folder / f"{name}.zarr") for folder in (begun.same, begun.changed)]
    assert all(each.complete for each in runs)
    here, there = (each.to_xarray() for each in runs)
    for array in ARRAYS:
        np.testing.assert_array_equal(here[array], there[array], err_msg=array)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_weighted_by_what_it_was_biased_with(begun, name):
    frames = [
        weighted_frames(nc.store.open(folder / f"{name}.zarr"), 0.0)
        for folder in (begun.same, begun.changed)
    ]
    here, there = (
        each.plan.window_energies(each.values())
        if name == "umbrella"
        else each.weighted().log_weights
        for each in frames
    )
    np.testing.assert_array_equal(here, there)
    np.testing.assert_array_equal(*(each.log_gram([0]) for each in frames))


@pytest.mark.parametrize("name", ["metadynamics", "umbrella"])
def test_files_for_plumed_are_of_the_bias_that_acted(begun, tmp_path, name):
    written = []
    for folder in (begun.same, begun.changed):
        target = tmp_path / folder.name
        written.append(export_plumed(nc.store.open(folder / f"{name}.zarr"), target))
    assert [p.name for p in written[0]] == [p.name for p in written[1]]
    for here, there in zip(*written, strict=True):
        assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize("membership", ["own", "place"])
def test_states_are_told_by_the_source_as_it_was(begun, tmp_path, membership):
    """The source has another chart and other families by now."""
    found = []
    for folder in (begun.same, begun.changed):
        shutil.copytree(folder / "opes.zarr", tmp_path / f"{folder.name}.zarr")
        run = nc.store.open(tmp_path / f"{folder.name}.zarr", mode="a")
        found.append(fes_run(run, by="family", membership=membership, discard=0.0))
    here, there = found
    assert here.states.names == there.states.names
    np.testing.assert_array_equal(here.states.codes, there.states.codes)
    np.testing.assert_array_equal(here.populations.shares.value, there.populations.shares.value)
    assert here.outside == there.outside


def test_a_run_goes_on_without_its_source(begun, charted, tmp_path):
    alone = tmp_path / "elsewhere.zarr"
    shutil.copytree(begun.same / "opes.zarr", alone)
    config = config_of(charted, "opes", begun.family)
    config = config.model_copy(update={"time": 0.05, "run": str(tmp_path / "gone.zarr")})
    longer = bias_run(config, alone, resume=True)
    assert longer.committed() == 100
    asked = run_info(longer)["made_from"]["config"]
    assert (asked["time"], asked["run"]) == (0.05, config.run)
    assert len(export_plumed(longer, tmp_path / "plumed")) == 2


# --------------------------------------------------------------------------- what is stored


@pytest.mark.parametrize("name", RUNS)
def test_a_plan_is_the_same_after_it_was_stored(begun, name):
    from nanochart.workflow.bias.plans import plan_of

    plan = plan_of(nc.store.open(begun.same / f"{name}.zarr"))
    again = BiasPlan.from_record(*plan.to_record())
    assert again.fingerprint == plan.fingerprint
    assert again.method == plan.method
    assert again.names == plan.names
    assert (again.guard is None) == (name not in {"opes", "umbrella", "plain"})
    for change in ({"seed": 1}, {"temperature": 401.0}, {"stride": plan.stride + 1}):
        assert replace(plan, **change).fingerprint != plan.fingerprint
    moved = replace(plan, origin=replace(plan.origin, run="moved.zarr"))
    assert moved.fingerprint == plan.fingerprint


@pytest.fixture
def copy(begun, tmp_path):
    path = tmp_path / "opes.zarr"
    shutil.copytree(begun.same / "opes.zarr", path)
    return path


def test_a_run_without_a_plan_is_read_but_not_gone_on_with(begun, charted, copy):
    for file in (copy / "restart" / "files").glob("plan.npz*"):
        file.unlink()
    old = nc.store.open(copy)
    assert old.to_xarray()["positions"].shape[0] == 70
    for use in (
        lambda: bias_run(config_of(charted, "opes", begun.family), copy, resume=True),
        lambda: fes_run(old),
        lambda: export_plumed(old, copy.with_name("plumed")),
    ):
        with pytest.raises(StoreError, match=r"holds no plan of its bias, .* bias anew with"):
            use()


@pytest.mark.parametrize("name", ["plan.npz", "chart.nanochart"])
def test_a_plan_that_was_damaged_is_refused(begun, charted, copy, name):
    file = copy / "restart" / "files" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{name} is damaged: it does not have the checksum"):
        bias_run(config_of(charted, "opes", begun.family), copy, resume=True)


# ------------------------------------------------------------------------ walls and weights


def test_plain_dynamics_is_weighted_by_its_walls_and_guard(begun):
    data = nc.store.open(begun.same / "plain.zarr").to_xarray()
    V = data["bias_energy"].to_numpy()
    assert V.max() > 0.005
    np.testing.assert_allclose(data["log_weight"], V / (BOLTZMANN * 400.0), rtol=1e-12)


def test_plain_dynamics_with_a_wall_gives_averages_without_it():
    """A wall through the middle of a Gaussian well, and the mean of the well."""
    broad = replace(WELL, centres=((0.0,),), populations=(1.0,), sigma=0.3)
    method = Unbiased(broad.temperature, (Wall(0, 0.0, 0.5),))
    _, values, logs = run(broad, method, 3000, steps=50)
    weights = np.exp(logs[50:])
    s = values[50:, :, 0]
    assert s.mean() < -0.05
    assert (weights * s).sum() / weights.sum() == pytest.approx(0.0, abs=0.025)


# --------------------------------------------------------------------------- a run that stops


def stopping(folder, family, monkeypatch, error=0.02):
    """A configuration whose wanted difference is known as soon as it is asked for."""
    asked = []

    def known(run, *_):
        asked.append(run.committed())
        return SimpleNamespace(value=0.1, error=0.01, known=True)

    monkeypatch.setattr("nanochart.workflow.fes.run.state_difference", known)
    other = nc.store.open(folder / "cu38.zarr").info("families")["names"][1]
    monkeypatch.setattr("nanochart.workflow.bias.run._FEWEST", 1)
    monkeypatch.setattr("nanochart.workflow.bias.run._BLOCK_BYTES", 12 * 38 * 2 * 10)
    return settings(folder, stop={"between": [other, family], "error": error}), asked


def test_a_run_that_its_own_stop_ended_is_done(begun, charted, tmp_path, monkeypatch):
    stopping(charted, begun.family, monkeypatch)
    path = tmp_path / "done.zarr"
    for more in ([], ["--resume"]):
        done = nanochart("bias", charted / "bias.yaml", "-q", "-o", path, *more)
        assert "eV is known to 0.02 eV" in done.stdout
        assert "--resume" not in done.stdout + done.stderr
        assert nc.store.open(path).committed() == 10
    assert "done before its planned end: F(" in nanochart("info", path).stdout


def test_a_run_killed_before_its_stop_was_asked_ends_where_it_would_have(
    begun, charted, tmp_path, monkeypatch
):
    config, asked = stopping(charted, begun.family, monkeypatch)
    path = tmp_path / "killed.zarr"

    def killed(*_):
        raise KeyboardInterrupt("at its first block")

    with monkeypatch.context() as patch:
        patch.setattr("nanochart.workflow.bias.run._check_heat", killed)
        with pytest.raises(KeyboardInterrupt, match="at its first block"):
            bias_run(config, path)
    assert not asked
    done = bias_run(config, path, resume=True)
    assert (done.committed(), asked) == (10, [10])
    assert done.info("frames")["stopped"].startswith("F(")


def test_a_resume_that_is_refused_changes_nothing(begun, tmp_path):
    shutil.copytree(begun.same / "opes.zarr", tmp_path / "opes.zarr")
    run = nc.store.open(tmp_path / "opes.zarr")
    wanted = {"between": ["fcc/99", "mix/1"], "error": 0.02}
    config = validated(
        BiasConfig, {**run.metadata.config, "time": 9.0, "stop": wanted}, "the configuration"
    )
    with pytest.raises(ConfigError, match=r"stop\.between must name two families"):
        bias_run(config, run.path, resume=True)
    after = nc.store.open(run.path)
    assert (after.n_frames, after.complete) == (run.n_frames, run.complete)
