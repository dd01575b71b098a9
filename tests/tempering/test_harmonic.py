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
