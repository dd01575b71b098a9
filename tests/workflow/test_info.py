"""What a run says about itself."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart import store
from nanochart.workflow import run_info, sample
from nanochart.workflow.quench import quench_settings


def info(*arguments, code=0):
    return nanochart("info", *arguments, code=code).stdout


def test_a_run_tells_what_it_was_made_from(opened):
    facts = run_info(opened, verify=True)
    config = small_config()
    made = facts["made_from"]
    assert made["config"] == config.model_dump(mode="json")
    assert made["seed"] == 3
    assert made["potential"]["r0"] == 2.88
    assert made["versions"]["nanochart"] == nc.__version__
    assert facts["complete"]
    assert facts["problems"] == []
    assert facts["writer"] is None
    done = dict.fromkeys(("frames", "quench", "train", "chart"), 100)
    assert {k: v["committed"] for k, v in facts["stages"].items()} == {
        **done,
        "label": 0,
        "families": 0,
    }
    assert all(stage["of"] == 100 for stage in facts["stages"].values())
    assert facts["checkpoint"] == {"round": 102, "frames": 100, "pending": 0}


def test_acceptance_is_counted_per_pair(opened):
    outcome = opened.to_xarray()["exchange_accepted"].to_numpy()
    exchange = run_info(opened)["exchange"]
    for k, pair in enumerate(exchange["pairs"]):
        tried = outcome[:, k][outcome[:, k] >= 0]
        assert pair["attempts"] == len(tried) == 50
        assert pair["acceptance"] == tried.mean()
    assert exchange["worst"] == min(exchange["pairs"], key=lambda p: p["acceptance"])
    assert exchange["acceptance"] == outcome[outcome >= 0].mean()


def test_timings_add_up_over_sessions_and_say_what_is_left(tmp_path):
    config = small_config(starts=["octahedron"], tempering={"time_per_replica": 0.02})
    done = 0

    def stop():
        nonlocal done
        done += 1
        return done in {12, 30}

    sample(config, tmp_path / "run.zarr", stop=stop)
    run = sample(config, tmp_path / "run.zarr", resume=True, stop=stop)
    timings = run_info(run)["timings"]
    assert [s["rounds"] for s in timings["sessions"]] == [12, 18]
    assert timings["sessions"][0]["host"] == socket.gethostname()
    assert timings["rounds_left"] == 2 + 40 - 30
    seconds = [s["seconds"] for s in timings["sessions"]]
    assert timings["seconds"] == pytest.approx(sum(seconds))
    # The pace is that of the last session: 18 rounds of 100 steps and 3 replicas.
    assert timings["replica_steps_per_second"] == pytest.approx(18 * 300 / seconds[1])
    assert timings["seconds_left"] == pytest.approx(12 * seconds[1] / 18)
    assert timings["ns_per_day"] == pytest.approx(18 * 100 * 5e-6 / seconds[1] * 86400)


def test_the_configuration_is_the_one_that_was_last_asked_for(tmp_path):
    config = small_config(starts=["octahedron"], tempering={"time_per_replica": 0.01})
    sample(config, tmp_path / "run.zarr")
    longer = small_config(
        starts=["octahedron"], tempering={"time_per_replica": 0.02}, quench={"max_force": 0.01}
    )
    run = sample(longer, tmp_path / "run.zarr", resume=True)
    asked = run_info(run)["made_from"]["config"]
    assert asked["tempering"]["time_per_replica"] == 0.02
    assert run.metadata.config["tempering"]["time_per_replica"] == 0.01
    assert "time_per_replica 0.02" in info(run.path)
    assert quench_settings(run, {}).max_force == 0.01  # and its stage goes by it


def test_a_pair_that_does_not_exchange_is_told(tmp_path):
    config = small_config(
        starts=["octahedron"],
        tempering={"t_min": 100.0, "t_max": 900.0, "n": 2, "time_per_replica": 0.03},
    )
    run = sample(config, tmp_path / "run.zarr")
    facts = run_info(run)
    assert facts["problems"] == []
    (advice,) = facts["advice"]
    assert advice.startswith("replicas hardly exchange between 100 and 900 K (0.0% of 30 attempts")


def test_the_writer_is_named_to_readers_and_keeps_its_lock(small_copy):
    run = store.open(small_copy / "run.zarr", mode="a")
    with run.lock():
        inside = run_info(run)["writer"]
        printed = json.loads(info(run.path, "--json"))
        # The lock is still held after both have looked.
        command = "import sys, nanochart.store as s; s.open(sys.argv[1], mode='a').extend(200)"
        second = subprocess.run(
            [sys.executable, "-c", command, run.path], capture_output=True, text=True, check=False
        )
    assert inside["pid"] == printed["writer"]["pid"]
    assert f"process {inside['pid']} on {socket.gethostname()}" in second.stderr
    assert run_info(run)["writer"] is None


def test_the_command_prints_facts_and_health(small_run):
    text = info(small_run / "run.zarr")
    for words in ("Au38, 3 replicas", "seed        3", "100 of 100 frames", "replica-steps/s",
                  "300-424.3 K", "health      well"):  # fmt: skip
        assert words in text
    assert json.loads(info(small_run / "run.zarr", "--json"))["run"].endswith("run.zarr")


def test_a_changed_byte_is_found_by_reading_and_a_lost_one_at_once(small_copy):
    run = small_copy / "run.zarr"
    chunk = run / "positions" / "c.0.0.0.0"
    data = bytearray(chunk.read_bytes())
    data[1000] ^= 1
    chunk.write_bytes(data)
    assert json.loads(info(run, "--json"))["problems"] == []
    (problem,) = json.loads(info(run, "--json", "--verify", code=1))["problems"]
    assert "c.0.0.0.0" in problem
    chunk.write_bytes(data[:-1])
    assert "c.0.0.0.0 is damaged" in info(run, code=1)


def test_an_imported_run_has_no_timings(tmp_path):
    atoms = nc.clusters.build("octahedron", "Au", 38)
    atoms.write(tmp_path / "one.xyz")
    run = nc.interop.import_trajectories([tmp_path / "one.xyz"], tmp_path / "run.zarr")
    facts = run_info(run)
    assert facts["timings"] is None
    assert facts["exchange"] is None
    assert facts["kind"] == "imported"
    assert np.isfinite(facts["stages"]["frames"]["committed"])
    assert "imported" in info(run.path)
