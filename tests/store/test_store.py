"""What is written to a run is what is read from it, at any moment and by any reader."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import nanochart as nc
from helpers.stored import N_REPLICAS, assert_holds, fill, frames, new_run, quenched
from nanochart.errors import StoreError


def test_a_run_returns_what_was_written_with_dimensions_and_units(tmp_path):
    run = new_run(tmp_path / "run.zarr", ladder=[300, 400, 500], start_motifs=["ih", "dh", "ih"])
    fill(run)
    dataset = nc.store.open(tmp_path / "run.zarr").to_xarray()
    assert_holds(dataset, frames(0, 10))
    assert dataset.positions.dims == ("frame", "replica", "atom", "xyz")
    assert dataset.positions.dtype == np.float32
    assert dataset.energy.dtype == np.float64
    assert {name: dataset[name].attrs["units"] for name in dataset.variables} == {
        "positions": "Å",
        "energy": "eV",
        "temperature": "K",
        "rung": "1",
        "step": "1",
        "exchange_accepted": "1",
        "ladder": "K",
        "start_motif": "1",
    }
    np.testing.assert_array_equal(dataset.ladder, [300.0, 400.0, 500.0])
    np.testing.assert_array_equal(dataset.start_motif, [1, 0, 1])
    assert dataset.start_motif.attrs["flag_meanings"] == "dh ih"


def test_blocks_are_whole_chunks_and_the_last_may_be_shorter(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    assert list(run.pending()) == [slice(0, 4), slice(4, 8), slice(8, 10)]
    run.write_frames(0, frames(0, 8))
    assert list(run.pending()) == [slice(8, 10)]
    run.write_frames(8, frames(8, 10))
    assert list(run.pending()) == []
    assert_holds(run.to_xarray(), frames(0, 10))


def test_plain_xarray_reads_a_run_while_it_is_written(tmp_path):
    path = tmp_path / "run.zarr"
    run = new_run(path, ladder=[300, 400, 500])
    for name, values in xr.open_zarr(path).items():
        assert values.isnull().all() or (values == -1).all(), name
    assert set(frames(0, 1)) == set(xr.open_zarr(path))
    with run.lock():
        run.write_frames(0, frames(0, 4))
        # Warnings are errors here: none of these readers has anything to say.
        for dataset in (
            xr.open_zarr(path),
            xr.open_zarr(path, consolidated=False),
            xr.open_datatree(path, engine="zarr", consolidated=False).to_dataset(),
            xr.open_dataset(path, engine="zarr"),
        ):
            assert dataset.sizes["frame"] == 10
            assert_holds(dataset.isel(frame=slice(0, 4)), frames(0, 4))
            assert (dataset.step[4:] == -1).all()
            assert np.isnan(dataset.positions[4:]).all()
        run.save_checkpoint({"x": np.zeros(3)}, {})
        run.write_frames(4, frames(4, 8))
        assert_holds(xr.open_zarr(path).isel(frame=slice(0, 8)), frames(0, 8))


def test_values_that_are_not_known_are_committed_like_any_other(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    unknown = {
        "energy": np.full((4, N_REPLICAS), np.nan),
        "rung": np.full((4, N_REPLICAS), -1),
    }
    run.write_frames(0, frames(0, 4) | unknown)
    run.write_frames(4, frames(4, 8))
    assert_holds(run.to_xarray().isel(frame=slice(0, 4)), frames(0, 4) | unknown)
    (run.path / "energy/c.0.0").unlink()
    with pytest.raises(StoreError, match=r"'energy' of .* is damaged in chunk 0 .* is missing"):
        run.to_xarray().energy.load()


def test_an_open_reader_follows_the_writer(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    reader = nc.store.open(tmp_path / "run.zarr")
    assert (reader.committed(), reader.to_xarray().sizes["frame"]) == (0, 0)
    run.write_frames(0, frames(0, 4))
    assert reader.committed() == 4
    early = reader.to_xarray()
    run.write_frames(4, frames(4, 8))
    assert reader.to_xarray().sizes["frame"] == 8
    assert_holds(early, frames(0, 4))
    assert repr(reader).endswith("Au13, 3 replicas, 8 of 10 frames>")


def test_values_are_read_when_they_are_used(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    dataset = run.to_xarray()
    (tmp_path / "run.zarr/positions/c.0.0.0.0").unlink()
    assert dataset.positions.shape == (10, 3, 13, 3)  # no chunk was touched by opening


def test_a_longer_run_keeps_its_frames_and_fills_the_short_chunk(tmp_path):
    path = tmp_path / "run.zarr"
    run = new_run(path)
    fill(run)
    run.finalize()
    assert run.complete
    assert xr.open_zarr(path).attrs["complete"] is True
    run.extend(15)
    assert not run.complete
    plain = xr.open_zarr(path)
    assert plain.attrs["complete"] is False
    assert plain.sizes["frame"] == 15
    assert list(run.pending()) == [slice(10, 12), slice(12, 15)]
    fill(run)
    assert_holds(nc.store.open(path).to_xarray(), frames(0, 15))
    assert run.verify() == []
    run.finalize()
    assert_holds(xr.open_zarr(path, consolidated=True), frames(0, 15))


def test_a_derived_stage_follows_the_thermal_frames(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 8))
    assert list(run.pending("quench")) == [slice(0, 4), slice(4, 8)]
    run.write("quench", 0, quenched(0, 4))
    dataset = run.to_xarray()
    assert_holds(dataset.isel(frame=slice(0, 4)), quenched(0, 4))
    assert np.isnan(dataset.inherent_energy[4:]).all()
    assert (dataset.quench_converged[4:] == -1).all()
    assert "chart" not in dataset
    fill(run)
    fill(run, "quench", quenched)
    assert_holds(run.to_xarray(), quenched(0, 10))
    run.write("chart", 0, {"chart": np.ones((10, N_REPLICAS, 2))})
    assert run.to_xarray().chart.dims == ("frame", "replica", "latent")
    assert run.to_xarray().sizes["latent"] == 2


def test_a_derived_stage_can_be_done_again_with_other_variables(tmp_path):
    path = tmp_path / "run.zarr"
    run = new_run(path)
    fill(run)
    fill(run, "quench", quenched)
    run.record_info("quench", {"max_force": 1e-4})
    assert nc.store.open(path).info("quench") == {"max_force": 1e-4}
    run.clear("quench")
    assert run.committed("quench") == 0
    assert run.info("quench") == {}
    assert "inherent_energy" not in run.to_xarray()
    assert "inherent_energy" not in xr.open_zarr(path)
    run.write("quench", 0, {"inherent_positions": quenched(0, 10)["inherent_positions"]})
    assert set(run.to_xarray()) - set(frames(0, 1)) == {"inherent_positions"}
    run.write("chart", 0, {"chart": np.zeros((10, N_REPLICAS, 2))})
    run.clear("chart")
    run.write("chart", 0, {"chart": np.ones((10, N_REPLICAS, 3))})
    assert (run.to_xarray().chart == np.ones((10, N_REPLICAS, 3))).all()


def test_frames_that_are_given_up_are_written_again(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    fill(run, "quench", quenched)
    run.truncate(4)
    assert (run.committed(), run.committed("quench")) == (4, 4)
    assert run.to_xarray().sizes["frame"] == 4
    run.write_frames(4, frames(104, 108))
    assert_holds(run.to_xarray().isel(frame=slice(0, 4)), frames(0, 4) | quenched(0, 4))
    late = run.to_xarray().isel(frame=slice(4, 8))
    assert_holds(late, frames(104, 108))
    # The quench of the frames that were given up is not the quench of the new ones.
    assert np.isnan(late.inherent_positions).all()


def test_metadata_say_how_the_run_was_made(tmp_path):
    new_run(tmp_path / "run.zarr", potential={"name": "gupta", "p": 10.53}, start_motifs=["ih"] * 3)
    facts = nc.store.open(tmp_path / "run.zarr").metadata
    assert (facts.element, facts.n_atoms, facts.n_replicas, facts.seed) == ("Au", 13, 3, 7)
    assert facts.config == {"a": [1, {"b": None}]}
    assert facts.potential == {"name": "gupta", "p": 10.53}
    assert facts.start_motifs == ("ih", "ih", "ih")
    assert facts.kind == "sampled"
    assert facts.versions["numpy"] == np.__version__
    assert {"nanochart", "numba", "zarr"} <= set(facts.versions)
    assert facts.python.startswith("3.")
    assert facts.created.endswith("+00:00")


def test_the_default_chunk_holds_a_few_megabytes(tmp_path):
    run = nc.store.create(
        tmp_path / "run.zarr", element="Au", n_atoms=147, n_frames=1000, n_replicas=24
    )
    assert run.chunk_frames == 4_000_000 // (12 * 147 * 24)


def test_an_empty_folder_becomes_a_run_and_a_full_one_does_not(tmp_path):
    (tmp_path / "empty").mkdir()
    new_run(tmp_path / "empty")
    with pytest.raises(
        StoreError, match=r"empty is a run already: resume it \(--resume\), or choose another"
    ):
        new_run(tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_frames": 0}, "n_frames of a run must be at least 1; got 0"),
        ({"chunk_frames": -1}, "chunk_frames of a run must be at least 1; got -1"),
        ({"ladder": [400, 300]}, "ladder must hold rising temperatures above 0 K"),
        ({"start_motifs": ["ih"]}, r"one motif per replica \(3\); got 1"),
    ],
)
def test_a_run_that_cannot_be_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        new_run(tmp_path / "run.zarr", **change)


def test_a_config_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(TypeError, match="must be plain JSON values"):
        new_run(tmp_path / "run.zarr", config={"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []


def _without(name: str) -> dict[str, np.ndarray]:
    return {key: value for key, value in frames(4, 8).items() if key != name}


def _nan() -> np.ndarray:
    positions = frames(4, 8)["positions"]
    positions[2, 1, 5, 0] = np.nan
    return positions


@pytest.mark.parametrize(
    ("stage", "first", "data", "message"),
    [
        ("frames", 0, frames(0, 4), "must begin at frame 4, the first that is not committed"),
        ("frames", 8, frames(8, 10), "must begin at frame 4"),
        ("frames", 4, frames(4, 7), r"multiple of 4 frames .* use run.pending\('frames'\)"),
        ("frames", 4, frames(4, 4), "multiple of 4 frames"),
        ("frames", 4, frames(4, 12), "must end by frame 10, the number of planned frames"),
        ("quench", 0, quenched(0, 8), "by frame 4, the number of committed thermal frames"),
        ("frames", 4, _without("energy"), "all blocks of the stage 'frames' must hold the same"),
        ("frames", 4, _without("positions"), "must hold positions; got energy"),
        ("frames", 4, frames(4, 8) | {"velocity": 1}, "holds the variables .*; got velocity"),
        ("frames", 4, frames(4, 8) | {"positions": _nan()}, "in frame 2 of the block, replica 1"),
        (
            "frames",
            4,
            frames(4, 8) | {"positions": np.zeros((4, N_REPLICAS, 12, 3))},
            r"'positions' must have the shape \(frame, 3, 13, 3\); got \(4, 3, 12, 3\)",
        ),
        ("frames", 4, frames(4, 8) | {"energy": np.zeros((3, 3))}, r"shape \(4, 3\); got \(3, 3\)"),
        (
            "frames",
            4,
            frames(4, 8) | {"rung": np.full((4, 3), 40_000)},
            "'rung' must lie between -32768 and 32767; got values from 40000",
        ),
        (
            "frames",
            4,
            frames(4, 8) | {"rung": np.full((4, 3), 0.5)},
            "'rung' must hold int16; got an array of float64",
        ),
        ("thermal", 4, frames(4, 8), "of frames, quench, label, train, chart, families; got"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_and_nothing_changes(
    tmp_path, stage, first, data, message
):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    with pytest.raises(ValueError, match=message):
        run.write(stage, first, data)
    assert run.committed() == 4
    fill(run)
    assert_holds(run.to_xarray(), frames(0, 10))


def test_limits_of_length_are_named(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    run.write_frames(0, frames(0, 4))
    with pytest.raises(ValueError, match="at least the 10 frames already planned; got 9"):
        run.extend(9)
    with pytest.raises(ValueError, match="between 0 and the 4 committed frames; got 5"):
        run.truncate(5)
    with pytest.raises(StoreError, match="has 4 of 10 planned frames, so it is not complete"):
        run.finalize()
    with pytest.raises(ValueError, match="of quench, label, train, chart, families; got"):
        run.clear("frames")
    with pytest.raises(ValueError, match="mode must be 'r' or 'a'; got 'w'"):
        nc.store.open(tmp_path / "run.zarr", mode="w")


def test_a_run_opened_for_reading_cannot_be_written(tmp_path):
    new_run(tmp_path / "run.zarr")
    reader = nc.store.open(tmp_path / "run.zarr")
    with pytest.raises(StoreError, match="open it with mode='a' to write"):
        reader.write_frames(0, frames(0, 4))
    with pytest.raises(StoreError, match="open it with mode='a' to write"), reader.lock():
        pass


def test_the_store_loads_without_the_heavy_packages():
    code = (
        "import sys, nanochart.store, nanochart.interop; "
        "print([m for m in ('torch', 'numba', 'matplotlib') if m in sys.modules])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == "[]"
