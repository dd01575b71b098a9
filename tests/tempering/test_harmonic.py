"""Averages without their harmonic fluctuations: exact where basins last, refused where not."""

import numpy as np
import pytest

import nanochart as nc
from nanochart.config import load_config
from nanochart.tempering import Ladder, harmonic, harmonic_frames, mapped_energies, tempered_sample
from nanochart.testing import SuperposedBasins
from nanochart.units import BOLTZMANN
from nanochart.workflow import quench_run, sample, thermo_run

TETRAHEDRON = 1.06 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
LADDER = Ladder((200.0, 250.0))


def soft_cluster(n_frames=1_000):
    """A cluster in one soft basin, which turns freely: sample, frames and the exact energies."""
    system = SuperposedBasins(TETRAHEDRON[None], (0.1,), (0.15,))
    x = np.stack([system.draw(T, n_frames, seed=k) for k, T in enumerate(LADDER.temperatures)], 1)
    E = np.stack([system.energies(x[:, k]) for k in range(2)], axis=1)
    rungs = np.tile([0, 1], (n_frames, 1))
    swapped = np.random.default_rng(0).random(n_frames) < 0.5
    for values in (x, E, rungs):
        values[swapped] = values[swapped][:, ::-1]
    minima = np.stack([system.minima(x[:, k])[0] for k in range(2)], axis=1)
    forces = -0.15 * (x - minima)
    return system, tempered_sample(E, rungs, LADDER), harmonic_frames(x, minima, forces)


def test_the_mapped_mean_is_exact_for_a_cluster_that_turns():
    system, found, frames = soft_cluster()
    mapped = mapped_energies(found, frames, 1e5, 63.5)
    assert mapped.energy.known.all(), mapped.energy.why
    for k, T in enumerate(LADDER.temperatures):
        exact, plain = system.exact(T)[1], found.at(T).mean(found.energies)
        assert mapped.energy.value[k] == pytest.approx(exact, abs=4 * mapped.energy.error[k])
        # What is left is what the rotational factor varies.
        assert mapped.energy.error[k] < 0.3 * plain.error
        assert abs(mapped.surface_term.value[k]) < 4 * mapped.surface_term.error[k]


def test_a_mean_without_the_rotational_factor_is_found(monkeypatch):
    # At 250 K the factor is worth a fiftieth of kT: hundred times the error of the mapped mean.
    plain = np.linalg.solve
    monkeypatch.setattr(harmonic.np.linalg, "solve", lambda a, b: 0.0 * plain(a, b))
    system, found, frames = soft_cluster()
    monkeypatch.undo()
    mapped = mapped_energies(found, frames, 1e5, 63.5)
    error = np.maximum(mapped.energy.error, 1e-6)
    off = [abs(mapped.energy.value[k] - system.exact(T)[1]) / error[k]
           for k, T in enumerate(LADDER.temperatures)]  # fmt: skip
    assert max(off) > 4


def test_minima_that_do_not_last_are_told():
    _, found, frames = soft_cluster()
    changed = np.random.default_rng(1).random(frames.changed.shape) < 0.2
    restless = harmonic.HarmonicFrames(frames.shifts, frames.freedom, frames.lengths, changed)
    mapped = mapped_energies(found, restless, 1e5, 63.5)
    assert not mapped.energy.known.any()
    assert "minima do not last at 200 K" in mapped.energy.reason


def walk_of_two(n_frames, attempts, rng, acceptance=0.4):
    """Rungs of two replicas at each frame, the attempts after it, and the share of time at 250 K.

    The share is of the time from a frame to the next, which are half-way in their rounds.
    """
    outcome = np.where(rng.random((n_frames, attempts, 1)) < acceptance, 1, 0)
    turn = np.arange(n_frames * attempts).reshape(n_frames, attempts, 1)
    outcome[turn % 2 == 1] = -1
    place = np.concatenate([[0], np.cumsum((outcome == 1).ravel()) % 2])  # of the first replica
    path = 0.5 * (place[:-1] + place[1:])
    hot = path.reshape(n_frames, attempts).mean(axis=1)[:-1]
    rungs = place[:-1].reshape(n_frames, attempts)[:, 0]
    return np.stack([rungs, 1 - rungs], 1), outcome, np.stack([hot, 1 - hot], 1)


