import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase.cluster import Icosahedron

import nanochart as nc
from nanochart.tempering import (
    Ladder,
    TemperingConfig,
    exchange,
    initialize_tempering,
    langevin_segment,
    step,
)
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN

GOLD = nc.potentials.gupta("Au")


def run(system, ladder, n_rounds, n_atoms=4, seed=1):
    config = TemperingConfig(ladder, 2)
    state = initialize_tempering(np.zeros((1, n_atoms, 3)), GOLD, config, seed)
    rounds = []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(n_rounds):
            state, observed = step(state, system, config, pool)
            rounds.append(observed)
    return rounds


def at_rung(rounds, values):
    """(round, rung) array of a per-replica quantity."""
    out = np.empty((len(rounds), len(rounds[0].rungs)))
    for k, observed in enumerate(rounds):
        out[k, observed.rungs] = values(observed)
    return out


def test_energy_and_acceptance_of_harmonic_wells_are_exact():
    n_atoms, n_rounds = 4, 3_000
    ladder = Ladder((100.0, 180.0, 250.0))
    rounds = run(TwoBasins(stiffnesses=(2.0, 2.0)), ladder, n_rounds, n_atoms)
    energies = at_rung(rounds, lambda r: r.energies)
    for T, e in zip(ladder.temperatures, energies.T, strict=True):
        exact = 0.5 * 3 * n_atoms * BOLTZMANN * T
        sigma = math.sqrt(0.5 * 3 * n_atoms) * BOLTZMANN * T / math.sqrt(n_rounds)
        assert e.mean() == pytest.approx(exact, abs=4 * sigma)
    accepted = np.array([r.accepted for r in rounds])
    for k in range(2):
        tried = accepted[accepted[:, k] >= 0, k]
        assert len(tried) == n_rounds // 2
        p = TwoBasins.harmonic_acceptance(ladder.betas[k], ladder.betas[k + 1], 3 * n_atoms)
        assert tried.mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(tried)))


def test_populations_of_two_basins_reach_the_cold_rungs_exactly():
    # Only the hottest rung crosses; every population below is brought there by exchange.
    ladder = Ladder((100.0, 125.0, 160.0, 200.0))
    system = TwoBasins(energies=(0.0, 0.03), stiffnesses=(2.0, 1.0), crossing=199.0)
    n_atoms = 2
    rounds = run(system, ladder, 6_000, n_atoms)[100:]
    basin = at_rung(rounds, lambda r: [system.basin(x) for x in r.positions])
    energy = at_rung(rounds, lambda r: r.energies)
    for k, beta in enumerate(ladder.betas):
        for values, exact in (
            (basin[:, k], system.population(1, beta, 3 * n_atoms)),
            (energy[:, k], system.mean_energy(beta, 3 * n_atoms)),
        ):
            blocks = values[: len(values) // 20 * 20].reshape(20, -1).mean(axis=1)
            error = blocks.std(ddof=1) / math.sqrt(20)
            assert values.mean() == pytest.approx(exact, abs=4 * error)
    exact = [system.population(1, beta, 3 * n_atoms) for beta in ladder.betas]
    assert exact[-1] - exact[0] > 0.15  # the test has something to find


def test_exchange_in_the_wrong_direction_would_be_found():
    # The sign of the criterion: equal energies always exchange, a hot low one always does.
    ladder = Ladder((300.0, 400.0))
    rng = np.random.default_rng(0)
    always = exchange(np.array([0, 1]), np.array([1.0, -1.0]), ladder, 0, rng)
    assert always.accepted.tolist() == [1]
    assert always.rungs.tolist() == [1, 0]
    seldom = [
        exchange(np.array([0, 1]), np.array([-0.1, 0.1]), ladder, 0, rng).accepted[0]
        for _ in range(4000)
    ]
    p = math.exp(-(ladder.betas[0] - ladder.betas[1]) * 0.2)
    assert np.mean(seldom) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 4000))


