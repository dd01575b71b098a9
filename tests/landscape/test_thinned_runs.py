"""Biased runs of which one frame in so many is quenched, charted and told."""

import json

import ase.io
import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from helpers.membership import left_out
from nanochart.autoencoder import TrainingConfig
from nanochart.errors import StoreError
from nanochart.motifs import LABELS
from nanochart.workflow import (
    explore_run,
    export_chemiscope,
    families_run,
    fes_run,
    quench_run,
    report_run,
    train_run,
)
from nanochart.workflow.fes.samples import weighted_frames


def test_of_a_long_run_one_frame_in_so_many_is_quenched_and_counts(trained, plain):
    found = fes_run(plain, by="motif", discard=0.1, every=4)
    n = plain.committed()
    data = plain.to_xarray()
    quenched = data["quench_converged"].to_numpy()[:, 0]
    np.testing.assert_array_equal(quenched >= 0, np.arange(n) % 4 == 0)
    np.testing.assert_array_equal(data["motif"].to_numpy()[:, 0] >= 0, np.arange(n) % 4 == 0)
    np.testing.assert_array_equal(
        np.isfinite(data["inherent_positions"].to_numpy()[:, 0, 0, 0]), np.arange(n) % 4 == 0
    )
    first = -(-int(0.1 * n) // 4) * 4
    own = nc.store.open(trained / "other.zarr").to_xarray()["motif"].to_numpy()[left_out(trained)]
    expected = np.bincount(own[first::4], minlength=len(LABELS)) / len(own[first::4])
    np.testing.assert_allclose(found.populations.shares.value, expected, atol=0.02)
    assert found.populations.shares.value.sum() == pytest.approx(1.0)
    assert found.states.codes.min() >= 0
    # The same frames are asked again, in coarser steps if wanted, and not in finer ones.
    assert len(fes_run(plain, by="motif").states.codes) == pytest.approx(0.8 * n / 4, abs=1)
    assert len(weighted_frames(plain, 0.0, every=8).frames) == -(-n // 8)
    with pytest.raises(StoreError, match="--every must be a multiple of it; got 3: leave it out"):
        fes_run(plain, every=3)
    assert fes_run(plain, by="family").populations.shares.value.sum() == pytest.approx(1.0)


@pytest.mark.usefixtures("undrawn")
def test_a_thinned_run_can_be_read_by_what_needs_inherent_structures(plain, tmp_path):
    fes_run(plain, every=4)
    fes_run(plain, by="motif")
    n = -(-plain.committed() // 4)
    assert explore_run(plain, tmp_path / "explorer.html").total == n
    page = (tmp_path / "explorer.html").read_text()
    assert f"frames {n:,} were quenched, one in so many" in page
    for structures in ("inherent", "thermal"):
        file = tmp_path / f"{structures}.json"
        assert export_chemiscope(plain, file, structures, slice(None, None, 8)) == -(-n // 2)
        written = json.loads(file.read_text())["properties"]
        assert written["frame"]["values"] == list(range(0, plain.committed(), 8))
        assert "unknown" not in written["motif"]["values"]
        assert np.isfinite(written["energy"]["values"]).all()
    file = tmp_path / "minima.extxyz"
    assert nc.interop.export_extxyz(plain, file, "inherent") == n
    images = ase.io.read(file, ":")
    assert [atoms.info["frame"] for atoms in images] == list(range(0, plain.committed(), 4))
    assert all(np.isfinite(atoms.positions).all() for atoms in images)
    report_run(plain, tmp_path / "report.html")
    with pytest.raises(StoreError, match="of one frame in 4, and training needs that of all: run"):
        train_run(plain, tmp_path / "m.nanochart", TrainingConfig(epochs=1))
    with pytest.raises(StoreError, match="of one frame in 4, and a division into families needs"):
        families_run(plain)
    text = nanochart("quench", plain.path, "-q").stdout
    assert f"{-(-plain.committed() // 4)} inherent structures" in text
    with pytest.raises(StoreError, match="of one frame in 4; got a request for all frames: run"):
        quench_run(plain, every=1)
    nanochart("quench", plain.path, "--again", "-q")
    assert (plain.to_xarray()["quench_converged"].to_numpy() >= 0).all()


def test_a_run_is_thinned_to_some_twenty_thousand_frames(plain, monkeypatch):
    monkeypatch.setattr("nanochart.workflow.fes.samples._MOST_QUENCHED", 200)
    n = plain.n_frames
    assert len(weighted_frames(plain, 0.0).frames) <= 200 + 1
    assert weighted_frames(plain, 0.0).every == -(-n // 200)
    assert weighted_frames(plain, 0.0, membership="place").every == 1
