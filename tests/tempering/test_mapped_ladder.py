"""Ladders whose cold rungs exchange mapped: what is found, refused and averaged."""

import numpy as np
import pytest
import scipy.stats

from nanochart.config import load_config
from nanochart.errors import ConfigError
from nanochart.tempering import Ladder, communication_barrier, tempered_sample
from nanochart.testing import TwoBasins
from nanochart.workflow import run_info, sample

FREEDOM = 108


def drawn(temperatures, n_frames=2_000, seed=0):
    """Energies of a harmonic cluster and rungs (frame, replica) of replicas that change places."""
    rng = np.random.default_rng(seed)
    system, n = TwoBasins(stiffnesses=(2.0, 2.0)), len(temperatures)
    energies, _ = system.draw(temperatures, n_frames, FREEDOM, rng)
    rungs = np.array([rng.permutation(n) for _ in range(n_frames)])
    return np.take_along_axis(energies, rungs, axis=1), rungs


COLD = (20.0, 60.0, 300.0, 330.0, 363.0, 400.0)


def test_cold_rungs_are_averaged_over_their_own_frames_and_the_rest_is_joined():
    ladder = Ladder(COLD)
    E, rungs = drawn(COLD)
    found = tempered_sample(E, rungs, ladder, n_mapped=3)
    assert found.groups.tolist() == [0, 1, 2, 2, 2, 2]
    assert found.joined_from == 300.0
    for k, T in enumerate(COLD):
        weighted = found.at(T)
        assert (weighted.weights[rungs == k]).sum() > (1 - 1e-9 if k < 2 else 0.2)
        exact = TwoBasins(stiffnesses=(2.0, 2.0)).mean_energy(ladder.betas[k], FREEDOM)
        mean = weighted.mean(E)
        assert mean.known
        assert mean.value == pytest.approx(exact, abs=4 * float(mean.error))
        own = E[rungs == k]
        # Joined rungs know more than their own frames tell.
        assert float(mean.error) < 1.2 * own.std() / np.sqrt(own.size)


def test_joined_groups_are_those_of_a_ladder_without_the_cold_rungs():
    E, rungs = drawn(COLD)
    whole = tempered_sample(E, rungs, Ladder(COLD), n_mapped=3)
    only = rungs >= 2
    hot, places = E[only].reshape(-1, 4), rungs[only].reshape(-1, 4) - 2
    part = tempered_sample(hot, places, Ladder(COLD[2:]))
    a, b = whole.at(345.0), part.at(345.0)
    assert (a.weights * E).sum() == pytest.approx((b.weights * hot).sum(), rel=1e-9)


def test_plain_rungs_that_do_not_overlap_are_refused():
    E, rungs = drawn(COLD)
    with pytest.raises(ValueError, match="does not overlap between 60 and 300 K"):
        tempered_sample(E, rungs, Ladder(COLD))


def test_barrier_is_the_sum_of_the_rejections():
    assert communication_barrier([0.25, 0.5, np.nan, 1.0]) == pytest.approx(1.25)
    assert np.isnan(communication_barrier([np.nan]))


def settings(temperatures, **tempering):
    return load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron"],
            "tempering": {"temperatures": temperatures, "swap_interval": 1,
                          "time_per_replica": 0.03, **tempering},
        }
    )  # fmt: skip


def test_a_run_finds_its_mapped_pairs_and_goes_on_with_the_same_bits(tmp_path):
    config = settings([40, 100, 200, 300])
    whole = sample(config, tmp_path / "whole.zarr")
    exchange = run_info(whole)["exchange"]
    assert [pair["kind"] for pair in exchange["pairs"]] == ["mapped"] * 3
    assert exchange["mapped_below"] == 300.0
    assert exchange["acceptance"] > 0.3
    calls = iter([False] * 10 + [True] * 100)
    sample(config, tmp_path / "cut.zarr", stop=lambda: next(calls))
    cut = sample(config, tmp_path / "cut.zarr", resume=True)
    assert cut.complete
    np.testing.assert_array_equal(whole.frames().thermal.positions, cut.frames().thermal.positions)


def test_plain_exchanges_alone_leave_cold_rungs_apart(tmp_path):
    run = sample(settings([40, 100, 200, 300], mapped_below="off"), tmp_path / "plain.zarr")
    exchange = run_info(run)["exchange"]
    assert [pair["kind"] for pair in exchange["pairs"]] == ["plain"] * 3
    assert exchange["acceptance"] < 0.05


def test_mapping_where_minima_do_not_last_is_refused(tmp_path):
    config = settings([600, 900, 1300], mapped_below=1300)
    sentence = r"mapped_below \(K\) must lie where minima last, .*; got 1300: .*auto finds it"
    with pytest.raises(ConfigError, match=sentence):
        sample(config, tmp_path / "hot.zarr")
    assert not (tmp_path / "hot.zarr").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("metal", "time_step"), [("Cu", 8.0), ("Au", 12.5)])
def test_a_mapped_ladder_agrees_with_a_plain_one_of_three_times_the_rungs(
    metal, time_step, tmp_path
):
    """38 atoms from 30 to 600 K: means at every rung, judged by the largest deviation."""
    mapped = (30.0, 70.0, 120.0, 180.0, 240.0, 300.0, 340.0, 380.0, 430.0, 480.0, 540.0, 600.0)
    between = np.geomspace(mapped[:-1], mapped[1:], 4)[:3].T.ravel()
    plain = (*np.round(between, 3), 600.0)
    means = []
    for name, ladder, below in (("mapped", mapped, 540.0), ("plain", plain, "off")):
        config = load_config(
            {
                "system": {"metal": metal, "n_atoms": 38},
                "starts": ["octahedron"],
                "dynamics": {"time_step": time_step, "friction": 2e-4},
                "tempering": {"temperatures": ladder, "swap_interval": 0.6 * time_step,
                              "mapped_below": below, "time_per_replica": 6, "discard": 1},
                "seed": 3,
            }
        )  # fmt: skip
        run = sample(config, tmp_path / f"{name}.zarr")
        frames = run.frames().thermal
        n = len(ladder)
        ordered = np.empty(frames.energies.shape)
        np.put_along_axis(ordered, frames.rungs, frames.energies, axis=1)
        blocks = ordered[: len(ordered) // 20 * 20].reshape(20, -1, n).mean(axis=1)
        means.append((blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(20)))
        print(name, run_info(run)["exchange"]["acceptance"])
    (a, da), (b, db) = means[0], (means[1][0][::3], means[1][1][::3])
    off = (a - b) / np.hypot(da, db)
    print(np.round(1e3 * (a - b), 2), np.round(1e3 * np.hypot(da, db), 2))
    # Rungs of one ladder share their replicas, so the largest is judged, by Student's t.
    limit = scipy.stats.t.isf(0.5 * 1e-3 / len(off), 19)
    assert np.abs(off).max() < limit
