import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase.cluster import Icosahedron
from scipy import stats

import nanochart as nc
from nanochart.compiled.random_numbers import fill_normal, seed_streams
from nanochart.dynamics import Langevin, initialize, join, run_segment
from nanochart.dynamics.kernels import add_sphere
from nanochart.units import AMU, BOLTZMANN

GOLD = nc.potentials.gupta("Au")


def cluster(shells=3, a=4.0):
    return Icosahedron("Au", shells, latticeconstant=a).positions


def relaxed(shells=3):
    return nc.minimization.quench(cluster(shells), GOLD, max_force=1e-6).positions


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("positions", "velocities", "temperatures", "random", "steps")
    )


# Reproducibility


def test_a_run_cut_into_segments_gives_the_same_bits():
    state = initialize(cluster(), GOLD, [400.0, 700.0], seed=1)
    config = Langevin(sphere_radius=9.0)
    whole, samples = run_segment(state, GOLD, config, 900, 100)
    parts, pieces = state, []
    for n in (100, 300, 500):
        parts, taken = run_segment(parts, GOLD, config, n, 100)
        pieces.append(taken.positions)
    assert same(parts, whole)
    np.testing.assert_array_equal(np.concatenate(pieces), samples.positions)


def test_the_skin_changes_no_bit():
    state = initialize(cluster(), GOLD, [700.0], seed=2)
    ends = [run_segment(state, GOLD, Langevin(skin=s), 800)[0] for s in (0.2, 0.9, 3.0)]
    assert same(ends[0], ends[1])
    assert same(ends[0], ends[2])


def test_threads_change_no_bit():
    state = initialize(cluster(), GOLD, np.linspace(300, 900, 6), seed=3)
    together, _ = run_segment(state, GOLD, Langevin(), 300)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda k: run_segment(state[k], GOLD, Langevin(), 300)[0], range(6)))
    assert same(join(parts), together)


def test_the_input_state_is_left_unchanged():
    state = initialize(cluster(), GOLD, [500.0], seed=1)
    before = [getattr(state, n).copy() for n in ("positions", "velocities", "random")]
    run_segment(state, GOLD, Langevin(), 50)
    for name, old in zip(("positions", "velocities", "random"), before, strict=True):
        np.testing.assert_array_equal(getattr(state, name), old)


def test_different_seeds_and_replicas_differ():
    state = initialize(cluster(), GOLD, [500.0, 500.0], seed=1)
    end, _ = run_segment(state, GOLD, Langevin(), 50)
    assert not np.allclose(end.positions[0], end.positions[1])
    other = initialize(cluster(), GOLD, [500.0, 500.0], seed=2)
    assert not np.allclose(state.velocities, other.velocities)


# Deterministic limits


def nve_drift(dt):
    """Largest deviation of the total energy over one picosecond from the same start."""
    state = initialize(relaxed(), GOLD, [800.0], seed=5)
    config = Langevin(time_step=dt, friction=0.0)
    _, s = run_segment(state, GOLD, config, round(1000 / dt), 1)
    total = (s.potential_energies + s.kinetic_energies)[:, 0]
    return np.abs(total - total[0]).max()


def test_nve_energy_error_falls_as_the_square_of_the_time_step():
    steps = np.array([8.0, 4.0, 2.0, 1.0])
    errors = [nve_drift(dt) for dt in steps]
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.15)


def test_nve_conserves_momentum():
    state = initialize(cluster(), GOLD, [600.0], seed=5)
    end, _ = run_segment(state, GOLD, Langevin(friction=0.0), 500)
    np.testing.assert_allclose(end.velocities.sum(axis=1), state.velocities.sum(axis=1), atol=1e-12)


def dimer():
    """Two gold atoms at their distance of rest and the force constant of the bond."""
    x = nc.minimization.quench([[0.0, 0, 0], [2.5, 0, 0]], GOLD, max_force=1e-10).positions
    h = 1e-4
    stretched = np.stack([x, x])
    stretched[0, 1] += (x[1] - x[0]) / np.linalg.norm(x[1] - x[0]) * h
    stretched[1, 1] -= (x[1] - x[0]) / np.linalg.norm(x[1] - x[0]) * h
    _, f = GOLD.energy_forces(stretched)
    axis = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    return x, axis, float((f[1, 1] - f[0, 1]) @ axis / (2 * h))