def test_pairs_alternate():
    ladder = Ladder((100.0, 101.0, 102.0, 103.0))
    rng = np.random.default_rng(0)
    even = exchange(np.arange(4), np.zeros(4), ladder, 0, rng)
    odd = exchange(even.rungs, np.zeros(4), ladder, 1, rng)
    assert even.accepted.tolist() == [1, -1, 1]
    assert odd.accepted.tolist() == [-1, 1, -1]
    assert even.rungs.tolist() == [1, 0, 3, 2]
    assert odd.rungs.tolist() == [2, 0, 3, 1]


@pytest.fixture(scope="module")
def real():
    x = Icosahedron("Au", 2, latticeconstant=4.0).positions
    config = TemperingConfig(Ladder.geometric(300.0, 500.0, 4), 40)
    segment = langevin_segment(GOLD, nc.dynamics.Langevin(sphere_radius=8.0))
    return config, segment, initialize_tempering(x[None], GOLD, config, seed=7)


def test_threads_and_one_thread_give_the_same_bits(real):
    config, segment, start = real
    ends = []
    for workers in (1, 3):
        state = start
        with ThreadPoolExecutor(workers) as pool:
            for _ in range(6):
                state, observed = step(state, segment, config, pool)
        ends.append((state.replicas.positions, state.replicas.velocities, observed.positions))
    for one, three in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, three)


def test_a_round_is_a_pure_function_of_its_state(real):
    config, segment, start = real
    state, _ = step(start, segment, config)
    a, first = step(state, segment, config)
    b, second = step(state, segment, config)
    np.testing.assert_array_equal(a.replicas.positions, b.replicas.positions)
    np.testing.assert_array_equal(first.accepted, second.accepted)
    assert state.round == 1
    assert a.round == 2


def test_frames_are_stored_half_way_with_energy_temperature_and_rung(real):
    config, segment, start = real
    state, first = step(start, segment, config)
    _, second = step(state, segment, config)
    assert (first.steps, second.steps) == (20, 60)
    np.testing.assert_allclose(first.energies, GOLD.energy(first.positions), atol=1e-9)
    np.testing.assert_array_equal(
        second.temperatures, np.array(config.ladder.temperatures)[second.rungs]
    )
    np.testing.assert_array_equal(state.replicas.temperatures, second.temperatures)


def test_velocities_take_the_width_of_the_new_temperature(real):
    config, segment, start = real
    state = start
    for _ in range(20):
        before = state
        state, observed = step(state, segment, config)
        if 1 in observed.accepted:
            break
    moved = state.rungs != before.rungs
    assert moved.any()
    # Continue the segment by hand: same positions, velocities scaled by sqrt(T' / T).
    k = int(np.flatnonzero(moved)[0])
    end, _ = segment(before.replicas[k], config.steps_per_round, config.steps_per_round // 2)
    ratio = state.replicas.velocities[k] / end.velocities[0]
    T = np.array(config.ladder.temperatures)
    np.testing.assert_allclose(ratio, math.sqrt(T[state.rungs[k]] / T[before.rungs[k]]))


def test_starts_are_dealt_out_in_turn():
    ladder = Ladder.geometric(300.0, 600.0, 5)
    starts = np.arange(2)[:, None, None] * np.ones((2, 13, 3)) + np.arange(13)[:, None] * 3.0
    state = initialize_tempering(starts, GOLD, TemperingConfig(ladder, 2), seed=1)
    np.testing.assert_array_equal(state.replicas.positions[:, 0, 0], [0, 1, 0, 1, 0])


def test_temperatures_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match=r"must rise; got 320 K followed by 310 K at rung 2"):
        Ladder((300.0, 320.0, 310.0))


def test_negative_temperatures_are_refused():
    with pytest.raises(ValueError, match=r"positive numbers in K; got \(-1\.0, 3\.0\)"):
        Ladder((-1.0, 3.0))


def test_an_impossible_geometric_ladder_is_refused():
    with pytest.raises(ValueError, match=r"0 < t_min < t_max.*got t_min=500"):
        Ladder.geometric(500, 300, 4)


def test_an_odd_round_is_refused():
    with pytest.raises(ValueError, match=r"even number of at least 2.*got 7"):
        TemperingConfig(Ladder((300.0,)), 7)


def test_starts_of_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(start, atom, 3\); got \(4, 3\)"):
        initialize_tempering(np.zeros((4, 3)), GOLD, TemperingConfig(Ladder((300.0,)), 2), 1)
