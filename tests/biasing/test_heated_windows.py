"""Umbrella windows on a ladder, against exact populations of each window at each temperature."""

import numpy as np
import pytest

from helpers.heated import CENTRES, HIDDEN, BiasedBasins, heated_on, heated_rounds
from nanochart.biasing import BiasingState, Heated, Umbrella, Unbiased, heated
from nanochart.free_energy import heated_weights, umbrella_weights
from nanochart.tempering import Ladder
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN

T = (300.0, 450.0, 700.0)
#: Two windows of the one variable, the basin: basin 1 is lifted in the first, lowered in the other.
WINDOWS, STIFFNESS = (0.1, 0.6), 0.2
DIMENSION = 6
#: Basins that walkers keep below 600 K.
BASINS = TwoBasins(energies=(0.0, 0.02), stiffnesses=(1.0, 0.7), crossing=600.0)


def energies_in_windows(values):
    """Of values (..., walker) in each window, (..., walker, window)."""
    return 0.5 * STIFFNESS * (values[..., None] - np.array(WINDOWS)) ** 2


def run(rounds, seed=3):
    method = Umbrella(tuple((c,) for c in WINDOWS), (STIFFNESS,))
    ladder = Heated(Ladder(T), (method,) * len(T), 2 * len(WINDOWS), seed)
    basins = BiasedBasins(BASINS)
    begun = basins.start(np.repeat(T, ladder.walkers), seed=seed)
    state = BiasingState(begun, ladder.initialize(1), 0)
    _, seen = heated_rounds(state, basins, ladder, rounds, 2)
    return ladder, {name: series[50:] for name, series in seen.items()}


def deviations(ladder, seen, blocks=40):
    """How many standard errors the populations of (window, rung) are from the exact ones."""
    n = len(seen["values"]) // blocks
    z = np.empty((len(WINDOWS), len(T)))
    for w, k in np.ndindex(*z.shape):
        here = (seen["rungs"] == k) & (ladder.windows == w)
        mean = (here * seen["values"][..., 0]).sum(axis=1) / here.sum(axis=1)
        parts = mean[: n * blocks].reshape(blocks, n).mean(axis=1)
        tilt = 0.5 * STIFFNESS * (1.0 - 2.0 * WINDOWS[w])
        exact = BiasedBasins(BASINS).population(T[k], tilt, DIMENSION)
        z[w, k] = (parts.mean() - exact) / (parts.std(ddof=1) / np.sqrt(blocks))
    return z


def weighted_at(ladder, seen, temperature):
    logs = energies_in_windows(seen["values"][..., 0])[..., None] * ladder.ladder.betas
    return heated_weights(
        seen["energies"], logs, seen["rungs"], T, temperature, windows=ladder.windows
    )


@pytest.fixture(scope="module")
def sampled():
    return run(2000)


def test_exchanges_bring_each_window_the_populations_of_each_temperature(sampled):
    assert np.abs(deviations(*sampled)).max() < 4


@pytest.mark.parametrize("temperature", [300.0, 380.0, 700.0])
def test_weights_give_the_populations_and_energies_of_any_temperature(sampled, temperature):
    ladder, seen = sampled
    weighted = weighted_at(ladder, seen, temperature)
    beta = 1.0 / (BOLTZMANN * temperature)
    share, energy = weighted.mean(seen["values"][..., 0]), weighted.mean(seen["energies"])
    assert share.known, share.reason
    assert abs(share.value - BASINS.population(1, beta, DIMENSION)) < 4 * share.error
    assert share.error < 0.02
    assert abs(energy.value - BASINS.mean_energy(beta, DIMENSION)) < 4 * energy.error
    assert energy.error < 0.01 * energy.value


def test_an_exchange_that_forgets_the_biases_is_found(monkeypatch):
    monkeypatch.setattr(
        heated, "_reduced", lambda ladder, energies, _: ladder.betas * energies[:, None]
    )
    assert np.abs(deviations(*run(1500))).max() > 8


def test_weights_that_forget_the_temperatures_are_found(sampled):
    ladder, seen = sampled
    energies = energies_in_windows(seen["values"][..., 0])[..., ladder.windows]
    right = weighted_at(ladder, seen, 300.0).mean(seen["energies"])
    wrong = umbrella_weights(energies, 300.0).mean(seen["energies"])
    exact = BASINS.mean_energy(1.0 / (BOLTZMANN * 300.0), DIMENSION)
    assert abs(right.value - exact) < 4 * right.error
    assert abs(wrong.value - exact) > 10 * right.error


def test_weights_that_forget_the_windows_are_found(sampled):
    _, seen = sampled
    none = np.zeros((*seen["energies"].shape, len(T)))
    wrong = heated_weights(seen["energies"], none, seen["rungs"], T, 300.0)
    right, wrong = (w.mean(seen["values"][..., 0]) for w in (weighted_at(*sampled, 300.0), wrong))
    exact = BASINS.population(1, 1.0 / (BOLTZMANN * 300.0), DIMENSION)
    assert abs(wrong.value - exact) > 4 * right.error > abs(right.value - exact)


def test_a_walker_keeps_its_window_and_each_has_as_many_at_every_temperature():
    ladder, state = heated_on(HIDDEN, "umbrella", T, walkers=10)
    _, seen = heated_rounds(state, HIDDEN, ladder, 30)
    assert (np.ptp(seen["rungs"], axis=0) > 0).any()
    for window in range(len(CENTRES)):
        rungs = np.sort(seen["rungs"][:, ladder.windows == window], axis=1)
        np.testing.assert_array_equal(rungs, np.tile(np.repeat([0, 1, 2], 2), (30, 1)))
    centres = np.array(CENTRES)[ladder.windows]
    expected = 0.5 * 0.3 * (seen["values"][..., 0] - centres) ** 2
    np.testing.assert_allclose(seen["bias_energies"], expected, atol=1e-12)
    assert np.isnan(seen["rung_log_weights"]).all()


def test_windows_that_cannot_share_a_ladder_are_one_sentence():
    windows = Umbrella(((0.0,), (1.0,)), (1.0,))
    with pytest.raises(ValueError, match=r"the same windows.*got 2, 1 windows and 2 walkers"):
        Heated(Ladder(T[:2]), (windows, Unbiased(450.0)), 2, 0)
    with pytest.raises(ValueError, match=r"the same windows.*got 2, 2 windows and 3 walkers"):
        Heated(Ladder(T[:2]), (windows, windows), 3, 0)