@pytest.mark.parametrize(
    ("attempts", "rates", "lasts"),
    [
        (1, (0.005, 0.5), (True, False)),
        (5, (0.005, 0.5), (True, False)),  # what changes at 250 K is not booked to 200 K
        (20, (0.005, 0.5), (True, False)),
        (5, (0.1, 0.0), (False, True)),
        (20, (0.012, 0.012), (True, True)),
    ],
)
def test_changes_are_counted_where_they_are_made(attempts, rates, lasts):
    """A replica is at several rungs between two frames with several exchanges."""
    rng, n_frames = np.random.default_rng(3), 20_000
    rungs, outcome, hot = walk_of_two(n_frames, attempts, rng)
    system = SuperposedBasins(TETRAHEDRON[None], (0.1,), (0.15,))
    x = np.stack([system.draw(T, n_frames, seed=k) for k, T in enumerate(LADDER.temperatures)], 1)
    x = np.take_along_axis(x, rungs[:, :, None, None], axis=1)
    E = np.stack([system.energies(x[:, k]) for k in range(2)], axis=1)
    minima = np.stack([system.minima(x[:, k])[0] for k in range(2)], axis=1)
    plain = harmonic_frames(x, minima, -0.15 * (x - minima))
    chance = -np.expm1(-(rates[0] * (1 - hot) + rates[1] * hot))
    changed = np.vstack([[False, False], rng.random(hot.shape) < chance])
    frames = harmonic.HarmonicFrames(plain.shifts, plain.freedom, plain.lengths, changed)
    found = mapped_energies(tempered_sample(E, rungs, LADDER), frames, 1e5, 63.5, outcome)
    expected = -np.expm1(-np.array(rates))  # of a replica that stays
    assert (found.changes > 0.8 * expected).all()
    assert (found.changes < 1.3 * expected + 0.002).all()
    assert found.energy.known.tolist() == list(lasts), found.energy.why


def test_energies_that_disagree_are_not_stated():
    _, found, frames = soft_cluster()
    wrong = harmonic.HarmonicFrames(
        frames.shifts - 0.05, frames.freedom, frames.lengths, frames.changed
    )
    mapped = mapped_energies(found, wrong, 1e9, 63.5)
    assert not mapped.energy.known.any()
    assert "differ at 200 K by more than their noise" in mapped.energy.reason


def test_a_solid_is_known_much_better_mapped_than_plain(tmp_path):
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron"],
            "dynamics": {"friction": 2e-3},
            "tempering": {"temperatures": [60, 100, 160], "swap_interval": 1,
                          "time_per_replica": 0.2, "discard": 0.02},
        }
    )  # fmt: skip
    run = sample(config, tmp_path / "cu38.zarr")
    assert thermo_run(run).mapped is None
    quench_run(run)
    found = thermo_run(run)
    mapped, plain = found.mapped, found.rung_energy
    assert mapped.energy.known.all(), mapped.energy.why
    assert (mapped.energy.error < 0.3 * plain.error).all()
    assert (np.abs(mapped.surface_term.value) < 4 * mapped.surface_term.error).all()
    # The harmonic mean and its first anharmonic part.
    minimum = nc.minimization.quench(
        nc.clusters.build("octahedron", "Cu", 38).positions, nc.potentials.gupta("Cu")
    ).energies
    harmonic_mean = minimum + 0.5 * (3 * 38 - 6) * BOLTZMANN * 60
    assert mapped.energy.value[0] == pytest.approx(harmonic_mean, abs=0.01)