def damped_error(dt, gamma):
    """Error of the bond length of a damped dimer at 0 K against x(t) of the damped oscillator."""
    x, axis, stiffness = dimer()
    amplitude = 1e-5  # Å: small enough for the bond to be harmonic to 1e-5 of the amplitude
    start = x.copy()
    start[1] += axis * amplitude
    state = initialize(start, GOLD, [0.0], seed=1)
    n = round(400 / dt)
    _, s = run_segment(state, GOLD, Langevin(time_step=dt, friction=gamma), n, 1)
    rest = np.linalg.norm(x[1] - x[0])
    moved = np.linalg.norm(s.positions[:, 0, 1] - s.positions[:, 0, 0], axis=-1) - rest
    # Relative motion has the reduced mass m / 2.
    omega = math.sqrt(2 * stiffness / (GOLD.mass * AMU) - gamma**2 / 4)
    t = dt * np.arange(1, n + 1)
    exact = (
        amplitude
        * np.exp(-gamma * t / 2)
        * (np.cos(omega * t) + gamma / (2 * omega) * np.sin(omega * t))
    )
    return np.abs(moved - exact).max() / amplitude


@pytest.mark.parametrize("gamma", [0.0, 0.005, 0.02])
def test_the_damped_oscillator_is_approached_at_second_order(gamma):
    steps = np.array([8.0, 4.0, 2.0])
    errors = np.array([damped_error(dt, gamma) for dt in steps])
    assert errors[-1] < 1.5e-2
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.1)


# Ensembles


@pytest.fixture(scope="module")
def thermal():
    """13 gold atoms at two temperatures, 40 replicas each, sampled every 0.5 ps."""
    temperatures = np.repeat([200.0, 220.0], 40)
    state = initialize(relaxed(2), GOLD, temperatures, seed=11)
    config = Langevin(time_step=4.0, friction=1e-2, sphere_radius=7.0)
    state, _ = run_segment(state, GOLD, config, 5_000)
    _, samples = run_segment(state, GOLD, config, 25_000, 125)
    return temperatures, samples


def by_blocks(values):
    """Mean over everything and its standard error from independent replicas."""
    means = values.mean(axis=0)
    return means.mean(), means.std(ddof=1) / math.sqrt(len(means))


def test_kinetic_energy_has_the_canonical_distribution(thermal):
    temperatures, samples = thermal
    for T in (200.0, 220.0):
        energies = samples.kinetic_energies[:, temperatures == T]
        degrees = 3 * 13  # all of them: the centre of mass moves, too
        mean, error = by_blocks(energies)
        assert mean == pytest.approx(0.5 * degrees * BOLTZMANN * T, abs=4 * error)
        # Every 2 ps, long after velocities are forgotten (0.1 ps): independent samples.
        reduced = energies[::4].ravel() / (0.5 * BOLTZMANN * T)
        error = math.sqrt((2.0 + 12.0 / degrees) / reduced.size)  # of a sampled chi² variance
        assert reduced.var() == pytest.approx(2 * degrees, rel=4 * error)
        assert stats.kstest(reduced, stats.chi2(degrees).cdf).pvalue > 1e-4


def test_configurational_temperature_equals_the_bath(thermal):
    # <|∇U|²> = kT <∇²U>: an identity of the canonical distribution of positions alone.
    temperatures, samples = thermal
    for T in (200.0, 220.0):
        frames = samples.positions[::2, temperatures == T]
        shape = frames.shape[:2]
        flat = frames.reshape(-1, 13, 3)
        _, forces = GOLD.energy_forces(flat)
        laplacian = np.zeros(len(flat))
        h = 1e-3
        for i in range(13):
            for c in range(3):
                ahead, behind = flat.copy(), flat.copy()
                ahead[:, i, c] += h
                behind[:, i, c] -= h
                _, f_ahead = GOLD.energy_forces(ahead)
                _, f_behind = GOLD.energy_forces(behind)
                laplacian -= (f_ahead[:, i, c] - f_behind[:, i, c]) / (2 * h)
        square = (forces**2).sum(axis=(1, 2)).reshape(shape)
        estimate = square.mean(axis=0) / laplacian.reshape(shape).mean(axis=0) / BOLTZMANN
        error = estimate.std(ddof=1) / math.sqrt(estimate.size)
        assert error < 0.01 * T
        assert estimate.mean() == pytest.approx(T, abs=4 * error + 2e-3 * T)


def test_potential_energies_at_two_temperatures_follow_boltzmann(thermal):
    # ln p(E; T2) / p(E; T1) = (β1 - β2) E + const, for any density of states.
    temperatures, samples = thermal
    cold = samples.potential_energies[:, temperatures == 200.0]
    hot = samples.potential_energies[:, temperatures == 220.0]
    expected = 1 / (BOLTZMANN * 200.0) - 1 / (BOLTZMANN * 220.0)
    both = np.concatenate([cold.ravel(), hot.ravel()])
    edges = np.quantile(both, np.linspace(0.03, 0.97, 14))

    def slope(c, h):
        p_cold, _ = np.histogram(c, edges)
        p_hot, _ = np.histogram(h, edges)
        middle = 0.5 * (edges[1:] + edges[:-1])
        weight = np.sqrt(1.0 / (1.0 / p_cold + 1.0 / p_hot))
        return np.polyfit(middle, np.log(p_hot / p_cold), 1, w=weight)[0]

    # Jackknife over groups of replicas.
    groups = [
        slope(np.delete(cold, np.s_[k::10], axis=1), np.delete(hot, np.s_[k::10], axis=1))
        for k in range(10)
    ]
    error = math.sqrt(0.9 * np.sum((np.array(groups) - np.mean(groups)) ** 2))
    assert error < 0.1 * expected
    assert slope(cold, hot) == pytest.approx(expected, abs=3.5 * error)


