"""`nanochart refine`: what a biased run found that the chart did not know, and the new chart."""

import shutil

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from nanochart.errors import StoreError
from nanochart.workflow import Refinement, refine_run
from nanochart.workflow.refine import new_minima


def test_a_refinement_adds_what_was_found_and_keeps_the_latent_frame(charted, tmp_path):
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if name.endswith("zarr") else shutil.copy)(charted / name, tmp_path / name)
    config = settings(tmp_path, temperature=600, opes={"barrier": 0.4}, time=0.05)
    run = nc.store.open(tmp_path / "cu38.zarr", mode="a")
    before = run.to_xarray()["chart"].to_numpy().reshape(-1, 2)
    (first,) = refine_run(run, config)
    assert first.new_minima > 5  # a liquid finds what a solid at 500 K did not
    assert first.error_after < first.error_before
    old = run.to_xarray()["inherent_energy"].to_numpy()
    added = nc.store.open(tmp_path / first.run).to_xarray()
    added = added["inherent_energy"].to_numpy()[added["quench_converged"].to_numpy() == 1]
    fresh = np.sort([e for e in added if np.abs(old - e).min() > 2e-4])
    assert first.new_minima >= 1 + (np.diff(fresh) > 1e-4).sum()  # those told by energy alone
    after = run.to_xarray()["chart"].to_numpy().reshape(-1, 2)
    assert np.sqrt(((after - before) ** 2).sum(axis=1).mean()) == pytest.approx(
        first.shift, rel=0.1
    )
    # No rotation of the new chart lies closer to the old one.
    for angle in (0.5, 1.5, 3.0):
        c, s = np.cos(angle), np.sin(angle)
        turned = after @ np.array([[c, s], [-s, c]])
        assert ((turned - before) ** 2).sum() > ((after - before) ** 2).sum()
    assert run.committed("families") == run.committed()
    # A second call goes on from the first.
    done = nanochart("refine", tmp_path / "cu38.zarr", "--bias", tmp_path / "bias.yaml", "-q")
    assert "cu38-refine-2.zarr" in done.stdout


def test_new_minima_are_told_by_energy_and_shape():
    energies, shapes = np.array([-10.0, -9.5]), np.array([[3.0, 3.0, 3.0], [2.5, 3.0, 3.5]])
    # The energy of a known one with another shape; known ones, quenched again; one that is new
    # twice.
    E = np.array([-10.0, -9.5 + 6e-5, -10.0 - 4e-5, -9.0, -9.0 + 5e-5])
    x = np.array([[2.9, 3.0, 3.1], *shapes[::-1], [2.0, 3.0, 4.0], [2.0, 3.001, 4.0]])
    assert new_minima((energies, shapes), (E, x)).tolist() == [0, 3]
    assert new_minima((energies, shapes), (E[1:3], x[1:3])).size == 0


@pytest.mark.parametrize(("shift", "kept"), [(0.02, True), (1.4, False)])
def test_a_refinement_says_whether_places_keep_their_meaning(shift, kept):
    found = Refinement("r", "m", 10, 0, np.nan, 0.0, np.nan, np.nan, shift)
    assert f"lie {shift:.2f} from where they were" in found.moved
    assert ("keep their meaning" in found.moved) == kept
    assert ("do not mean the same" in found.moved) != kept


def test_a_run_without_a_model_cannot_be_refined(charted, tmp_path):
    run = nc.store.create(
        tmp_path / "bare.zarr", element="Cu", n_atoms=38, n_frames=2, n_replicas=1
    )
    with pytest.raises(StoreError, match="has no model to refine: run `nanochart train"):
        refine_run(run, settings(charted))
