"""Long time steps: what they are derived from, and what is right at them."""

import math

import numpy as np
import pytest

import nanochart as nc
from nanochart.dynamics import (
    Langevin,
    TimeScale,
    initialize,
    run_segment,
    shortest_period,
    time_scale,
)
from nanochart.units import AMU, BOLTZMANN

GOLD = nc.potentials.gupta("Au")


class Springs:
    """Each atom bound to its place by a spring of its own: exactly harmonic."""

    name, symbol, mass, nearest_neighbour = "springs", "Au", 196.97, 2.88

    def __init__(self, places, periods):
        self.places = np.asarray(places)
        omega = 2.0 * np.pi / np.asarray(periods)
        self.stiffness = (self.mass * AMU * omega**2)[:, None]

    def energy_forces(self, positions):
        moved = np.asarray(positions) - self.places
        return 0.5 * (self.stiffness * moved**2).sum(axis=(-2, -1)), -self.stiffness * moved


def test_the_shortest_period_is_that_of_the_stiffest_spring():
    places = 10.0 * np.arange(12.0).reshape(4, 3)
    springs = Springs(places, [310.0, 170.0, 240.0, 500.0])
    assert shortest_period(places, springs) == pytest.approx(170.0, rel=1e-4)
    softer = Springs(places, [310.0, 250.0, 240.0, 500.0])
    assert time_scale([places], softer).period == pytest.approx(240.0, rel=1e-4)


def test_the_period_scales_with_the_root_of_the_mass():
    x = nc.clusters.build("icosahedron", "Au", 13).positions
    heavy = nc.potentials.EmbeddedAtom(
        "heavy", "Au", 4 * GOLD.mass, GOLD.nearest_neighbour, GOLD.model, {}
    )
    assert shortest_period(x, heavy) == pytest.approx(2 * shortest_period(x, GOLD))


def test_nothing_that_vibrates_bears_any_step():
    class Nothing(Springs):
        def energy_forces(self, positions):
            return 0.0, np.zeros_like(positions)

    places = np.zeros((2, 3))
    scale = time_scale([places], Nothing(places, [1.0, 1.0]))
    assert math.isinf(scale.period)
    assert scale.time_step(300.0) == scale.longest == 100.0
    assert scale.error(5.0, 300.0) == 0.0


# The period of gold, silver and copper, and the hottest rung of the published ladders.
@pytest.mark.parametrize(
    ("metal", "hottest", "low", "high"),
    [("Au", 600.0, 13.0, 15.5), ("Ag", 800.0, 9.0, 11.0), ("Cu", 900.0, 6.5, 8.5)],
)
def test_the_steps_of_the_metals(metal, hottest, low, high):
    potential = nc.potentials.gupta(metal)
    scale = time_scale([nc.clusters.build("icosahedron", metal, 55).positions], potential)
    step = scale.time_step(hottest)
    assert low < step < high
    assert scale.error(step, hottest) <= 1.0 + 1e-12
    assert step < scale.longest < scale.period / math.pi


def test_colder_systems_take_no_longer_step_than_a_twelfth_of_the_period():
    scale = TimeScale(120.0)
    assert scale.time_step(1.0) == pytest.approx(10.0)
    assert scale.time_step(2000.0) < scale.time_step(1000.0) < 10.0


@pytest.mark.parametrize("omega_dt", [0.2, 0.8, 1.2])
def test_the_kinetic_energy_of_a_harmonic_system_is_that_of_the_bath_at_any_step(omega_dt):
    """Velocities at the end of a step are too cold by (ω Δt)²/4, exactly."""
    period, T, n = 200.0, 300.0, 64
    dt = omega_dt * period / (2.0 * np.pi)
    places = 10.0 * np.arange(3.0 * n).reshape(n, 3)
    springs = Springs(places, np.full(n, period))
    state = initialize(places, springs, [T, T], seed=4)
    config = Langevin(time_step=dt, friction=0.2 / dt)
    state, _ = run_segment(state, springs, config, 200)
    by_step, full = [], []
    for _ in range(400):
        state, seen = run_segment(state, springs, config, 7, 7)
        by_step.append(seen.kinetic_energies.mean())
        full.append(0.5 * springs.mass * AMU * (state.velocities**2).sum() / 2)
    unit = 1.5 * n * BOLTZMANN * T
    for values, expected in ((by_step, 1.0), (full, 1.0 - omega_dt**2 / 4)):
        share = np.array(values) / unit
        error = share.reshape(20, -1).mean(axis=1).std(ddof=1) / math.sqrt(20)
        assert share.mean() == pytest.approx(expected, abs=4 * error)
        assert error < 0.01


@pytest.mark.parametrize(("metal", "T", "cold"), [("Au", 400.0, 394.5), ("Cu", 600.0, 568.0)])
def test_the_kinetic_temperature_of_a_cluster_is_right_at_15_fs(metal, T, cold):
    """What velocities at the end of a step read, ``cold``, is from 6 ns of each."""
    potential = nc.potentials.gupta(metal)
    x = nc.clusters.build("decahedron" if metal == "Au" else "icosahedron", metal, 147).positions
    state = initialize(x, potential, [T], seed=8)
    config = Langevin(time_step=15.0, friction=5e-3)
    state, _ = run_segment(state, potential, config, 300)
    kinetic, full = [], []
    for _ in range(400):
        state, seen = run_segment(state, potential, config, 12, 12)
        kinetic.append(seen.kinetic_energies[-1, 0])
        full.append(0.5 * potential.mass * AMU * (state.velocities**2).sum())
    unit = 1.5 * 147 * BOLTZMANN
    for values, expected in ((kinetic, T), (full, cold)):
        found = np.array(values) / unit
        error = found.reshape(20, -1).mean(axis=1).std(ddof=1) / math.sqrt(20)
        assert error < 0.006 * T
        assert found.mean() == pytest.approx(expected, abs=4 * error)
