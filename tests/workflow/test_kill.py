"""Runs that are killed, interrupted or fail lose nothing, and go on to the same bytes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import ase.io
import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.configs import small_config
from nanochart import store
from nanochart.errors import DynamicsError, StoreError
from nanochart.store.files import RECORDS
from nanochart.tempering.health import largest_fragment
from nanochart.workflow import recorder, run_info, sample

NANOCHART = Path(sys.executable).with_name("nanochart")

# Forks `nanochart sample` again and again from a process that has imported everything, and kills
# it at random moments: the same command as a user's, without two seconds of imports each time.
# Small blocks and checkpoints at any moment put as many kinds of writes as can be under the knife.
KILLER = """
import json, os, random, re, signal, sys, time
import nanochart.autoencoder, nanochart.interop
from importlib import import_module
sampling = import_module("nanochart.workflow.sample")
recorder = import_module("nanochart.workflow.recorder")
from nanochart.cli.app import main
from nanochart.workflow.warmup import compile_kernels
config, n_kills, n_frames, seed = sys.argv[1], *map(int, sys.argv[2:])
sampling._BLOCK_BYTES = 12 * 38 * 3 * 10
recorder._CHECKPOINT_SECONDS = 0.02

def start(output, threads):
    resume = ["--resume"] if os.path.exists(output) else []
    pid = os.fork()
    if pid == 0:
        sys.argv[1:] = ["sample", config, "-q", "-o", output, "--threads", str(threads), *resume]
        main()
    return pid

def finish(output, threads):
    begin = time.perf_counter()
    _, status = os.waitpid(start(output, threads), 0)
    assert status == 0, status
    return time.perf_counter() - begin

compile_kernels()
whole = finish("whole.zarr", 2)
idle = finish("whole.zarr", 2)

def progress():
    try:
        with open("parts.zarr/restart/files/commits.log", "rb") as log:
            found = re.findall(rb'"stage":"frames","first":([0-9]+),"frames":([0-9]+)', log.read())
    except FileNotFoundError:
        return 0
    return sum(map(int, found[-1])) if found else 0

rng = random.Random(seed)
# Three of four fall while frames are being written, the others while the command begins.
committed = []
targets = sorted(rng.uniform(0, 0.7 * n_frames) for _ in range(n_kills))
for k, target in enumerate(targets):
    pid = start("parts.zarr", 1 + k % 3)
    while k % 4 and progress() < target:
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the run ended before all kills had been"
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.02 if k % 4 else idle))
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the run ended before all kills had been"
    committed.append(progress())
