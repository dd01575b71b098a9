"""Kills, full disks, damaged files and foreign folders: what was committed stays, or is named."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import nanochart as nc
from helpers.limits import file_size_limit
from helpers.stored import CHUNK, N_REPLICAS, assert_holds, fill, frames, new_run, quenched
from nanochart.errors import StoreError
from nanochart.files import write_atomic
from nanochart.store import chunk_store, journal, layout
from nanochart.store.files import RECORDS

LOG = RECORDS / "commits.log"


class Killed(Exception):  # noqa: N818  it stands for a signal
    """The end of a process at a chosen moment."""


@pytest.fixture
def run(tmp_path):
    """Ten frames of ten, in chunks of four, all quenched."""
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    fill(run, "quench", quenched)
    return run


def failing(error: Exception, after: int):
    """Stand in for ``write_atomic``: some writes succeed, then one fails."""
    calls = []

    def write(path, data, **settings):
        calls.append(path)
        if len(calls) > after:
            raise error
        write_atomic(path, data, **settings)

    return write


# -- kills ---------------------------------------------------------------------------------------

WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
import nanochart as nc
from helpers.stored import frames
run = nc.store.open(sys.argv[1], mode="a")
with run.lock():
    for block in run.pending():
        run.write_frames(block.start, frames(block.start, block.stop))
        run.save_checkpoint({"x": frames(block.start, block.stop)["energy"]}, {"at": block.stop})
        print(block.stop, flush=True)
"""


def test_a_killed_writer_leaves_whole_frames_and_no_lock(tmp_path):
    path = tmp_path / "run.zarr"
    run = new_run(path, n_frames=4000)
    for kill_after in (1, 7):
        start = run.committed()
        command = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parents[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(kill_after):
                writer.stdout.readline()
            writer.kill()
        found = nc.store.open(path)
        assert found.committed() >= start + kill_after * CHUNK
        assert found.verify() == []
        assert_holds(found.to_xarray(), frames(0, found.committed()))
        checkpoint = found.load_checkpoint()
        assert found.committed() - checkpoint.frames in {0, CHUNK}
        assert checkpoint.info == {"at": checkpoint.frames}
    # The next writer finds no lock and goes on where the record says.
    block = next(run.pending())
    run.write_frames(block.start, frames(block.start, block.stop))
    assert not list((path / RECORDS).glob("*.part"))


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_block_that_fails_half_way_does_not_count_and_is_overwritten(
    tmp_path, monkeypatch, after
):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    with monkeypatch.context() as patch:
        patch.setattr(chunk_store, "write_atomic", failing(Killed("half way"), after))
        with pytest.raises(Killed, match="half way"):
            run.write_frames(4, frames(104, 108))
    assert run.committed() == 4
    assert_holds(run.to_xarray(), frames(0, 4))
    fill(run)
    assert_holds(run.to_xarray(), frames(0, 10))


def test_files_that_were_never_committed_are_not_read(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 8))
    run.write("quench", 0, quenched(0, 4))
    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            run.write("quench", 4, quenched(4, 8))
    assert (tmp_path / "run.zarr/inherent_energy/c.1.0").exists()
    late = nc.store.open(tmp_path / "run.zarr").to_xarray().isel(frame=slice(4, 8))
    assert np.isnan(late.inherent_energy).all()


@pytest.mark.parametrize("moment", ["before the file", "before the commit"])
def test_a_kill_while_a_short_chunk_grows_keeps_its_frames(run, monkeypatch, moment):
    run.extend(12)
    with monkeypatch.context() as patch:
        if moment == "before the file":
            patch.setattr(chunk_store, "write_atomic", failing(Killed(moment), 2))
        else:
            append = journal.Journal.append

            def stop_at_commit(journal, record):
                if record["kind"] == "commit":
                    raise Killed(moment)
                append(journal, record)

            patch.setattr(journal.Journal, "append", stop_at_commit)
        with pytest.raises(Killed, match=moment):
            run.write_frames(10, frames(10, 12))
    found = nc.store.open(run.path, mode="a")
    assert found.committed() == 10
    assert found.verify() == []
    assert_holds(found.to_xarray(), frames(0, 10))
    fill(found)
    assert_holds(found.to_xarray(), frames(0, 12))


