"""Biased rungs that exchange, against exact averages and against parallel tempering."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.heated import HIDDEN, BiasedBasins, Tilted, heated_on, heated_rounds
from nanochart.biasing import BiasingState, Heated, Unbiased, exchange_walkers, heated, heated_round
from nanochart.free_energy import heated_weights
from nanochart.tempering import Ladder, exchange
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN

T = (300.0, 450.0, 700.0)
#: eV by which basin 1 is lifted on each rung.
TILTS = (0.08, -0.03, 0.0)
#: Of two atoms.
DIMENSION = 6


def run(system, methods, rounds, walkers=2, steps=2, seed=3):
    ladder = Heated(Ladder(T), methods, walkers, seed)
    basins = BiasedBasins(system)
    begun = basins.start(np.repeat(T, walkers), seed=seed)
    state = BiasingState(begun, ladder.initialize(1), 0)
    _, seen = heated_rounds(state, basins, ladder, rounds, steps)
    return basins, {name: series[50:] for name, series in seen.items()}


def deviations(series, exact, blocks=40):
    """How many standard errors, of blocks of time, a mean (time, ...) is from the exact one."""
    n = len(series) // blocks
    means = series[: n * blocks].reshape(blocks, -1, *series.shape[1:]).mean(axis=1)
    return (means.mean(axis=0) - exact) / (means.std(axis=0, ddof=1) / np.sqrt(blocks))


def at_rungs(seen, values):
    """Mean over the walkers of each rung, (time, rung)."""
    here = seen["rungs"][..., None] == np.arange(len(T))
    return (here * values[..., None]).sum(axis=1) / here.sum(axis=1)


# ------------------------------------------------------------------------------ the exchange


def test_without_a_bias_each_decision_is_that_of_parallel_tempering():
    ladder, rng = Ladder.geometric(200.0, 900.0, 6), np.random.default_rng(0)
    decided = set()
    for n in range(60):
        energies, rungs = rng.normal(0.0, 0.2, 6), rng.permutation(6)
        plain = exchange(rungs, energies, ladder, n % 2, np.random.default_rng(n))
        new, outcome = exchange_walkers(
            ladder.betas * energies[:, None], rungs, n % 2, np.random.default_rng(n)
        )
        np.testing.assert_array_equal(new, plain.rungs)
        tried = np.full(6, -1)
        for k in range(n % 2, 5, 2):
            tried[(rungs == k) | (rungs == k + 1)] = plain.accepted[k]
        np.testing.assert_array_equal(outcome, tried)
        decided |= set(tried.tolist())
    assert decided == {-1, 0, 1}


def test_without_a_bias_acceptance_and_mean_energies_are_exact():
    _, seen = run(TwoBasins(), tuple(map(Unbiased, T)), 3000)
    beta = Ladder(T).betas
    expected = [TwoBasins().harmonic_acceptance(beta[k], beta[k + 1], DIMENSION) for k in range(2)]
    for parity, share in enumerate(expected):
        tried = seen["exchanged"][parity::2]
        assert np.mean(tried[tried >= 0]) == pytest.approx(share, abs=0.025)
    energies = at_rungs(seen, seen["energies"])
    exact = [TwoBasins().mean_energy(b, DIMENSION) for b in beta]
    assert np.abs(deviations(energies, exact)).max() < 4


BASINS = TwoBasins(energies=(0.0, 0.02), stiffnesses=(1.0, 0.7), crossing=600.0)


def populations_of_tilted_rungs(rounds):
    methods = tuple(Tilted(t, tilt=tilt) for t, tilt in zip(T, TILTS, strict=True))
    basins, seen = run(BASINS, methods, rounds)
    exact = [basins.population(t, tilt, DIMENSION) for t, tilt in zip(T, TILTS, strict=True)]
    return deviations(at_rungs(seen, seen["values"][..., 0]), exact), seen


@pytest.fixture(scope="module")
def tilted():
    return populations_of_tilted_rungs(5000)


def test_exchanges_bring_each_rung_the_populations_under_its_own_bias(tilted):
    z, seen = tilted
    assert np.abs(z).max() < 4
    for temperature in (300.0, 380.0, 700.0):
        weighted = heated_weights(
            seen["energies"], seen["rung_log_weights"], seen["rungs"], T, temperature
        )
        share = weighted.mean(seen["values"][..., 0])
        beta = 1.0 / (BOLTZMANN * temperature)
        assert share.known, share.reason
        assert abs(share.value - BASINS.population(1, beta, DIMENSION)) < 4 * share.error
        energy = weighted.mean(seen["energies"])
        assert abs(energy.value - BASINS.mean_energy(beta, DIMENSION)) < 4 * energy.error
        assert energy.error < 0.01 * energy.value


def test_an_exchange_that_forgets_the_biases_is_found(monkeypatch):
    monkeypatch.setattr(
        heated, "_reduced", lambda ladder, energies, _: ladder.betas * energies[:, None]
    )
    z, _ = populations_of_tilted_rungs(1500)
    assert np.abs(z).max() > 8


def test_weights_that_forget_the_biases_are_found(tilted):
    _, seen = tilted
    wrong = heated_weights(
        seen["energies"], 0.0 * seen["rung_log_weights"], seen["rungs"], T, 300.0
    ).mean(seen["values"][..., 0])
    exact = BASINS.population(1, 1.0 / (BOLTZMANN * 300.0), DIMENSION)
    assert abs(wrong.value - exact) > 10 * wrong.error


# --------------------------------------------------------------------------------- the rounds


#: Walkers on a rung for each kind of bias: of umbrella windows one in each.
KINDS = [("metadynamics", 2), ("opes", 2), ("plain dynamics", 2), ("umbrella", 5)]


@pytest.mark.parametrize(("kind", "walkers"), KINDS)
def test_a_walker_feels_and_feeds_the_bias_of_its_rung_alone(kind, walkers):
    ladder, state = heated_on(HIDDEN, kind, T, walkers)
    for _ in range(12):
        before = state.method
        state, seen = heated_round(state, HIDDEN, ladder, 200)
        table = ladder.bias_energies(before, seen.values)
        rungs = before.rungs
        np.testing.assert_array_equal(seen.rungs, rungs)
        np.testing.assert_allclose(
            seen.bias_energies, table[np.arange(len(rungs)), rungs], rtol=1e-12, atol=1e-15
        )
        own = seen.rung_log_weights[np.arange(len(rungs)), rungs]
        np.testing.assert_allclose(seen.log_weights, own, rtol=1e-12, atol=1e-12)
        for k, method in enumerate(ladder.methods):
            alone = method.update(
                before.methods[k], seen.values[rungs == k], seen.bias_energies[rungs == k]
            )
            for name, value in alone._asdict().items():
                np.testing.assert_array_equal(value, getattr(state.method.methods[k], name))
    start = np.repeat([0, 1, 2], walkers)
    np.testing.assert_array_equal(np.sort(state.method.rungs), start)
    assert (state.method.rungs != start).any()


def test_velocities_take_the_width_of_the_new_temperature():
    ladder, state = heated_on(HIDDEN, "plain dynamics", T, walkers=8)
    _, seen = heated_rounds(state, HIDDEN, ladder, 300, steps=40)
    kT = BOLTZMANN * seen["temperatures"]  # of two variables: their mean kinetic energy
    just_moved = np.diff(seen["rungs"], axis=0) != 0
    ratio = (seen["kinetic_energies"] / kT)[1:]
    assert ratio[just_moved].mean() == pytest.approx(1.0, abs=0.06)
    one, after = heated_rounds(state, HIDDEN, ladder, 1)
    before, _ = heated_rounds(state, HIDDEN, Heated(*stay(ladder)), 1)
    scale = np.sqrt(one.walkers.walkers.temperatures / after["temperatures"][0])
    assert (scale != 1.0).any()
    np.testing.assert_allclose(
        one.walkers.walkers.velocities,
        before.walkers.walkers.velocities * scale[:, None, None],
    )


def stay(ladder):
    """The same without an exchange in the first rounds."""
    return ladder.ladder, ladder.methods, ladder.walkers, ladder.seed, 100


def test_exchanges_are_tried_as_often_as_they_are_asked_for():
    ladder, state = heated_on(HIDDEN, "opes", T, every=3)
    _, seen = heated_rounds(state, HIDDEN, ladder, 12)
    tried = (seen["exchanged"] >= 0).any(axis=1)
    np.testing.assert_array_equal(tried, np.arange(1, 13) % 3 == 0)
    first, second = (seen["exchanged"][n] >= 0 for n in (2, 5))
    assert first[seen["rungs"][2] < 2].all()
    assert second[seen["rungs"][5] > 0].all()


@pytest.mark.parametrize(("kind", "walkers"), KINDS)
def test_a_ladder_that_is_cut_gives_equal_bits_wherever_it_runs(kind, walkers):
    ladder, begun = heated_on(HIDDEN, kind, T, walkers)
    whole, seen = heated_rounds(begun, HIDDEN, ladder, 9)
    with ThreadPoolExecutor(3) as pool:
        half, first = heated_rounds(begun, HIDDEN, ladder, 4, executor=pool)
    end, second = heated_rounds(half, HIDDEN, ladder, 5)
    for name, series in seen.items():
        np.testing.assert_array_equal(series, np.concatenate([first[name], second[name]]))
    np.testing.assert_array_equal(whole.walkers.walkers.velocities, end.walkers.walkers.velocities)


@pytest.mark.parametrize(
    ("methods", "walkers", "every"), [((Unbiased(300.0),), 1, 1), (tuple(map(Unbiased, T)), 0, 1)]
)
def test_a_ladder_that_cannot_be_is_one_sentence(methods, walkers, every):
    with pytest.raises(ValueError, match="needs a method for each of its temperatures"):
        Heated(Ladder(T), methods, walkers, 0, every)