finish("parts.zarr", 1)
print(json.dumps({"kills": len(targets), "committed": committed, "whole": whole, "idle": idle}))
"""


def write_config(folder, **changes):
    config = small_config(**changes)
    (folder / "mini.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return config


def files_of(path):
    """Content of every chunk file."""
    arrays = (p for p in path.iterdir() if p.is_dir() and p.name != RECORDS.parts[0])
    return {str(c.relative_to(path)): c.read_bytes() for a in arrays for c in a.glob("c.*")}


def assert_equal_bytes(first, second):
    a, b = store.open(first), store.open(second)
    assert a.complete
    assert b.complete
    assert a.verify() == b.verify() == []
    for name, values in a.to_xarray().data_vars.items():
        assert values.to_numpy().tobytes() == b.to_xarray()[name].to_numpy().tobytes(), name
    assert files_of(first) == files_of(second)


def killed_and_resumed(folder, n_kills, nanoseconds, seed, exchanges=1):
    times = {"time_per_replica": nanoseconds, "discard": 0.02, "exchanges_per_frame": exchanges}
    config = write_config(folder, starts=["octahedron"], tempering=times)
    numbers = map(str, (n_kills, config.n_frames, seed))
    command = [sys.executable, "-c", KILLER, "mini.yaml", *numbers]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["kills"] == n_kills
    assert_equal_bytes(folder / "whole.zarr", folder / "parts.zarr")
    # No frame twice, none missing: one of each exchange or of so many, every 100 steps, the first
    # 50 steps after the discarded ones.
    steps = store.open(folder / "parts.zarr").to_xarray()["step"].to_numpy()
    between = 100 * exchanges
    first = between * config.n_discarded + 50
    np.testing.assert_array_equal(steps, first + between * np.arange(config.n_frames))
    assert len(set(report["committed"])) > n_kills // 4  # they were spread over the run
    print(report)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(tmp_path):
    killed_and_resumed(tmp_path, n_kills=8, nanoseconds=0.2, seed=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_run_with_several_exchanges_to_a_frame_ends_with_the_same_bytes(tmp_path):
    killed_and_resumed(tmp_path, n_kills=4, nanoseconds=0.6, seed=3, exchanges=3)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_run_killed_at_fifty_random_moments_ends_with_the_same_bytes(tmp_path):
    killed_and_resumed(tmp_path, n_kills=50, nanoseconds=1.0, seed=2)


def started(folder, *arguments):
    """The command on its way: it has written a checkpoint after that of its beginning."""
    process = subprocess.Popen(
        [NANOCHART, "sample", "mini.yaml", "-q", *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    records = folder / "mini.zarr" / RECORDS
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if any(p.stem > "checkpoint-000001" for p in records.glob("checkpoint-*.json")):
            return process
        time.sleep(0.05)
    raise AssertionError(process.communicate()[1])


def test_a_second_process_is_told_who_the_first_is(tmp_path):
    write_config(tmp_path, starts=["octahedron"], tempering={"time_per_replica": 50.0})
    first = started(tmp_path)
    try:
        writer = run_info(store.open(tmp_path / "mini.zarr"))["writer"]
        second = subprocess.run(
            [NANOCHART, "sample", "mini.yaml", "--resume"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        first.kill()
        first.communicate()
    assert second.returncode == 1
    assert (
        f"is being written by process {first.pid} on {socket.gethostname()} since" in second.stderr
    )
    assert (writer["pid"], writer["host"]) == (first.pid, socket.gethostname())
    assert run_info(store.open(tmp_path / "mini.zarr"))["writer"] is None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_round_and_saves_what_there_is(tmp_path, number, code):
    config = write_config(tmp_path, starts=["octahedron"], tempering={"time_per_replica": 50.0})
    process = started(tmp_path)
    time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "stopping after this frame; once more stops at once" in errors
    assert "go on with `nanochart sample mini.yaml --resume`" in errors
    assert "Traceback" not in errors
    # Every round that was done is in the run or in its checkpoint.
    run = store.open(tmp_path / "mini.zarr")
    checkpoint = run.load_checkpoint()
    assert run.info("frames")["sessions"][-1]["rounds"] == checkpoint.info["round"]
    kept = run.committed() + checkpoint.info["pending"]
    assert kept == checkpoint.info["round"] - config.n_discarded > 0


def test_the_second_signal_ends_a_long_round_at_once(tmp_path):
    # A round of 10 ns, which takes far longer than the test waits.
    times = {"swap_interval": 10_000.0, "time_per_replica": 100.0, "discard": 0.0}
    write_config(tmp_path, starts=["octahedron"], tempering=times)
    process = subprocess.Popen(
        [NANOCHART, "sample", "mini.yaml", "-q"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    records = tmp_path / "mini.zarr" / RECORDS
    while time.monotonic() < deadline and not list(records.glob("checkpoint-*.json")):
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for the end of the round
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - before < 2.0
    assert process.returncode == 130
    assert "stopped at once; what was committed is kept" in errors
    assert "go on with `nanochart sample mini.yaml -q --resume`" in errors
    assert store.open(tmp_path / "mini.zarr", mode="a").load_checkpoint().info["round"] == 0


class Stop:
    """Answers True after some rounds."""

    def __init__(self, rounds):
        self.rounds = rounds

    def __call__(self):
        self.rounds -= 1
        return self.rounds <= 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped: two rounds discarded, forty stored, in blocks of ten."""
    folder = tmp_path_factory.mktemp("whole")
    config = small_config(starts=["octahedron"], tempering={"time_per_replica": 0.02})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("nanochart.workflow.sample"), "_BLOCK_BYTES", 12 * 38 * 3 * 10)
        yield config, sample(config, folder / "run.zarr")


def test_a_stop_within_a_block_computes_no_round_twice(whole, tmp_path):
    config, expected = whole
    for rounds, done in ((1, 1), (7, 8), (9, 17), (20, 37)):
        run = sample(config, tmp_path / "run.zarr", resume=done > 1, stop=Stop(rounds))
        checkpoint = run.load_checkpoint()
        assert checkpoint.info["round"] == done
        assert run.committed() == max(0, done - 2) // 10 * 10
        assert checkpoint.info["pending"] == max(0, done - 2) % 10
        assert not run.complete
    run = sample(config, tmp_path / "run.zarr", resume=True)
    assert_equal_bytes(run.path, expected.path)
    sessions = run.info("frames")["sessions"]
    assert [s["rounds"] for s in sessions] == [1, 7, 9, 20, 5]


def test_an_interrupt_in_python_saves_all_finished_rounds(whole, tmp_path):
    config, expected = whole

    def interrupt(_stage, done, _total, _note=""):
        if done == 15:
            raise KeyboardInterrupt("at round 15")

    with pytest.raises(KeyboardInterrupt, match="at round 15"):
        sample(config, tmp_path / "run.zarr", progress=interrupt)
    assert store.open(tmp_path / "run.zarr").load_checkpoint().info["round"] == 15
    run = sample(config, tmp_path / "run.zarr", resume=True)
    assert_equal_bytes(run.path, expected.path)