def test_an_extension_that_was_killed_is_finished_by_the_next_writer(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(layout, "resize", lambda *_args, **_settings: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            run.extend(20)
    assert_holds(nc.store.open(run.path).to_xarray(), frames(0, 10))
    found = nc.store.open(run.path, mode="a")
    assert found.n_frames == 20
    fill(found)
    assert_holds(found.to_xarray(), frames(0, 20))
    assert xr.open_zarr(run.path).sizes["frame"] == 20


def test_a_torn_commit_line_loses_its_block_only(run):
    log = run.path / LOG
    log.write_bytes(log.read_bytes()[:-20])  # the last line is the quench of frames 8 and 9
    found = nc.store.open(run.path, mode="a")
    assert (found.committed(), found.committed("quench")) == (10, 8)
    assert found.verify() == []
    fill(found, "quench", quenched)
    again = nc.store.open(run.path)
    assert_holds(again.to_xarray(), frames(0, 10) | quenched(0, 10))


# -- damaged files -------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_cut, r"has \d+ bytes instead of \d+"),
        (_flip, "does not have the checksum it was committed with"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_damaged_chunk_is_named_and_all_other_frames_stay(run, harm, reason):
    harm(run.path / "positions/c.1.0.0.0")
    found = nc.store.open(run.path)
    dataset = found.to_xarray()
    with pytest.raises(
        StoreError,
        match=rf"'positions' of .* chunk 1 \(frames 4 to 7\): the file .*c.1.0.0.0 {reason}; "
        "restore the file from a copy of the run, or read the other frames",
    ):
        dataset.positions.load()
    good = np.r_[0:4, 8:10]
    assert_holds(dataset.isel(frame=slice(0, 4)), frames(0, 4))
    np.testing.assert_array_equal(dataset.energy.values, frames(0, 10)["energy"])
    np.testing.assert_array_equal(
        found.to_xarray().positions.isel(frame=good).values,
        frames(0, 10)["positions"][good].astype(np.float32),
    )
    (damage,) = found.verify()
    assert (damage.array, damage.chunk, damage.first, damage.last) == ("positions", 1, 4, 7)


def test_a_damaged_derived_chunk_can_be_computed_again(run):
    _flip(run.path / "inherent_energy/c.2.0")
    (damage,) = run.verify()
    assert (damage.first, damage.last) == (8, 9)
    assert damage.message.endswith("; clear the stage 'quench' and compute it again")
    run.clear("quench")
    fill(run, "quench", quenched)
    assert run.verify() == []


# -- disks ---------------------------------------------------------------------------------------


def test_a_full_disk_is_named_and_nothing_of_the_block_counts(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch:
        patch.setattr(chunk_store, "write_atomic", failing(full, 3))
        with pytest.raises(StoreError, match=r"no space is left for .*: free some and resume"):
            run.write_frames(4, frames(4, 8))
    assert run.committed() == 4
    fill(run)
    assert_holds(run.to_xarray(), frames(0, 10))


def test_a_file_that_the_system_cuts_short_is_not_a_chunk(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    with (
        file_size_limit(1200),
        pytest.raises(StoreError, match=r"no space is left for .*positions"),
    ):
        run.write_frames(4, frames(4, 8))
    with file_size_limit(100), pytest.raises(StoreError, match="no space is left"):
        run.save_checkpoint({"x": np.zeros(100)}, {})
    with (
        file_size_limit((run.path / LOG).stat().st_size + 20),
        pytest.raises(StoreError, match=r"no space is left for .*commits\.log"),
    ):
        run.record_info("quench", {"a": "b" * 50})
    found = nc.store.open(run.path, mode="a")
    assert found.committed() == 4
    fill(found)
    assert_holds(found.to_xarray(), frames(0, 10))
    assert not [path for path in run.path.rglob("*.part") if path.parent.name != "files"]


@contextmanager
def without_privileges():
    """Act as a user whom permissions bind, also where the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_run_is_read_and_not_written():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "run.zarr"
        run = new_run(path)
        fill(run)
        writable = {item: item.stat().st_mode for item in (path, *path.rglob("*"))}
        for item, mode in writable.items():
            item.chmod(mode & ~0o222)
        with without_privileges():
            assert_holds(nc.store.open(path).to_xarray(), frames(0, 10))
            assert_holds(xr.open_zarr(path), frames(0, 10))
            with pytest.raises(StoreError, match="must be writable to be continued, and it is not"):
                nc.store.open(path, mode="a")
            with pytest.raises(StoreError, match="must be readable and writable for this"):
                new_run(Path(folder) / "second.zarr")
        for item, mode in writable.items():
            item.chmod(mode)


# -- folders that are not runs -------------------------------------------------------------------


def _foreign(path: Path) -> None:
    shutil.rmtree(path)
    zarr.create_group(path)


def _newer(path: Path) -> None:
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["nanochart_format"] = 4
    (path / "zarr.json").write_text(json.dumps(root))


def _an_array(path: Path) -> None:
    shutil.rmtree(path)
    zarr.create_array(path, shape=(3,), dtype="int8")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (shutil.rmtree, "run.zarr does not exist: name a run, or make one with `nanochart"),
        (lambda path: (path / "zarr.json").unlink(), "is not a run .it has no zarr.json."),
        (_foreign, "is a Zarr group, but not one of nanochart's runs"),
        (_an_array, "is a Zarr group, but not one of nanochart's runs"),
        (_newer, "has format 4, and this nanochart reads formats up to 3: upgrade nanochart"),
        (lambda path: _cut(path / "zarr.json"), "zarr.json is not readable as Zarr metadata"),
        (lambda path: (path / LOG).unlink(), "the commit record .* is missing, so no frame"),
        (
            lambda path: (shutil.rmtree(path), path.write_text("text")),
            r"run.zarr is not a run \(it has no zarr.json\)",
        ),
    ],
)
def test_a_folder_that_is_not_a_run_is_refused(run, harm, message):
    harm(run.path)
    with pytest.raises(StoreError, match=message):
        nc.store.open(run.path)


def test_what_zarr_cannot_read_of_an_array_without_a_seal_is_one_sentence(run):
    root = json.loads((run.path / "zarr.json").read_text())
    root["consolidated_metadata"]["metadata"]["restart/files"]["fill_value"] = 1_000_000_000
    (run.path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match=r"metadata of .*run.zarr cannot be read .*: restore its"):
        nc.store.open(run.path).to_xarray()


def test_a_store_error_is_also_an_oserror(tmp_path):
    with pytest.raises(OSError, match="does not exist"):
        nc.store.open(tmp_path / "nothing")
    with pytest.raises(nc.errors.NanochartError, match="does not exist"):
        nc.store.open(tmp_path / "nothing", mode="a")


def test_a_run_can_be_moved(run, tmp_path):
    run.path.rename(tmp_path / "elsewhere")
    found = nc.store.open(tmp_path / "elsewhere", mode="a")
    found.extend(12)
    fill(found)
    assert_holds(found.to_xarray(), frames(0, 12))
    assert found.to_xarray().sizes["replica"] == N_REPLICAS
