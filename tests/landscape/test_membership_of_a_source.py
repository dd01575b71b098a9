"""States of a biased run after its source was moved, changed or never divided into families."""

import shutil

import numpy as np
import pytest

import nanochart as nc
from helpers.membership import settings
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import OWN, check_same_states, load_families
from nanochart.workflow import bias_run, families_run, fes_run, fes_runs
from nanochart.workflow.bias.resolve import resolve
from nanochart.workflow.fes.samples import weighted_frames


def test_families_or_a_model_that_are_gone_are_told_before_a_run_is_begun(copied):
    (copied / "cu38.nanochart").unlink()
    with pytest.raises(ModelError, match=r"the model that charted .* must lie beside it"):
        resolve(settings(copied, variables=["energy"]))
    (copied / "cu38.families").unlink()
    with pytest.raises(StoreError, match=r"cu38\.families is missing, the file of the families"):
        resolve(settings(copied, variables=["energy"]))


@pytest.mark.parametrize(
    ("by", "membership"), [("family", "own"), ("motif", "own"), ("family", "place")]
)
def test_states_are_told_without_the_source(plain, tmp_path, by, membership):
    moved = tmp_path / "elsewhere" / "plain.zarr"
    shutil.copytree(plain.path, moved)
    here = fes_run(plain, by=by, membership=membership)
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        path = tmp_path / name
        (shutil.rmtree if name.endswith("zarr") else type(path).unlink)(path)
    there = fes_run(nc.store.open(moved, mode="a"), by=by, membership=membership)
    assert here.states.names == there.states.names
    assert here.states.families == there.states.families
    assert here.outside == there.outside
    np.testing.assert_array_equal(here.known, there.known)
    np.testing.assert_array_equal(here.states.codes, there.states.codes)
    np.testing.assert_array_equal(here.populations.shares.value, there.populations.shares.value)
    np.testing.assert_array_equal(here.surface.energy, there.surface.energy)
    if membership == "place":
        np.testing.assert_array_equal(here.states.shares, there.states.shares)


def test_the_chart_by_which_a_run_of_another_variable_is_told_is_kept(trained, copied):
    run = bias_run(settings(copied, variables=["energy"], walkers=2), copied / "energy.zarr")
    moved = shutil.move(run.path, copied / "elsewhere.zarr")
    shutil.rmtree(copied / "cu38.zarr")
    (copied / "cu38.nanochart").unlink()
    found = fes_run(nc.store.open(moved, mode="a"), by="family")
    assert found.states.families == load_families(trained / "cu38.families").fingerprint


def test_a_source_without_families_is_one_sentence(copied):
    source = nc.store.open(copied / "cu38.zarr", mode="a")
    source.clear("families")
    run = bias_run(settings(copied), copied / "early.zarr")
    for membership in ("own", "place"):
        with pytest.raises(StoreError, match=r"holds no families, because its source cu38\.zarr"):
            fes_run(run, by="family", membership=membership)
    assert fes_run(run, by="motif").states.definition == OWN


def test_results_of_different_definitions_are_not_combined(plain):
    own = fes_run(plain, by="motif").states
    place = weighted_frames(plain, 0.2, membership="place").states("motif")
    with pytest.raises(StoreError, match="must have one definition of membership; got own inherent"
                       " structure in a and place in the chart in b"):  # fmt: skip
        check_same_states(own, place, "a", "b")
    source = nc.store.open(plain.path.with_name("cu38.zarr"), mode="a")
    with pytest.raises(ValueError, match="have states of their own, and all of them count: leave"):
        fes_runs([source, plain], by="motif", temperature=522.0, membership="place")
    tempered = weighted_frames(source, 0.2, 522.0).states("family")
    mine = weighted_frames(plain, 0.2).states("family")
    check_same_states(tempered, mine, "a", "b")
    shutil.copytree(source.path, plain.path.with_name("again.zarr"))
    again = nc.store.open(plain.path.with_name("again.zarr"), mode="a")
    model = nc.autoencoder.load(plain.path.with_name("cu38.nanochart"))
    families_run(again, nc.workflow.families_config({"size": 40}), model=model)
    divided = weighted_frames(again, 0.2, 522.0).states("family")
    with pytest.raises(StoreError, match=r"must have one (set of states|division into families)"):
        check_same_states(tempered, divided, "a", "b")
