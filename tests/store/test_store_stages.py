"""A stage is made anew as a whole or not at all, whenever a kill comes and whoever reads."""

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import nanochart as nc
from helpers.stored import N_REPLICAS, assert_holds, fill, frames, new_run, quenched
from nanochart.errors import StoreError
from nanochart.store.files import RECORDS


class Killed(BaseException):
    """The end of a process at a chosen moment: nothing handles it."""


def chart_of(value, latent):
    return {"chart": np.full((10, N_REPLICAS, latent), float(value))}


@pytest.fixture
def run(tmp_path):
    """Ten quenched frames with a chart of two dimensions by model A, and families of it."""
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    run.begin("quench", {"max_force": 1e-3})
    fill(run, "quench", quenched)
    run.replace("chart", chart_of(1, 2), {"model": "A"})
    run.replace("families", {"family": np.ones((10, N_REPLICAS), dtype=np.int16)}, {"of": "A"})
    return run


def assert_is_a(run):
    data = run.to_xarray()
    assert data["chart"].shape == (10, N_REPLICAS, 2)
    assert (data["chart"].to_numpy() == 1.0).all()
    assert (data["family"].to_numpy() == 1).all()
    assert (run.committed("chart"), run.committed("families")) == (10, 10)
    assert run.info("families") == {"of": "A"}


def assert_is_b(run):
    data = run.to_xarray()
    assert data["chart"].shape == (10, N_REPLICAS, 3)
    assert (data["chart"].to_numpy() == 2.0).all()
    assert "family" not in data
    assert (run.committed("chart"), run.committed("families")) == (10, 0)
    assert run.info("families") == {}


def assert_is_one_of_both(run):
    assert run.verify() == []
    run.check_sizes()
    assert_holds(run.to_xarray(), frames(0, 10) | quenched(0, 10))
    model = run.info("chart")["model"]
    {"A": assert_is_a, "B": assert_is_b}[model](run)
    return model


def test_a_stage_is_replaced_with_its_record_and_all_that_was_made_of_it(run):
    assert_is_a(nc.store.open(run.path))
    run.replace("chart", chart_of(2, 3), {"model": "B"})
    assert_is_b(run)
    assert_is_b(nc.store.open(run.path))
    assert xr.open_zarr(run.path)["chart"].shape == (10, N_REPLICAS, 3)
    assert not list((run.path / RECORDS).glob("*.part"))


def test_a_stage_that_begins_anew_has_its_settings_before_its_first_frame(run):
    run.begin("quench", {"max_force": 1e-4})
    found = nc.store.open(run.path)
    assert found.info("quench") == {"max_force": 1e-4}
    assert [found.committed(s) for s in ("quench", "chart", "families")] == [0, 0, 0]
    assert found.info("chart") == {}
    assert set(found.to_xarray()) == set(frames(0, 1)) - {"ladder"}
    run.write("quench", 0, quenched(0, 4))
    assert nc.store.open(run.path).info("quench") == {"max_force": 1e-4}


def test_a_replacement_that_is_cut_off_anywhere_leaves_one_of_both(run, monkeypatch):
    """Every operation on the file system in turn is the last of the process."""
    copy = run.path.with_name("copy.zarr")
    seen = []
    for moment in range(100):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run.path, copy)
        writer = nc.store.open(copy, mode="a")
        done = []

        def killing(function, done=done, moment=moment):
            def call(*args, **options):
                if len(done) == moment:
                    raise Killed
                done.append(function.__name__)
                return function(*args, **options)

            return call

        with monkeypatch.context() as patch:
            for owner, names in (
                (Path, ("rename", "replace", "unlink", "mkdir", "write_text")),
                (os, ("fsync", "rmdir", "unlink")),
            ):
                for name in names:
                    patch.setattr(owner, name, killing(getattr(owner, name)))
            try:
                writer.replace("chart", chart_of(2, 3), {"model": "B"})
            except Killed:
                pass
            else:
                break
        model = assert_is_one_of_both(nc.store.open(copy))
        again = nc.store.open(copy, mode="a")
        with again.lock():
            assert assert_is_one_of_both(again) == model
        assert not list((copy / RECORDS).glob("*.part"))
        plain = xr.open_zarr(copy)
        assert plain["chart"].shape[-1] == {"A": 2, "B": 3}[model]
        assert ("family" in plain) == (model == "A")
        again.replace("chart", chart_of(2, 3), {"model": "B"})
        assert_is_b(again)
        seen.append(model)
    assert 20 < len(seen) < 99
    assert seen == sorted(seen)
    assert set(seen) == {"A", "B"}