def test_an_evaporated_atom_comes_back():
    x = np.concatenate([relaxed(2), [[0.0, 0.0, 25.0]]])
    state = initialize(x, GOLD, [300.0], seed=4)
    config = Langevin(sphere_radius=8.0, sphere_stiffness=0.1)
    end, samples = run_segment(state, GOLD, config, 20_000, 1_000)
    from_centre = np.linalg.norm(end.positions[0] - end.positions[0].mean(axis=0), axis=1)
    assert from_centre.max() < 9.5
    assert samples.potential_energies[-1, 0] < samples.potential_energies[0, 0]


def test_the_sphere_is_a_potential_that_neither_pushes_nor_turns_the_cluster():
    x = np.ascontiguousarray(1.6 * cluster().T + [[30.0], [0.0], [-5.0]])
    forces = np.zeros_like(x)
    energy = add_sphere(x, 6.0, 0.7, forces)
    assert energy > 0
    np.testing.assert_allclose(forces.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.cross(x.T, forces.T).sum(axis=0), 0.0, atol=1e-10)
    h = 1e-5
    for c, i in [(0, 0), (1, 20), (2, 54)]:
        ahead, behind = x.copy(), x.copy()
        ahead[c, i] += h
        behind[c, i] -= h
        scratch = np.zeros_like(x)
        difference = add_sphere(ahead, 6.0, 0.7, scratch) - add_sphere(behind, 6.0, 0.7, scratch)
        assert forces[c, i] == pytest.approx(-difference / (2 * h), abs=1e-7)


# Noise


def test_noise_is_normal_and_uncorrelated():
    state = seed_streams(np.random.default_rng(1), 1)[0]
    z = np.empty(1_000_000)
    fill_normal(state, np.empty_like(z), z)
    n = z.size
    assert abs(z.mean()) < 4 / math.sqrt(n)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    for lag in (1, 2, 3, n // 2):
        assert abs(np.mean(z[lag:] * z[:-lag])) < 4 / math.sqrt(n - lag)
        assert abs(np.mean(z[lag:] ** 2 * z[:-lag] ** 2) - 1) < 4 * math.sqrt(8 / (n - lag))


def test_noise_state_decides_the_numbers():
    state = seed_streams(np.random.default_rng(1), 2)
    a, b, c = (np.empty(10) for _ in range(3))
    fill_normal(state[0].copy(), np.empty(10), a)
    fill_normal(state[0].copy(), np.empty(10), b)
    fill_normal(state[1].copy(), np.empty(10), c)
    np.testing.assert_array_equal(a, b)
    assert not np.any(a == c)


# Input


def test_an_exploding_run_names_cause_and_remedy():
    state = initialize(cluster(), GOLD, [300.0], seed=1)
    with pytest.raises(nc.errors.DynamicsError, match=r"at 300 K.*80 fs.*shorter time step"):
        run_segment(state, GOLD, Langevin(time_step=80.0), 2_000)


@pytest.mark.parametrize(
    ("field", "value"),
    [("time_step", 0.0), ("friction", -1.0), ("sphere_radius", -2.0), ("skin", math.nan)],
)
def test_impossible_dynamics_are_refused(field, value):
    with pytest.raises(ValueError, match=rf"{field} of the Langevin dynamics must be"):
        Langevin(**{field: value})


def test_negative_temperature_is_refused():
    with pytest.raises(ValueError, match=r"at least 0 K; got \[-5\]"):
        initialize(cluster(), GOLD, [-5], seed=1)


def test_replicas_and_temperatures_must_agree():
    with pytest.raises(ValueError, match=r"one replica per temperature \(3\); got \(2, 55, 3\)"):
        initialize(np.stack([cluster()] * 2), GOLD, [300.0, 310.0, 320.0], seed=1)


def test_negative_step_counts_are_refused():
    state = initialize(cluster(), GOLD, [300.0], seed=1)
    with pytest.raises(ValueError, match=r"must not be negative; got -1 and 0"):
        run_segment(state, GOLD, Langevin(), -1)