def test_a_checkpoint_cut_short_costs_its_rounds_and_no_frame(whole, tmp_path):
    config, expected = whole
    sample(config, tmp_path / "run.zarr", stop=Stop(27))
    records = tmp_path / "run.zarr" / RECORDS
    newest = max(records.glob("checkpoint-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-100])
    facts = run_info(store.open(tmp_path / "run.zarr"))
    assert re.search("does not match .*cut short", " ".join(facts["problems"]))
    run = sample(config, tmp_path / "run.zarr", resume=True)
    assert_equal_bytes(run.path, expected.path)


@pytest.mark.parametrize(("part", "room"), [("chunk_store", 12), ("checkpoint", 30)])
def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(
    whole, tmp_path, monkeypatch, part, room
):
    config, expected = whole
    module = import_module(f"nanochart.store.{part}")
    write, written = module.write_atomic, []

    def write_until_full(path, data, **settings):
        written.append(path)
        if len(written) > room:
            raise OSError(28, os.strerror(28), str(path))
        write(path, data, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_atomic", write_until_full)
        patch.setattr(recorder, "_CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(StoreError, match=r"no space is left .*what was committed is intact"):
            sample(config, tmp_path / "run.zarr")
    before = store.open(tmp_path / "run.zarr")
    n = before.committed()
    assert n == 10
    assert before.verify() == []
    np.testing.assert_array_equal(before.to_xarray()["energy"], expected.to_xarray()["energy"][:n])
    run = sample(config, tmp_path / "run.zarr", resume=True)
    assert_equal_bytes(run.path, expected.path)


# -- replicas that are no clusters any more -------------------------------------------------------


def test_a_time_step_too_long_stops_the_ladder_and_names_the_replica(tmp_path, monkeypatch):
    # Without the guard: 60 fs is beyond the limit of stability, a period over π.
    monkeypatch.setattr(
        "nanochart.workflow.system.time_scale", lambda *_: nc.dynamics.TimeScale(np.inf)
    )
    config = small_config(
        dynamics={"time_step": 60.0},
        tempering={"swap_interval": 1.2, "discard": 0.0, "time_per_replica": 0.6},
    )
    sentence = (
        r"replica \d, on rung \d of 3: (the cluster exploded|two atoms overlapped|a position).* "
        r"at \d+.* K after \d+ steps of 60 fs with Gupta Au, because the time step is too long.*"
        r"the \d+ frames of .*run.zarr are kept .*run.failed.extxyz.*start a new run"
    )
    with pytest.raises(DynamicsError, match=sentence):
        sample(config, tmp_path / "run.zarr")
    run = store.open(tmp_path / "run.zarr")
    failed = ase.io.read(tmp_path / "run.failed.extxyz")
    checkpoint = run.load_checkpoint()
    replica = failed.info["replica"]
    # What is saved is the state before the fatal round, which the checkpoint holds as well.
    np.testing.assert_allclose(failed.positions, checkpoint.arrays["positions"][replica], atol=1e-7)
    assert failed.info["step"] == checkpoint.arrays["steps"][replica]
    assert failed.info["temperature"] == checkpoint.arrays["temperatures"][replica]
    facts = run_info(run)
    assert re.search(sentence, facts["problems"][-1])
    # The dynamics are deterministic: to resume ends in the same way.
    with pytest.raises(DynamicsError, match=rf"replica {replica}, on rung"):
        sample(config, tmp_path / "run.zarr", resume=True)


def test_a_cluster_that_boils_stops_the_ladder(tmp_path):
    config = small_config(
        dynamics={"confinement": 1000.0, "time_step": "auto"},
        tempering={"t_min": 5000.0, "t_max": 8000.0, "swap_interval": 20.0, "discard": 0.0,
                   "time_per_replica": 1.0},
    )  # fmt: skip
    sentence = (
        r"replica \d, on rung \d of 3: the cluster evaporated: its largest fragment holds \d+ of "
        r"38 atoms at \d+.* K after \d+ steps .*because the temperature is above that of boiling"
    )
    with pytest.raises(DynamicsError, match=sentence):
        sample(config, tmp_path / "run.zarr")
    assert store.open(tmp_path / "run.zarr").load_checkpoint() is not None


def test_a_position_that_is_nan_is_named():
    gold = nc.potentials.gupta("Au")
    state = nc.dynamics.initialize(
        nc.clusters.build("octahedron", "Au", 38).positions, gold, [300.0], seed=0
    )
    state.velocities[0, 3] = np.nan
    with pytest.raises(DynamicsError, match=r"became infinite or NaN at 300 K after \d steps of 5"):
        nc.dynamics.run_segment(state, gold, nc.dynamics.Langevin(), 10)


def test_fragments_are_counted_where_a_cluster_is_not_compact():
    gold = nc.potentials.gupta("Au")
    x = nc.clusters.build("octahedron", "Au", 38).positions
    sizes = (gold.cutoff, gold.nearest_neighbour)
    assert largest_fragment(x, *sizes) == 38
    far = x.copy()
    far[20:] += 50.0
    assert largest_fragment(far, *sizes) == 20
    one = x.copy()
    one[np.argmax(x[:, 0])] += [50.0, 0.0, 0.0]
    assert largest_fragment(one, *sizes) == 37
