"""Free energies of biased rungs that exchange, where one temperature is not enough."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.heated import CENTRES, HIDDEN, HIDDEN_GAP, heated_on, heated_rounds, method_along_x
from nanochart.errors import ConvergenceError
from nanochart.free_energy import heated_weights
from nanochart.statistics import Weighted, state_populations
from nanochart.tempering import Ladder
from nanochart.units import BOLTZMANN

T = (300.0, 480.0, 760.0, 1200.0)


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def equilibrium(kind, temperatures, seed, threads, walkers=1, rounds=1000):
    """What was seen after the first fifth; walkers start in one of the hidden states."""
    ladder, state = heated_on(HIDDEN, kind, temperatures, walkers, seed)
    _, seen = heated_rounds(state, HIDDEN, ladder, rounds, executor=threads)
    return {
        "windows": ladder.windows if kind == "umbrella" else None,
        **{name: series[rounds // 5 :] for name, series in seen.items()},
    }


def weights_of(seen, temperature=300.0, temperatures=T):
    logs, windows = seen["rung_log_weights"], seen["windows"]
    if windows is not None:
        method = method_along_x("umbrella", temperature)
        biases = (method.bias(None, k, 2) for k in range(len(CENTRES)))
        V = np.stack([bias.energy(seen["values"])[0] for bias in biases], axis=-1)
        logs = V[..., None] * Ladder(temperatures).betas
    return heated_weights(
        seen["energies"], logs, seen["rungs"], temperatures, temperature, windows=windows
    )


def gap(seen, weighted, temperature=300.0):
    right = HIDDEN.well(seen["values"]) % 2
    return state_populations(right, weighted, temperature).difference(0, 1)


def exact_gap(temperature):
    """Of the distribution at another temperature, by quadrature."""
    axes = np.linspace(-3.0, 3.0, 401)
    grid = np.stack(np.meshgrid(axes, axes, indexing="ij"), axis=-1)
    p = np.exp(-HIDDEN.free_energy(grid) / (BOLTZMANN * temperature))
    right = HIDDEN.well(grid) % 2 == 1
    return -BOLTZMANN * temperature * np.log(p[right].sum() / p[~right].sum())


@pytest.mark.parametrize(
    ("kind", "walkers", "rounds"),
    [("metadynamics", 1, 1000), ("opes", 1, 1000), ("plain dynamics", 1, 1000),
     ("umbrella", len(CENTRES), 300)],
)  # fmt: skip
def test_a_ladder_finds_what_is_hidden_from_one_temperature(kind, walkers, rounds, threads):
    seen = equilibrium(kind, T, 1, threads, walkers, rounds)
    for temperature in (300.0, 600.0):
        found = gap(seen, weights_of(seen, temperature), temperature)
        assert found.known, found.reason
        assert abs(found.value - exact_gap(temperature)) < 3 * found.error
        assert found.error < 0.5 * HIDDEN.kT
    assert exact_gap(300.0) == pytest.approx(HIDDEN_GAP, abs=1e-4)


def test_one_temperature_does_not_find_it(threads):
    seen = equilibrium("metadynamics", T[:1], 1, threads, walkers=4)
    found = gap(seen, Weighted(seen["log_weights"]))
    assert not (found.known and found.low <= HIDDEN_GAP <= found.high)


def test_umbrella_windows_at_one_temperature_do_not_find_it(threads):
    seen = equilibrium("umbrella", T[:1], 1, threads, walkers=2 * len(CENTRES), rounds=300)
    found = gap(seen, weights_of(seen, temperatures=T[:1]))
    assert not (found.known and found.low <= HIDDEN_GAP <= found.high)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "walkers", "rounds"),
    [("metadynamics", 2, 700), ("opes", 2, 700), ("umbrella", len(CENTRES), 500)],
)
def test_intervals_of_a_ladder_hold_what_is_hidden_from_one_temperature(
    kind, walkers, rounds, threads
):
    hits = known = alone = 0
    for seed in range(40):
        seen = equilibrium(kind, T, seed, threads, walkers, rounds)
        found = gap(seen, weights_of(seen))
        known += bool(found.known)
        hits += bool(found.known and found.low <= HIDDEN_GAP <= found.high)
        if kind == "umbrella":
            one = equilibrium(kind, T[:1], seed, threads, 4 * walkers, rounds)
            told = gap(one, weights_of(one, temperatures=T[:1]))
        else:
            one = equilibrium(kind, T[:1], seed, threads, walkers=4)
            told = gap(one, Weighted(one["log_weights"]))
        alone += bool(told.known and told.low <= HIDDEN_GAP <= told.high)
    print(kind, "known", known, "covered", hits, "at one temperature", alone)
    assert known >= 30
    assert hits / known >= 0.90
    assert alone <= 4


def test_of_one_rung_the_weights_are_those_of_its_method(threads):
    seen = equilibrium("opes", T[:1], 0, threads, walkers=3, rounds=60)
    found = heated_weights(seen["energies"], seen["rung_log_weights"], seen["rungs"], T[:1], 300.0)
    alone = Weighted(seen["log_weights"])
    np.testing.assert_allclose(found.weights, alone.weights, rtol=1e-9)


def test_walkers_that_stay_on_their_rungs_know_nothing(threads):
    seen = equilibrium("opes", T, 0, threads, rounds=250)
    stay = np.sort(seen["rungs"], axis=1)
    found = heated_weights(seen["energies"], seen["rung_log_weights"], stay, T, 300.0)
    assert "the ladder is not mixed: 4 walkers made 0 round trips" in found.reservation
    assert not gap(seen, found).known
    assert weights_of(seen).reservation == ""


def test_rungs_that_do_not_overlap_are_one_sentence():
    rng = np.random.default_rng(0)
    rungs = np.tile([0, 1], (200, 1))
    energies = rng.normal([0.0, 30.0], 0.3, (200, 2))
    none = np.zeros((200, 2, 2))
    with pytest.raises(ConvergenceError, match=r"at 300 K share less than 3% with those at 900 K"):
        heated_weights(energies, none, rungs, (300.0, 900.0), 300.0)
    with pytest.raises(ValueError, match=r"must be one from 300 to 900 K.*got 1000"):
        heated_weights(energies, none, rungs, (300.0, 900.0), 1000.0)
    with pytest.raises(ValueError, match=r"of 3 rungs.*got .200, 2., .200, 2. and .200, 2, 2."):
        heated_weights(energies, none, rungs, (300.0, 600.0, 900.0), 300.0)
