"""The same ladder on other executors: the same bits, whoever dies."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nanochart as nc
from helpers.configs import small_config
from nanochart.config import PRESETS
from nanochart.tempering import TemperingConfig, initialize_tempering, langevin_segment, step
from nanochart.workflow import dask_executor, sample
from nanochart.workflow.executors import DaskExecutor, ExecutorError

distributed = pytest.importorskip("distributed")

# The packages of the cluster are not ours to keep free of deprecations and of open sockets.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def processes(folder, module, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "50"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each a process of its own, on loopback."""
    file = tmp_path / "scheduler.json"
    started = [
        processes(tmp_path, "dask_scheduler", "--host", "127.0.0.1", "--port", "0",
                  "--no-dashboard", "--scheduler-file", str(file))
    ]  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        started += [
            processes(tmp_path, "dask_worker", "--scheduler-file", str(file), "--nthreads", "1",
                      "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
            for _ in range(2)
        ]  # fmt: skip
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield file, started
    finally:
        for process in started:
            process.kill()
            process.wait()


def assert_same(first, second):
    for name, values in first.to_xarray().data_vars.items():
        assert values.to_numpy().tobytes() == second.to_xarray()[name].to_numpy().tobytes(), name


def test_a_run_survives_the_death_of_a_worker_with_the_same_bits(cluster, tmp_path):
    file, (_, doomed, _) = cluster
    # Segments of 10 ms, so that the worker dies in the middle of one.
    config = small_config(
        starts=["octahedron"], tempering={"swap_interval": 10.0, "time_per_replica": 0.4}
    )
    killed_at = []

    def kill(_stage, done, _total, _note=""):
        if done == 12:
            threading.Timer(0.005, doomed.send_signal, [signal.SIGKILL]).start()
        killed_at.append(doomed.poll())

    with dask_executor(scheduler_file=file) as executor:
        run = sample(config, tmp_path / "dask.zarr", executor=executor, progress=kill)
    assert run.complete
    assert run.info("frames")["sessions"][0]["executor"] == "DaskExecutor"
    # It was alive for the first rounds and dead for the last.
    assert killed_at[0] is None
    assert killed_at[-1] == -signal.SIGKILL
    assert_same(run, sample(config, tmp_path / "threads.zarr"))


def test_the_command_runs_on_a_cluster(cluster, tmp_path):
    import yaml

    file, _ = cluster
    config = small_config(starts=["octahedron"], tempering={"time_per_replica": 0.01})
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    done = subprocess.run(
        [Path(sys.executable).with_name("nanochart"), "sample", "mini.yaml", "-q", "-o",
         "dask.zarr", "--executor", "dask", "--scheduler-file", file],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = nc.store.open(tmp_path / "dask.zarr")
    assert_same(run, sample(config, tmp_path / "threads.zarr"))


def test_a_scheduler_that_dies_is_one_sentence(cluster, tmp_path):
    import yaml

    file, (scheduler, *_) = cluster
    config = small_config(
        starts=["octahedron"], tempering={"swap_interval": 10.0, "time_per_replica": 20.0}
    )
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = subprocess.Popen(
        [Path(sys.executable).with_name("nanochart"), "sample", "mini.yaml", "-q", "-o",
         "dask.zarr", "--executor", "dask", "--scheduler-file", file],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"},
    )  # fmt: skip
    log = tmp_path / "dask.zarr/restart/files/commits.log"
    deadline = time.monotonic() + 60
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.0)
    scheduler.kill()
    try:
        _, said = command.communicate(timeout=120)
    finally:
        command.kill()
    assert command.returncode == 1
    assert said.startswith("nanochart: the Dask scheduler at ")
    assert said.count("\n") == 1


def test_processes_give_the_same_bits(tmp_path):
    config = small_config(starts=["octahedron"], tempering={"time_per_replica": 0.005})
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        run = sample(config, tmp_path / "processes.zarr", executor=pool)
    assert_same(run, sample(config, tmp_path / "threads.zarr"))


def ladder_of_au147():
    gold = nc.potentials.gupta("Au")
    ladder = nc.tempering.Ladder(PRESETS["au147"].temperatures)
    config = TemperingConfig(ladder, 2)
    x = nc.clusters.build("icosahedron", "Au", 147).positions
    segment = langevin_segment(gold, nc.dynamics.Langevin(sphere_radius=15.0))
    return segment, config, initialize_tempering(x[None], gold, config, seed=0)


def test_a_segment_is_small_to_send():
    segment, _, state = ladder_of_au147()
    sent = pickle.dumps((segment, state.replicas[0]))
    # Positions and velocities are 7 kB; nothing else may count.
    assert len(sent) < 16_000
    after, _ = pickle.loads(sent)[0](state.replicas[0], 10, 5)  # noqa: S301  our own bytes
    expected, _ = segment(state.replicas[0], 10, 5)
    np.testing.assert_array_equal(after.positions, expected.positions)


@pytest.mark.slow
def test_the_overhead_of_a_segment_is_below_five_percent_of_the_preset(cluster):
    # A segment of the preset, 50,000 steps of Au147, takes about 0.7 s on one core: 5 % is 35 ms.
    segment, config, state = ladder_of_au147()
    file, _ = cluster
    with dask_executor(scheduler_file=file) as executor:
        state, _ = step(state, segment, config, executor)  # the workers import what they need
        n_rounds, begin = 10, time.perf_counter()
        for _ in range(n_rounds):
            state, _ = step(state, segment, config, executor)
        seconds = time.perf_counter() - begin
    # Two workers, which wait while the scheduler and the caller are at work.
    overhead = 2 * seconds / (n_rounds * len(config.ladder))
    print(f"{1e3 * overhead:.1f} ms per segment")
    assert overhead < 0.035


def test_without_the_package_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ExecutorError, match=r"distributed, which is not installed: `pip install"),
        dask_executor("tcp://127.0.0.1:1"),
    ):
        pass


def test_a_scheduler_that_is_not_there_is_named():
    with (
        pytest.raises(ExecutorError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1:"),
        dask_executor("tcp://127.0.0.1:1", timeout=1.0),
    ):
        pass


def test_a_scheduler_file_that_is_not_there_is_named(tmp_path):
    with (
        pytest.raises(ExecutorError, match=r"no scheduler file .*none.json: start one with"),
        dask_executor(scheduler_file=tmp_path / "none.json"),
    ):
        pass


def test_one_of_address_and_file_is_needed():
    with pytest.raises(ValueError, match=r"one of the two; got None and None"), dask_executor():
        pass


def test_what_is_handed_in_while_the_scheduler_is_lost_ends_with_the_client():
    """Dask itself leaves such a future open for ever."""

    class Deaf(ThreadPoolExecutor):
        def submit(self, *_, **__):
            return Future()

    client = SimpleNamespace(status="connecting", get_executor=lambda **_: Deaf())
    with DaskExecutor(client) as executor:
        future = executor.submit(abs, -1)
        with pytest.raises(TimeoutError, match=r"^$"):
            future.result(timeout=1.5)
        client.status = "closed"
        with pytest.raises(CancelledError, match=r"^$"):
            future.result(timeout=10.0)
