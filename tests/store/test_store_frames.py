"""Frames of a run in types, and the one sentence for a stage that is missing."""

import numpy as np
import pytest

import nanochart as nc
from helpers.stored import N_REPLICAS, fill, frames, new_run, quenched
from nanochart.errors import StoreError


@pytest.fixture
def run(tmp_path):
    """Ten frames, quenched."""
    run = new_run(tmp_path / "run.zarr", ladder=[300.0, 400.0, 500.0])
    fill(run)
    run.begin("quench", {})
    fill(run, "quench", quenched)
    return run


def test_thermal_and_inherent_configurations_are_read_in_double_precision(run):
    found = run.frames(2, 7)
    assert len(found) == 5
    assert found.n_replicas == N_REPLICAS
    expected, minima = frames(2, 7), quenched(2, 7)
    np.testing.assert_allclose(found.thermal.positions, expected["positions"], atol=1e-6)
    assert found.thermal.positions.dtype == np.float64
    np.testing.assert_array_equal(found.thermal.energies, expected["energy"])
    np.testing.assert_array_equal(found.thermal.temperatures, expected["temperature"])
    np.testing.assert_array_equal(found.thermal.rungs, expected["rung"])
    np.testing.assert_array_equal(found.thermal.steps, expected["step"])
    np.testing.assert_array_equal(found.thermal.exchanges[:, 0], expected["exchange_accepted"])
    assert found.thermal.kinetic_energies is None
    np.testing.assert_array_equal(found.inherent.energies, minima["inherent_energy"])
    np.testing.assert_allclose(found.inherent.positions, minima["inherent_positions"], atol=1e-6)
    assert found.inherent.converged.all()
    assert found.inherent.evaluations is None
    np.testing.assert_array_equal(found.ladder, [300.0, 400.0, 500.0])


def test_names_come_with_their_codes(run):
    motif = np.arange(10 * N_REPLICAS).reshape(10, -1) % 4 - 1
    run.replace("label", {"motif": motif, "defect_hcp_planes": np.full((10, N_REPLICAS), 0.5)}, {})
    family = np.arange(10 * N_REPLICAS).reshape(10, -1) % 3
    run.replace("chart", {"chart": np.ones((10, N_REPLICAS, 2))}, {"model": "A"})
    run.replace("families", {"family": family}, {"names": ["noise", "ih/1", "dh/1"]})
    found = run.frames(0, 8)
    np.testing.assert_array_equal(found.motifs.codes, motif[:8])
    assert found.motifs.names == nc.motifs.LABELS
    assert found.motifs.labels()[0].tolist() == ["unknown", *nc.motifs.LABELS[:2]]
    assert sum(found.motifs.counts().values()) == (motif[:8] >= 0).sum()
    assert found.families.names == ("noise", "ih/1", "dh/1")
    assert found.families.labels()[0].tolist() == ["noise", "ih/1", "dh/1"]
    assert found.families.counts() == {"noise": 8, "ih/1": 8, "dh/1": 8}
    assert (found.defects["hcp_planes"] == 0.5).all()
    assert found.chart("thermal").coordinates.shape == (8, N_REPLICAS, 2)
    assert found.chart("thermal").model == "A"
    with pytest.raises(StoreError, match=r"charted before it was quenched.*nanochart chart .* ag"):
        found.chart("inherent")


@pytest.mark.parametrize(
    ("stage", "words", "command"),
    [("label", "labelled", "label"), ("chart", "charted", "chart"), ("train", "trained", "train"),
     ("families", "grouped", "families")],
)  # fmt: skip
def test_a_missing_stage_is_named_with_what_makes_it(run, stage, words, command):
    assert not run.frames().has(stage)
    sentence = rf"run.zarr has 0 {words} frames of 10: run `nanochart {command} .*run.zarr` first$"
    with pytest.raises(StoreError, match=sentence):
        run.frames().require("quench", stage)


def test_of_several_missing_stages_the_first_to_be_made_is_named(run):
    with pytest.raises(StoreError, match="0 labelled frames of 10"):
        run.frames().require("families", "chart", "label", "quench")


def test_a_stage_that_has_not_come_so_far_serves_the_frames_that_have_it(run):
    run.begin("quench", {})
    run.write("quench", 0, quenched(0, 4))
    assert run.frames(0, 4).has("quench")
    assert run.frames(0, 4).inherent.energies.shape == (4, N_REPLICAS)
    with pytest.raises(StoreError, match="has 4 quenched frames of 10: run `nanochart quench"):
        _ = run.frames().inherent


def test_an_empty_run_and_frames_that_are_not_there(tmp_path, run):
    empty = new_run(tmp_path / "empty.zarr").frames()
    assert len(empty) == 0
    with pytest.raises(StoreError, match="has no frames yet: sample or import some first"):
        empty.require()
    with pytest.raises(ValueError, match="between 0 and the 10 committed ones; got 4 to 11"):
        run.frames(4, 11)


def test_a_biased_run_tells_what_its_bias_did(tmp_path, run):
    with pytest.raises(StoreError, match="is no biased run: make one with `nanochart bias CONFIG`"):
        _ = run.frames().biased
    made = new_run(tmp_path / "biased.zarr", kind="biased")
    data = frames(0, 4)
    walker = np.arange(4.0 * N_REPLICAS).reshape(4, -1)
    bias = {"cv": walker[..., None], "bias_energy": walker, "log_weight": -walker}
    made.write_frames(0, {"positions": data["positions"], "step": data["step"], **bias})
    found = made.frames().biased
    assert found.variables.shape == (4, N_REPLICAS, 1)
    np.testing.assert_array_equal(found.energies, walker)
    np.testing.assert_array_equal(found.log_weights, -walker)
    assert found.works is None
    assert found.centres is None


def test_frames_are_taken_by_stride_number_and_stage(run):
    energies = frames(0, 10)["energy"]
    third = run.frames(1, every=3)
    assert third.numbers.tolist() == [1, 4, 7]
    np.testing.assert_array_equal(third.thermal.energies, energies[1::3])
    np.testing.assert_array_equal(third.take([2, 0]).thermal.energies, energies[[7, 1]])
    assert third.at([7, 4]).numbers.tolist() == [7, 4]
    assert third.at(slice(2, None)).numbers.tolist() == [4, 7]
    with pytest.raises(ValueError, match=r"among the 3 that .* of the stage 'frames'; got \[2\]"):
        third.at([2])
    with pytest.raises(ValueError, match=r"between 0 and the 10 .*; got 0 to 10, one in 0"):
        run.frames(every=0)
    run.begin("quench", {"every": 2})
    run.write("quench", 0, quenched(0, 8))
    assert not run.frames().has("quench")
    assert run.frames().having("quench").numbers.tolist() == list(range(8))
    assert run.frames().with_minima().numbers.tolist() == [0, 2, 4, 6]
    assert len(run.frames().having("label")) == 0
    assert run.frames().n_coordinates == 0
