"""Dynamics that keep to a part of the landscape."""

import numpy as np
import pytest

from nanochart.config import load_config
from nanochart.dynamics import Langevin, initialize
from nanochart.errors import ConfigError
from nanochart.potentials import gupta
from nanochart.tempering import RestrictedSegment, langevin_segment, motifs_of
from nanochart.testing import SuperposedBasins
from nanochart.workflow import ladder_words, sample, thermo_run

SQUARE = np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]])
#: Rungs that overlap, in K.
CLOSE = [300, 340, 380]
PYRAMID = np.array([[1.2, 0, 0], [-0.6, 1, 0], [-0.6, -1, 0], [0, 0, 1.4]])


def system():
    """Two basins between which replicas change at every draw."""
    return SuperposedBasins(np.array([SQUARE, PYRAMID]), (0.0, 0.02), (2.0, 1.0), crossing=0.0)


def in_second(positions):
    return system().parts(positions)[0].argmin(axis=1) == 1


class _Mass:
    mass = 100.0


def mean_energy(segment, n=1_500):
    basins = system()
    state = initialize(np.array([PYRAMID]), _Mass(), [400.0], seed=3)
    _, samples = segment(state, n, 1)
    x = samples.positions[:, 0]
    np.testing.assert_allclose(basins.energies(x), samples.potential_energies[:, 0], atol=1e-9)
    return samples.potential_energies[n // 10 :, 0].mean(), in_second(x)


def restricted_mean():
    basins = system()
    x = basins.draw(400.0, 40_000, seed=1)
    return basins.energies(x[in_second(x)]).mean()


def test_a_restricted_segment_samples_its_region_alone():
    basins = system()
    segment = RestrictedSegment(basins, in_second, basins.energies)
    found, inside = mean_energy(segment)
    assert inside.all()
    assert found == pytest.approx(restricted_mean(), abs=0.004)


def test_without_the_restriction_both_basins_are_seen():
    _, inside = mean_energy(system())
    assert 0.1 < inside.mean() < 0.9


def test_a_refused_stretch_turns_the_velocities_and_goes_another_way():
    gold = gupta("Au")
    x = np.array([np.stack([np.zeros(3), [2.6, 0, 0], [1.3, 2.3, 0.0]])])
    state = initialize(x, gold, [300.0], seed=1)
    dynamics = langevin_segment(gold, Langevin(time_step=5.0))
    nowhere = RestrictedSegment(dynamics, lambda p: np.zeros(len(p), bool),
                                lambda p: gold.energy_forces(p)[0])  # fmt: skip
    after, samples = nowhere(state, 20, 20)
    np.testing.assert_array_equal(after.positions, state.positions)
    np.testing.assert_array_equal(after.velocities, -state.velocities)
    np.testing.assert_array_equal(samples.positions[0], state.positions)
    assert samples.potential_energies[0, 0] == pytest.approx(gold.energy_forces(x)[0][0])
    assert (after.random != state.random).any()
    assert after.steps[0] == 20


def settings(**tempering):
    return load_config({
        "system": {"metal": "Au", "n_atoms": 38},
        "starts": ["octahedron"],
        "tempering": {"temperatures": [300, 500, 700], "time_per_replica": 0.05,
                      "swap_interval": 1.0, "mapped_below": "off", **tempering},
    })  # fmt: skip


def test_a_run_keeps_to_its_motif(tmp_path):
    run = sample(settings(within="fcc"), tmp_path / "fcc.zarr")
    x = run.frames().thermal.positions
    assert (motifs_of(gupta("Au"), x.reshape(-1, 38, 3)) == "fcc").all()
    free = sample(settings(), tmp_path / "free.zarr").frames().thermal.positions
    assert (motifs_of(gupta("Au"), free.reshape(-1, 38, 3)) != "fcc").any()


def test_a_start_of_another_motif_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"within keeps to, dh; got octahedron, .* fcc"):
        sample(settings(within="dh"), tmp_path / "dh.zarr")


def test_what_is_said_of_a_restricted_run_names_its_motif(tmp_path):
    asked = {"temperatures": CLOSE, "time_per_replica": 0.1}
    run = sample(settings(within="fcc", **asked), tmp_path / "fcc.zarr")
    assert "averages of this run are those of fcc alone" in ladder_words(run)
    assert any("those of fcc alone" in each for each in thermo_run(run).warnings)
    free = sample(settings(**asked), tmp_path / "free.zarr")
    assert "alone" not in ladder_words(free)
    assert not any("alone" in each for each in thermo_run(free).warnings)
