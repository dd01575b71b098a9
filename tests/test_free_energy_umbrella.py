"""Umbrella windows: weights, and errors that know that the windows' free energies are uncertain."""

import numpy as np
import pytest

from nanochart.errors import ConvergenceError
from nanochart.free_energy import (
    convergence,
    free_energy_surface,
    independent_sample_size,
    make_blocks,
    normalized,
    state_populations,
    umbrella_weights,
)
from nanochart.testing import WellMixture

TWO = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.25)
EXACT = -TWO.kT * np.log(0.3 / 0.7)
CENTRES = np.linspace(-1.2, 1.2, 9)
STIFFNESS = 1.5


def draw_windows(n_times, rng, memory=0.0):
    """Exact samples of each window: Gaussians times a Gaussian restraint are Gaussians."""
    well, restraint = TWO.sigma**-2, STIFFNESS / TWO.kT
    width = (well + restraint) ** -0.5
    columns = []
    for centre in CENTRES:
        c = np.array(TWO.centres)[:, 0]
        gap = (c - centre) ** 2 / (1 / well + 1 / restraint)
        share = np.array(TWO.populations) * np.exp(-0.5 * (gap - gap.min()))
        which = rng.choice(2, n_times, p=share / share.sum())
        mean = (well * c + restraint * centre) * width**2
        columns.append(rng.normal(mean[which], width))
    values = np.stack(columns, axis=1)
    stays = rng.random(values.shape) < memory
    for k in range(1, n_times):
        values[k] = np.where(stays[k], values[k - 1], values[k])
    return values


def bias_energies(values):
    return 0.5 * STIFFNESS * (values[..., None] - CENTRES) ** 2


def share_of_hits(memory, n_times, *, fixed_windows=False, n=100):
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(n):
        values = draw_windows(n_times, rng, memory)
        weights = umbrella_weights(bias_energies(values), 300.0)
        states = TWO.well(values[..., None])
        used = weights.log_weights if fixed_windows else weights
        gap = state_populations(states, used, 300.0, 2).difference(0, 1)
        hits += gap.low <= EXACT <= gap.high
    return hits / n


@pytest.mark.parametrize(("memory", "n_times"), [(0.0, 150), (0.5, 400)])
def test_intervals_from_windows_hold_the_truth_as_often_as_they_say(memory, n_times):
    assert 0.89 <= share_of_hits(memory, n_times) <= 0.99


def test_windows_whose_free_energies_are_taken_for_known_make_the_check_fail():
    assert share_of_hits(0.0, 150, fixed_windows=True, n=60) < 0.8


def test_errors_to_first_order_are_those_of_solving_every_resample():
    rng = np.random.default_rng(3)
    values = draw_windows(300, rng)
    weights = umbrella_weights(bias_energies(values), 300.0)
    single = make_blocks(values[..., None])
    index = np.arange(values.size).reshape(values.shape[::-1]).T
    blocks = type(single)(index, values.size, 1, 1.0, reliable=True)
    found = state_populations(TWO.well(values[..., None]), weights, 300.0, 2, blocks=blocks)
    differences = []
    for _ in range(60):
        chosen = rng.integers(0, 300, values.shape)
        again = np.take_along_axis(values, chosen, axis=0)
        w = normalized(umbrella_weights(bias_energies(again), 300.0))
        p = w[TWO.well(again[..., None]) == 1].sum()
        differences.append(-TWO.kT * np.log(p / (1 - p)))
    assert found.difference(0, 1).error == pytest.approx(np.std(differences), rel=0.25)


def test_free_energies_of_windows_are_those_of_the_exact_integral():
    values = draw_windows(4000, np.random.default_rng(4))
    found = umbrella_weights(bias_energies(values), 300.0)
    s = np.linspace(-4, 4, 4001)
    density = TWO.density(s[:, None])
    partition = [
        (density * np.exp(-0.5 * STIFFNESS * (s - c) ** 2 / TWO.kT)).sum() for c in CENTRES
    ]
    exact = -TWO.kT * np.log(np.array(partition) / partition[0])
    np.testing.assert_allclose(found.free_energies, exact, atol=0.3 * TWO.kT)
    np.testing.assert_allclose(found.overlap.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.shares.sum(axis=2), 1.0)


def test_a_surface_from_windows_is_the_exact_one_within_its_errors():
    values = draw_windows(2000, np.random.default_rng(5))
    weights = umbrella_weights(bias_energies(values), 300.0)
    surface = free_energy_surface(values[..., None], weights, 300.0, bandwidth=(0.02,))
    x = surface.axes[0]
    exact = TWO.free_energy(x[:, None])
    low = (np.abs(x) < 1.5) & np.isfinite(surface.error)
    z = (surface.energy - (exact - exact[surface.minimum]))[low]
    z = z / np.hypot(surface.error[low], 0.05 * TWO.kT)
    assert np.sqrt(np.mean(z**2)) < 2.0
    barrier = np.abs(x).argmin()
    assert surface.error[barrier] > 2 * surface.error[np.abs(x + 0.9).argmin()]


def test_halves_of_windows_are_solved_by_themselves():
    values = draw_windows(800, np.random.default_rng(6), 0.3)
    weights = umbrella_weights(bias_energies(values), 300.0)
    found = convergence(TWO.well(values[..., None]), weights, 300.0, 0, 1)
    assert found.converged, found.advice
    half = umbrella_weights(bias_energies(values[:400]), 300.0)
    np.testing.assert_array_equal(weights.between(0, 400).log_weights, half.log_weights)


def test_windows_that_do_not_overlap_are_one_sentence():
    rng = np.random.default_rng(0)
    centres = np.array([-1.0, -0.9, 0.9, 1.0])
    values = centres + rng.normal(0, 0.05, (200, 4))
    energies = 0.5 * 10.0 * (values[:, :, None] - centres) ** 2
    with pytest.raises(ConvergenceError, match="windows 1, 2 share less than 3% of their samp"):
        umbrella_weights(energies, 300.0)


def test_bias_energies_of_another_shape_are_one_sentence():
    with pytest.raises(ValueError, match=r"must have the shape \(time, window, window\)"):
        umbrella_weights(np.zeros((100, 3, 4)), 300.0)


def test_samples_that_are_correlated_and_weighted_are_worth_less():
    rng = np.random.default_rng(7)
    logs = rng.normal(0.0, 1.0, (4000, 2))
    kish = 8000 / np.exp(1.0)
    assert independent_sample_size(logs) == pytest.approx(kish, rel=0.15)
    repeated = np.repeat(logs[:400], 10, axis=0)
    assert independent_sample_size(repeated) == pytest.approx(kish / 10, rel=0.25)
    with pytest.raises(ValueError, match=r"must have the shape \(time, walker\)"):
        independent_sample_size(logs[:, 0])
