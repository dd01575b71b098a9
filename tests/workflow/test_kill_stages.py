"""Stages that are killed at any moment leave what was there, or the new, never some of both."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.configs import small_config
from helpers.stage_killer import training
from nanochart.autoencoder import load
from nanochart.config import QuenchConfig
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import FamiliesConfig
from nanochart.store.files import RECORDS
from nanochart.workflow import (
    chart_run,
    check_trained,
    families_run,
    label_run,
    quench_run,
    sample,
    saved_families,
    train_run,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """A run of 120 frames in blocks of thirty."""
    folder = tmp_path_factory.mktemp("sampled")
    times = {"time_per_replica": 0.06, "discard": 0.001}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("nanochart.workflow.sample"), "_BLOCK_BYTES", 12 * 38 * 3 * 30)
        sample(small_config(tempering=times, training={"epochs": 2}), folder / "run.zarr")
    return folder


@pytest.fixture(scope="module")
def charted(sampled, tmp_path_factory):
    """The same run, quenched, labelled, charted by the model A and split; and a model B."""
    folder = tmp_path_factory.mktemp("charted") / "base"
    shutil.copytree(sampled, folder)
    run = nc.store.open(folder / "run.zarr", mode="a")
    quench_run(run)
    label_run(run)
    train_run(run, folder / "other.nanochart", training(9))
    model = train_run(run, folder / "run.nanochart", training(7))
    chart_run(run, model)
    families_run(run, FamiliesConfig(size=6, refine=False), measures=False)
    return folder


def killed(base, folder, stage, seed, kills):
    """Folders of the stage: run to its end, killed, and finished after that."""
    shutil.copytree(base, folder / "base")
    script = Path(__file__).parents[1] / "helpers" / "stage_killer.py"
    command = [sys.executable, script, folder, stage, str(seed), str(kills)]
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=one)
    assert done.returncode == 0, done.stderr
    print(json.loads(done.stdout.splitlines()[-1]))
    whole = nc.store.open(folder / "whole" / "run.zarr")
    for k in range(kills):
        finished = nc.store.open(folder / f"finished-{k}" / "run.zarr")
        assert finished.verify() == []
        assert_equal(finished, whole)
        assert not list(finished.path.parent.glob(".*.part"))
        assert not list((finished.path / RECORDS).glob("*.part"))
        yield folder / f"killed-{k}", nc.store.open(folder / f"killed-{k}" / "run.zarr")


def assert_equal(a, b):
    first, second = a.to_xarray(), b.to_xarray()
    assert set(first) == set(second)
    for name in first.data_vars:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    for stage in nc.store.STAGES[1:]:
        assert a.committed(stage) == b.committed(stage)
        assert without_places(a.info(stage)) == without_places(b.info(stage))


def without_places(info):
    # A file of families holds where and when it was made.
    return {k: v for k, v in info.items() if k != "sha256"}


def test_a_quench_that_is_killed_goes_on_with_its_own_tolerance(sampled, tmp_path):
    for _, run in killed(sampled, tmp_path, "quench", seed=1, kills=3):
        n = run.committed("quench")
        assert n in {0, 30, 60, 90, 120}
        if n == 0:
            continue
        assert run.info("quench")["max_force"] == 0.02
        forces = run.to_xarray()["quench_max_force"][:n].to_numpy()
        assert 1e-3 < forces.max() <= 0.02
        writer = nc.store.open(run.path, mode="a")
        with pytest.raises(StoreError, match=r"quenched with max_force 0.02 and not 0.001, and m"):
            quench_run(writer, QuenchConfig(max_force=1e-3))
        quench_run(writer)  # with the settings it was begun with
        assert run.to_xarray()["quench_max_force"].to_numpy().max() > 1e-3


def test_labels_that_are_made_anew_are_not_mixed_with_families_of_the_old(charted, tmp_path):
    for _, run in killed(charted, tmp_path, "label", seed=2, kills=2):
        n = run.committed("label")
        assert run.committed("families") in ({0, 120} if n == 120 else {0})


def test_a_training_that_is_killed_leaves_run_and_model_of_one_kind(charted, tmp_path):
    before = load(charted / "run.nanochart").fingerprint
    after = set()
    for folder, run in killed(charted, tmp_path, "train", seed=3, kills=4):
        model = load(folder / "run.nanochart")
        trained = run.info("train")["fingerprint"]
        stages = [run.committed(s) for s in ("train", "chart", "families")]
        assert stages == ([120, 120, 120] if trained == before else [120, 0, 0])
        if trained == before:
            assert run.info("chart")["model"] == model.fingerprint == before
            assert run.info("train")["seed"] == 7
        else:
            after.add(trained)
            assert run.info("train")["seed"] == 8
        if model.fingerprint != trained:
            assert model.fingerprint == before
            with pytest.raises(ModelError, match=r"finish it by `nanochart train .*--resume`"):
                check_trained(run, model)
    assert len(after) <= 1


def test_a_chart_is_of_one_model(charted, tmp_path):
    old = load(charted / "run.nanochart")
    new = load(charted / "other.nanochart")
    for _, run in killed(charted, tmp_path, "chart", seed=4, kills=3):
        model = {m.fingerprint: m for m in (old, new)}[run.info("chart")["model"]]
        data = run.to_xarray()
        x = data["positions"].to_numpy().astype(float)
        np.testing.assert_allclose(data["chart"], model.encode(x), atol=1e-5)
        assert run.committed("families") == (120 if model is old else 0)


def test_families_are_those_of_their_file_or_the_file_is_refused(charted, tmp_path):
    for _, run in killed(charted, tmp_path, "families", seed=5, kills=3):
        assert run.committed("families") == 120
        codes = run.to_xarray()["family"].to_numpy()
        assert codes.max() == len(run.info("families")["names"]) - 1
        try:
            found = saved_families(run)
        except StoreError as error:
            assert "is not the file of the families" in str(error)  # noqa: PT017
            continue
        assert list(found.names) == run.info("families")["names"]
        chart = run.to_xarray()["inherent_chart"].to_numpy()
        np.testing.assert_array_equal(found.assign(chart), codes)


@pytest.mark.slow
def test_a_round_of_refinement_that_is_killed_is_finished(charted, tmp_path):
    base = tmp_path / "start"
    shutil.copytree(charted, base)
    (base / "bias.yaml").write_text(yaml.safe_dump({
        "run": "run.zarr", "model": "run.nanochart", "temperature": 400, "variables": ["s1", "s2"],
        "opes": {"barrier": 0.3}, "walkers": 1, "time": 0.04, "pace": 0.5,
    }))  # fmt: skip
    for folder, _ in killed(base, tmp_path, "refine", seed=6, kills=6):
        k = folder.name.removeprefix("killed-")
        model = load(tmp_path / f"finished-{k}" / "run-refined-1.nanochart")
        assert model.fingerprint == load(tmp_path / "whole/run-refined-1.nanochart").fingerprint
        assert not (tmp_path / f"finished-{k}" / "run-refine-2.zarr").exists()


@pytest.mark.slow
def test_a_demo_that_is_killed_trains_on_all_frames(sampled, tmp_path):
    for folder, run in killed(sampled, tmp_path, "demo", seed=7, kills=6):
        assert run.committed("train") in {0, 120}
        assert run.committed("chart") in {0, 120}
        k = folder.name.removeprefix("killed-")
        finished = nc.store.open(tmp_path / f"finished-{k}" / "run.zarr")
        assert finished.committed("train") == finished.committed("families") == 120
