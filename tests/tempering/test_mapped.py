"""The mapped exchange against systems with exact answers, and against itself when it is broken."""

import numpy as np
import pytest

import nanochart as nc
from nanochart.dynamics import Langevin, confined_energies
from nanochart.tempering import (
    Ladder,
    MappedExchange,
    TemperingConfig,
    initialize_tempering,
    langevin_segment,
    mapped,
    mapped_exchange,
    step,
)
from nanochart.testing import SuperposedBasins
from nanochart.units import BOLTZMANN

TETRAHEDRON = 1.06 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
CHAIN = np.array([[-3.9, -0.6, -0.6], [-1.3, 0.2, -0.6], [1.3, -0.6, 0.2], [3.9, 0.3, 1.0]])
PULLED = TETRAHEDRON * np.array([[1.9], [1.0], [1.0], [1.0]])

SYSTEMS = {
    "one soft basin": SuperposedBasins(TETRAHEDRON[None], (0.0,), (0.1,)),
    "unequal curvatures and multiplicities": SuperposedBasins(
        np.array([TETRAHEDRON, CHAIN, CHAIN[[1, 0, 2, 3]]]), (0.0, 0.03, 0.03), (0.25, 0.12, 0.12)
    ),
    "basins next to each other": SuperposedBasins(
        np.array([TETRAHEDRON, PULLED]), (0.0, 0.01), (0.5, 0.25)
    ),
    "neighbours of one depth": SuperposedBasins(
        np.array([TETRAHEDRON, PULLED]), (0.0, 0.0), (0.5, 0.25)
    ),
}
COLD, HOT = 60.0, 600.0


def changes(system, n=20_000):
    """Changes of averages by one exchange of the ensemble, in standard errors, and acceptance.

    An exchange that keeps the ensemble of the pair changes no average of either member.
    """
    x = np.stack([system.draw(COLD, n, seed=1), system.draw(HOT, n, seed=2)], axis=1)
    flat = x.reshape(-1, *x.shape[2:])
    betas = np.tile([1 / (BOLTZMANN * COLD), 1 / (BOLTZMANN * HOT)], (n, 1))
    log_uniform = np.log(np.random.default_rng(3).random(n))
    exchange = MappedExchange(HOT, system.minima, system.energies)
    moves = exchange.attempt(x, system.energies(flat).reshape(n, 2), betas, log_uniform)
    after = np.where(moves.accepted[:, None, None, None], moves.positions[:, ::-1], x)
    found = []
    for average in (system.energies, size, lambda y: system.parts(y)[0].argmin(axis=1)):
        change = (average(after.reshape(flat.shape)) - average(flat)).reshape(n, 2)
        error = change.std(axis=0) / np.sqrt(n)
        found += list(change.mean(axis=0)[error > 0] / error[error > 0])
    return np.abs(found), moves.accepted.mean()


def size(positions):
    """Mean square distance from the centre, which a rotational factor that is wrong shifts."""
    return positions.var(axis=1).sum(axis=-1)


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_a_mapped_exchange_keeps_the_ensemble(system):
    deviations, acceptance = changes(system)
    assert deviations.max() < 3.5
    assert acceptance > 0.08


def test_an_exchange_without_the_rotational_factor_is_found(monkeypatch):
    monkeypatch.setattr(mapped, "log_rotational_jacobian", lambda x, _: np.zeros(len(x)))
    assert changes(SYSTEMS["one soft basin"])[0].max() > 4.5


def test_an_exchange_without_a_look_at_the_basin_is_found(monkeypatch):
    monkeypatch.setattr(mapped, "_SAME", np.inf)
    assert changes(SYSTEMS["basins next to each other"])[0].max() > 4.5


def test_an_exchange_that_compares_only_energies_of_minima_is_found(monkeypatch):
    # Both minima have one energy: to compare it is to compare nothing.
    monkeypatch.setattr(mapped, "_SAME", np.inf)
    assert changes(SYSTEMS["neighbours of one depth"])[0].max() > 4.5


def test_the_map_is_its_own_inverse():
    gold = nc.potentials.gupta("Au")
    start = nc.minimization.quench(nc.clusters.build("decahedron", "Au", 38).positions, gold)
    dynamics = Langevin(5.0, 1e-3, sphere_radius=12.0)
    exchange = mapped_exchange(gold, dynamics, 300.0)
    betas = 1 / (BOLTZMANN * np.array([[100.0, 200.0]]))
    state = nc.dynamics.initialize(start.positions, gold, [100.0, 200.0], 1)
    state, _ = nc.dynamics.run_segment(state, gold, dynamics, 500)
    x = state.positions[None]
    energies = confined_energies(x[0], gold, dynamics)[None]
    there = exchange.attempt(x, energies, betas, np.array([-np.inf]))
    assert there.accepted.all()
    energies = confined_energies(there.positions[0], gold, dynamics)[None]
    back = exchange.attempt(there.positions, energies, betas[:, ::-1], np.array([-np.inf]))
    assert back.accepted.all()
    # As exact as the quenches, whose forces end below 1e-4 eV/Å.
    np.testing.assert_allclose(back.positions, x, atol=3e-3)


def test_a_cluster_at_20_kelvins_has_the_harmonic_mean_and_width():
    gold = nc.potentials.gupta("Au")
    built = nc.clusters.build("octahedron", "Au", 38)
    start = nc.minimization.quench(built.positions, gold, max_force=1e-6)
    ladder = Ladder((20.0, 50.0, 120.0))
    config = TemperingConfig(ladder, 200)
    dynamics = Langevin(10.0, 2e-3, sphere_radius=12.0)
    segment = langevin_segment(gold, dynamics)
    state = initialize_tempering(start.positions[None], gold, config, 5)
    exchange = mapped_exchange(gold, dynamics, 120.0)
    energies, accepted = [], []
    for k in range(700):
        state, observed = step(state, segment, config, None, exchange)
        if k >= 100:
            energies.append(observed.energies[np.argmin(observed.rungs)])
            accepted.append(observed.accepted)
    vibrations, kT = 3 * 38 - 6, BOLTZMANN * 20.0
    above = (np.array(energies) - start.energies) / kT
    blocks = above.reshape(20, -1)
    error = blocks.mean(axis=1).std(ddof=1) / np.sqrt(20)
    # The anharmonic part of the mean is about 0.1 kT here.
    assert above.mean() == pytest.approx(vibrations / 2, abs=4 * error + 0.3)
    assert above.var() == pytest.approx(vibrations / 2, rel=0.2)
    accepted = np.array(accepted)
    assert (accepted[accepted[:, 0] >= 0, 0]).mean() > 0.3
    # A plain exchange of harmonic wells would hardly ever be accepted.
    assert (
        nc.testing.TwoBasins.harmonic_acceptance(ladder.betas[0], ladder.betas[1], vibrations)
        < 1e-4
    )
