from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase import Atoms
from ase.cluster import Icosahedron
from ase.optimize import FIRE2
from scipy import stats

import nanochart as nc
from helpers import lammps_oracle
from nanochart.interop.calculator import PotentialCalculator
from nanochart.minimization import quench

GOLD = nc.potentials.gupta("Au")


@pytest.fixture(scope="module")
def thermal():
    """200 thermal frames of Au147 between 300 and 600 K, after melting part of them."""
    x = Icosahedron("Au", 4, latticeconstant=4.0).positions
    temperatures = np.linspace(300.0, 600.0, 20)
    config = nc.dynamics.Langevin(friction=5e-3, sphere_radius=14.0)
    state = nc.dynamics.initialize(x, GOLD, np.repeat([700.0, 300.0], 10), seed=1)
    state, _ = nc.dynamics.run_segment(state, GOLD, config, 2_000)
    state = nc.dynamics.initialize(state.positions, GOLD, temperatures, seed=2)
    _, samples = nc.dynamics.run_segment(state, GOLD, config, 3_000, 300)
    return samples.positions.reshape(-1, 147, 3)


def test_frames_end_below_the_force_target_in_a_minimum(thermal):
    q = quench(thermal, GOLD)
    assert q.converged.all()
    assert q.unconverged == []
    energies, forces = GOLD.energy_forces(q.positions)
    largest = np.linalg.norm(forces, axis=-1).max(axis=-1)
    assert largest.max() < 1e-4
    np.testing.assert_allclose(largest, q.max_forces, rtol=1e-6)
    np.testing.assert_allclose(energies, q.energies, rtol=1e-12)
    assert (q.energies < GOLD.energy(thermal)).all()
    # Minima, and hardly ever saddles: a small push comes back to the same energy.
    pushed = q.positions + np.random.default_rng(0).normal(0, 1e-3, q.positions.shape)
    again = quench(pushed, GOLD, max_force=1e-5)
    assert (np.abs(again.energies - q.energies) > 1e-5).mean() <= 0.02


def test_lammps_finds_the_same_minima(thermal, tmp_path):
    lammps_oracle.require_lammps()
    GOLD.write_setfl(tmp_path / "au", n_r=20_000, n_rho=20_000)
    q = quench(thermal, GOLD, max_force=1e-5)
    pair = lammps_oracle.eam_alloy(tmp_path / "au", "Au")
    theirs = lammps_oracle.minimize(thermal, pair, style="fire", max_force=1e-5)
    difference = np.abs(theirs.energies - q.energies)
    # Another path downhill may end in a neighbouring basin; then energies differ by far more.
    same = difference < 1e-3
    print(f"share of frames in the basin that LAMMPS (fire) finds: {same.mean():.2f}")
    assert same.mean() > 0.7
    np.testing.assert_allclose(difference[same], 0.0, atol=1e-6)
    # And neither program finds lower basins systematically: a fair coin decides which is lower.
    lower, n = int((theirs.energies > q.energies)[~same].sum()), int((~same).sum())
    assert stats.binomtest(lower, n).pvalue > 1e-3


def ase_share(frames):
    """Share of frames that ASE relaxes into the same basin, where energies must then agree."""
    q = quench(frames, GOLD, max_force=1e-5)
    energies = []
    for x in frames:
        atoms = Atoms(f"Au{len(x)}", positions=x, calculator=PotentialCalculator(GOLD))
        with FIRE2(atoms, logfile=None, maxstep=0.1) as optimizer:
            assert optimizer.run(fmax=1e-5, steps=10_000)
        energies.append(atoms.get_potential_energy())
    difference = np.abs(np.array(energies) - q.energies)
    same = difference < 1e-3
    np.testing.assert_allclose(difference[same], 0.0, atol=1e-6)
    print(f"share of frames in the basin that ASE (FIRE2) finds: {same.mean():.2f}")
    return same.mean()


def test_ase_finds_the_same_minima(thermal):
    assert ase_share(thermal[::40]) >= 0.6


@pytest.mark.slow
def test_ase_finds_the_same_minima_of_all_frames(thermal):
    assert ase_share(thermal) > 0.7


def test_batches_threads_and_single_frames_give_the_same_bits(thermal):
    frames = thermal[:40].reshape(4, 10, 147, 3)
    q = quench(frames, GOLD)
    assert q.energies.shape == q.converged.shape == q.n_evaluations.shape == (4, 10)
    with ThreadPoolExecutor(3) as pool:
        threaded = quench(frames, GOLD, executor=pool)
    np.testing.assert_array_equal(threaded.positions, q.positions)
    single = quench(frames[2, 3], GOLD)
    np.testing.assert_array_equal(single.positions, q.positions[2, 3])
    assert single.energies == q.energies[2, 3]


def test_known_minimum_of_the_icosahedron():
    # -530.9025 eV: relaxed regular Mackay icosahedron of Au147 with these parameters.
    q = quench(Icosahedron("Au", 4, latticeconstant=4.1).positions, GOLD)
    assert q.energies == pytest.approx(-530.9025, abs=1e-4)


def test_a_minimum_stays_where_it_is():
    x = quench(Icosahedron("Au", 3, latticeconstant=4.0).positions, GOLD, max_force=1e-6).positions
    again = quench(x, GOLD)
    assert again.n_evaluations == 1
    np.testing.assert_array_equal(again.positions, x)


def test_unconverged_frames_are_named(thermal):
    q = quench(thermal[:6].reshape(2, 3, 147, 3), GOLD, max_evaluations=25)
    assert not q.converged.any()
    assert q.unconverged[-1] == (1, 2)
    assert (q.n_evaluations <= 25).all()
    assert (q.max_forces > 1e-4).all()


def test_the_input_is_left_unchanged(thermal):
    before = thermal[:3].copy()
    quench(thermal[:3], GOLD)
    np.testing.assert_array_equal(thermal[:3], before)


def test_no_frames_are_no_error():
    q = quench(np.zeros((0, 13, 3)), GOLD)
    assert q.positions.shape == (0, 13, 3)
    assert q.energies.shape == (0,)


def test_overlapping_atoms_are_refused():
    x = np.zeros((2, 13, 3)) + np.arange(13)[:, None] * [2.9, 0, 0]
    x[1, 4] = x[1, 5]
    with pytest.raises(ValueError, match=r"atoms 4 and 5 of frame 1 are 0\.000 Å apart"):
        quench(x, GOLD)


@pytest.mark.parametrize("name", ["max_force", "max_evaluations", "max_step"])
def test_impossible_targets_are_refused(name):
    with pytest.raises(ValueError, match=rf"{name} of a quench must be positive.*got 0"):
        quench(np.zeros((1, 3)), GOLD, **{name: 0})
