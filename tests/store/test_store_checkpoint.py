"""There is always a complete checkpoint, and never a wrong one."""

import numpy as np
import pytest

import nanochart as nc
from helpers.stored import fill, frames, new_run
from nanochart.errors import StoreError
from nanochart.files import write_atomic
from nanochart.store import checkpoint
from nanochart.store.files import RECORDS


@pytest.fixture
def run(tmp_path):
    """Two checkpoints, after 4 and after 8 frames."""
    run = new_run(tmp_path / "run.zarr")
    for stop in (4, 8):
        run.write_frames(stop - 4, frames(stop - 4, stop))
        run.save_checkpoint(state(stop), {"at": stop})
    return run


def state(stop: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(stop)
    return {
        "positions": generator.normal(size=(2, 13, 3)),
        "random": generator.integers(0, 2**64, size=(2, 4, 8), dtype=np.uint64),
        "steps": np.array([stop, 2**62]),
        "flag": np.array(True),
    }


def assert_state(checkpoint, stop: int) -> None:
    assert checkpoint.frames == stop
    assert checkpoint.info == {"at": stop}
    expected = state(stop)
    assert set(checkpoint.arrays) == set(expected)
    for name, array in expected.items():
        assert checkpoint.arrays[name].dtype == array.dtype
        assert checkpoint.arrays[name].tobytes() == array.tobytes()


def files(run) -> list[str]:
    return sorted(path.name for path in (run.path / RECORDS).glob("checkpoint-*"))


def test_a_checkpoint_returns_bit_for_bit(run):
    checkpoint = nc.store.open(run.path).load_checkpoint()
    assert_state(checkpoint, 8)
    assert checkpoint.skipped == ()


def test_integers_of_any_length_survive(run):
    # The state of NumPy's PCG64 is an integer of 128 bits.
    info = {"generator": np.random.default_rng(1).bit_generator.state}
    run.save_checkpoint({}, info)
    assert run.load_checkpoint().info == info


def test_a_run_without_checkpoints_has_none(tmp_path):
    assert new_run(tmp_path / "run.zarr").load_checkpoint() is None


def test_only_the_newest_two_are_kept(run):
    run.save_checkpoint(state(8), {"at": 8})
    assert files(run) == [f"checkpoint-00000{k}.{kind}" for k in (2, 3) for kind in ("json", "npz")]


@pytest.mark.parametrize("suffix", ["npz", "json"])
@pytest.mark.parametrize("keep", [0, 100])
def test_a_newest_one_that_is_cut_short_gives_way_to_the_one_before(run, suffix, keep):
    path = run.path / RECORDS / f"checkpoint-000002.{suffix}"
    path.write_bytes(path.read_bytes()[:keep])
    checkpoint = run.load_checkpoint()
    assert_state(checkpoint, 4)
    assert len(checkpoint.skipped) == 1
    assert "checkpoint-000002.json" in checkpoint.skipped[0]
    # What followed it is computed again.
    run.truncate(checkpoint.frames)
    fill(run)
    run.save_checkpoint(state(10), {"at": 10})
    assert_state(run.load_checkpoint(), 10)


def test_a_kill_between_its_two_files_leaves_the_one_before(run, monkeypatch):
    def stop_at_description(path, data, **settings):
        if path.suffix == ".json":
            raise KeyboardInterrupt("between the two")
        write_atomic(path, data, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_atomic", stop_at_description)
        with pytest.raises(KeyboardInterrupt, match="between the two"):
            run.save_checkpoint(state(9), {"at": 9})
    assert_state(run.load_checkpoint(), 8)
    run.save_checkpoint(state(8), {"at": 8})
    assert_state(run.load_checkpoint(), 8)


def test_a_checkpoint_whose_frames_are_lost_gives_way(run):
    run.truncate(4)
    checkpoint = run.load_checkpoint()
    assert_state(checkpoint, 4)
    assert "follows frame 8, but only 4 frames are committed" in checkpoint.skipped[0]


def test_if_none_is_left_the_sentence_says_so(run):
    (run.path / RECORDS / "checkpoint-000001.npz").unlink()
    (run.path / RECORDS / "checkpoint-000002.npz").write_bytes(b"")
    with pytest.raises(
        StoreError,
        match=r"no checkpoint .* cannot be resumed; its committed frames stay readable "
        r".*000002.json does not match checkpoint-000002.npz.*000001.json has lost its .npz",
    ):
        run.load_checkpoint()


def test_objects_are_refused(run):
    with pytest.raises(TypeError, match=r"'a' of a checkpoint must hold numbers.*dtype object"):
        run.save_checkpoint({"a": np.array([None, {}])}, {})
    with pytest.raises(TypeError, match="info of a checkpoint must be plain JSON"):
        run.save_checkpoint({}, {"a": {1}})
