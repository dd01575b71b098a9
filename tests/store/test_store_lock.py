"""One writer at a time, and no lock that outlives its holder."""

import errno
import json
import os
import socket
import subprocess
import sys

import pytest

import nanochart as nc
from helpers.stored import fill, frames, new_run
from nanochart import processes
from nanochart.errors import StoreError
from nanochart.processes import identity
from nanochart.store import lock
from nanochart.store.files import RECORDS

HOLDER = """
import sys, time
from pathlib import Path
from nanochart.store.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    return new_run(tmp_path / "run.zarr")


@pytest.fixture
def lock_file(run):
    return run.path / RECORDS / "lock"


@pytest.fixture
def holder(lock_file):
    command = [sys.executable, "-c", HOLDER, str(lock_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_until_the_first_is_gone(run, holder):
    who = f"process {holder.pid} on {socket.gethostname()}"
    message = f"is being written by {who} since .*: wait for it or end it$"
    with pytest.raises(StoreError, match=message), run.lock():
        pass
    with pytest.raises(StoreError, match=f"process {holder.pid}"):
        run.write_frames(0, frames(0, 4))
    assert run.committed() == 0
    assert nc.store.open(run.path).to_xarray().sizes["frame"] == 0  # readers do not care
    holder.kill()
    holder.wait()
    with run.lock():
        run.write_frames(0, frames(0, 4))
    assert run.committed() == 4


def test_a_second_writer_in_the_same_process_is_refused(run):
    other = nc.store.open(run.path, mode="a")
    with run.lock():
        with pytest.raises(StoreError, match=f"is being written by process {os.getpid()} on"):
            other.write_frames(0, frames(0, 4))
        fill(run)
    other.extend(12)  # released
    assert other.n_frames == 12


def test_the_lock_ends_with_an_error_in_the_block(run):
    with pytest.raises(ZeroDivisionError, match="division by zero"), run.lock():
        1 / 0  # noqa: B018
    with run.lock():
        run.write_frames(0, frames(0, 4))
    assert run.committed() == 4


@pytest.fixture
def without_record_locks(monkeypatch):
    def refuse(_file):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(lock, "_lock_record", refuse)


def _holder(**changes) -> str:
    facts = {"host": socket.gethostname(), "pid": os.getpid()}
    facts["started"] = identity()["started"]
    return json.dumps(facts | changes)


@pytest.mark.usefixtures("without_record_locks")
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        _holder(pid=2**22 + 1),
        _holder(pid=10**30),
        _holder(pid="x"),
        _holder(started="some other time"),
    ],
    ids=[
        "nothing",
        "half an object",
        "a list",
        "no such process",
        "no possible process",
        "no number",
        "another process",
    ],
)
def test_without_record_locks_a_holder_that_is_gone_loses_the_lock(run, lock_file, content):
    lock_file.write_text(content)
    with run.lock():
        assert json.loads(lock_file.read_text())["pid"] == os.getpid()
    assert lock_file.read_text() == ""


@pytest.mark.usefixtures("without_record_locks")
@pytest.mark.parametrize(
    "content",
    [_holder(pid=os.getppid(), started=None), _holder(host="far")],
    ids=["a process that lives", "another host"],
)
def test_without_record_locks_a_holder_that_may_live_keeps_the_lock(run, lock_file, content):
    lock_file.write_text(content)
    with pytest.raises(StoreError, match=r"if it no longer exists, delete .*lock"), run.lock():
        pass


@pytest.mark.usefixtures("without_record_locks")
def test_nobody_is_advised_to_delete_the_lock_of_a_process_that_lives(run, lock_file):
    start = processes._start(os.getppid())
    lock_file.write_text(_holder(pid=os.getppid(), started=start))
    with pytest.raises(StoreError, match=r"wait for it or end it$"), run.lock():
        pass


def test_a_record_lock_that_is_free_wins_over_an_old_name(run, lock_file):
    # A node that was killed left its name; the file system knows that nobody holds the lock.
    lock_file.write_text(_holder(host="far"))
    with run.lock():
        run.write_frames(0, frames(0, 4))
    assert run.committed() == 4


def test_a_new_writer_removes_what_a_killed_one_left(run):
    folder = run.path / RECORDS
    (folder / "c.0.0.abc.part").write_bytes(b"half a chunk")
    (folder / "energy.part").mkdir()
    (folder / "energy.part" / "zarr.json").write_text("{}")
    nc.store.open(run.path, mode="a")
    assert len(list(folder.glob("*.part"))) == 2  # the writer may still live
    with run.lock():
        assert list(folder.glob("*.part")) == []