def test_a_reader_of_a_stage_that_is_made_anew_is_not_told_of_damage(run):
    reader = nc.store.open(run.path)
    before = reader.to_xarray()
    run.replace("chart", chart_of(2, 3), {"model": "B"})
    with pytest.raises(StoreError, match=r"stage 'chart' of .* was made anew while it was read: n"):
        before["chart"].to_numpy()
    assert_holds(before[["energy"]], {"energy": frames(0, 10)["energy"]})  # of another stage
    assert_is_b(reader)
    before = reader.to_xarray()
    run.begin("quench", {"max_force": 1e-4})
    with pytest.raises(StoreError, match=r"stage 'quench' of .* was made anew while it was read"):
        before["inherent_energy"].to_numpy()


def test_only_whole_derived_stages_are_replaced(run):
    with pytest.raises(ValueError, match="replaced with all 10 committed frames; got 4"):
        run.replace("chart", {"chart": np.ones((4, N_REPLICAS, 2))}, {})
    with pytest.raises(ValueError, match=r"the stage to make anew must be one of quench, .*frames"):
        run.begin("frames", {})
    with pytest.raises(ValueError, match=r"the stage .chart. holds the variables chart"):
        run.replace("chart", {"family": np.ones((10, N_REPLICAS))}, {})
    assert_is_a(run)


def test_a_run_of_the_format_before_becomes_one_of_this_when_it_is_written(run):
    path = run.path / "zarr.json"
    root = json.loads(path.read_text())
    root["attributes"]["nanochart_format"] = 1
    del root["attributes"]["nanochart_seal"]
    path.write_text(json.dumps(root))
    found = nc.store.open(run.path, mode="a")
    assert_is_a(found)
    found.replace("chart", chart_of(2, 3), {"model": "B"})
    assert json.loads(path.read_text())["attributes"]["nanochart_format"] == 3
    assert_is_b(found)


def test_a_stage_is_replaced_whatever_the_path(tmp_path):
    run = new_run(tmp_path / "a::b.zarr")
    fill(run)
    run.replace("chart", chart_of(2, 3), {"model": "B"})
    assert (run.to_xarray()["chart"].to_numpy() == 2.0).all()


# -- runs made at once -----------------------------------------------------------------------------


def test_of_two_runs_made_at_once_the_second_is_told(tmp_path, monkeypatch):
    module = import_module("nanochart.store.open")
    build = module._build

    def build_and_be_overtaken(*args):
        build(*args)
        monkeypatch.setattr(module, "_build", build)
        fill(new_run(tmp_path / "run.zarr"))

    monkeypatch.setattr(module, "_build", build_and_be_overtaken)
    with pytest.raises(StoreError, match=r"run.zarr is a run already: resume it"):
        new_run(tmp_path / "run.zarr")
    assert_holds(nc.store.open(tmp_path / "run.zarr").to_xarray(), frames(0, 10))
    assert [p.name for p in tmp_path.iterdir()] == ["run.zarr"]


def test_what_a_killed_creation_left_is_removed_by_the_next(tmp_path):
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2])\n"
        "from importlib import import_module; from helpers.stored import new_run\n"
        "module = import_module('nanochart.store.open')\n"
        "module.place_folder = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "new_run(sys.argv[1])\n"
    )
    command = [
        sys.executable,
        "-c",
        code,
        str(tmp_path / "run.zarr"),
        str(Path(__file__).parents[1]),
    ]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".run.zarr.*.part"))) == 1
    new_run(tmp_path / "run.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["run.zarr"]


# -- files that vanish -----------------------------------------------------------------------------


def test_an_array_that_vanishes_stops_the_writer(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    shutil.rmtree(tmp_path / "run.zarr" / "energy")
    with pytest.raises(StoreError, match=r"array .*energy has vanished from the run"):
        run.write_frames(4, frames(4, 8))


def test_a_run_whose_files_vanished_is_not_complete(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    shutil.rmtree(tmp_path / "run.zarr" / "energy")
    with pytest.raises(StoreError, match=r"energy/c.0.0 is damaged: .* and is missing"):
        run.finalize()
    assert not nc.store.open(run.path).complete
