"""Umbrella windows: weights, and errors that know that the windows' free energies are uncertain."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from nanochart.errors import ConvergenceError
from nanochart.free_energy import free_energy_surface, umbrella_weights
from nanochart.statistics import Mixture, growth, state_populations
from nanochart.testing import HiddenSeries, WellMixture

TWO = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.25)
EXACT = -TWO.kT * np.log(0.3 / 0.7)
CENTRES = np.linspace(-1.2, 1.2, 9)
STIFFNESS = 1.5


def draw_windows(n_times, rng, times=None, tilts=None):
    """Exact samples of each window: Gaussians times a Gaussian restraint are Gaussians.

    The well follows a hidden variable of the correlation time of the window; a tilt in kT per unit
    is another free energy, as if something hidden were in another state there.
    """
    well, restraint = TWO.sigma**-2, STIFFNESS / TWO.kT
    width = (well + restraint) ** -0.5
    columns = []
    for k, centre in enumerate(CENTRES):
        c = np.array(TWO.centres)[:, 0]
        moved = c - (0.0 if tilts is None else tilts[k]) / well
        logs = np.log(TWO.populations) + 0.5 * well * (moved**2 - c**2)
        logs = logs - 0.5 * (moved - centre) ** 2 / (1 / well + 1 / restraint)
        share = np.exp(logs - np.logaddexp.reduce(logs))
        series = HiddenSeries(0.0 if times is None else times[k], bias=0.0)
        which = (norm.cdf(series.hidden(n_times, 1, rng)[:, 0]) > share[0]).astype(int)
        mean = (well * moved + restraint * centre) * width**2
        columns.append(rng.normal(mean[which], width))
    return np.stack(columns, axis=1)


def bias_energies(values):
    return 0.5 * STIFFNESS * (values[..., None] - CENTRES) ** 2


def difference(values, weights=None):
    used = umbrella_weights(bias_energies(values), 300.0) if weights is None else weights
    return state_populations(TWO.well(values[..., None]), used, 300.0, ("A", "B")).difference(0, 1)


def coverage(make, n, weigh=None):
    """Shares of repeats that are known, and that are falsely confident."""
    known = false = 0
    for seed in range(n):
        values = make(np.random.default_rng(seed))
        try:
            weights = umbrella_weights(bias_energies(values), 300.0)
        except ConvergenceError:  # windows that do not overlap are refused
            continue
        gap = difference(values, weights if weigh is None else weigh(weights))
        known += bool(gap.known)
        false += bool(gap.known and not gap.low <= EXACT <= gap.high)
    print("known", known / n, "falsely confident", false / n)
    return known / n, false / n


def independent(n_times):
    return lambda rng: draw_windows(n_times, rng)


def three_slow(n_times, time):
    times = [1.0] * 3 + [time] * 3 + [1.0] * 3
    return lambda rng: draw_windows(n_times, rng, times)


def other_states(n_times, tilt=3.0):
    """Each window in one of two states of something hidden, which it never leaves."""
    return lambda rng: draw_windows(n_times, rng, None, tilt * rng.integers(0, 2, len(CENTRES)))


def test_intervals_from_windows_hold_the_truth_as_often_as_they_say():
    known, false = coverage(independent(300), 40)
    assert known >= 0.85
    assert false <= 0.13


@pytest.mark.parametrize(
    "make",
    [three_slow(600, 100.0), three_slow(600, 1e6), other_states(1500)],
    ids=["3 of 9 slow", "3 of 9 frozen", "hidden states"],
)
def test_windows_that_do_not_mix_or_do_not_agree_are_hardly_ever_falsely_confident(make):
    assert coverage(make, 20)[1] <= 0.15


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "suffices"),
    [
        (independent(300), True), (independent(1000), True),
        (lambda rng: draw_windows(1000, rng, [3.0] * 9), True),
        (three_slow(1000, 100.0), False), (three_slow(1000, 1_000.0), False),
        (three_slow(1000, 1e6), False), (other_states(2000), False),
    ],
    ids=["300", "1000", "1000, correlated", "3 slow", "3 slower", "3 frozen", "hidden states"],
)  # fmt: skip
def test_coverage_of_200_umbrella_runs(make, suffices):
    known, false = coverage(make, 200)
    assert false <= 0.10
    if suffices:
        assert known >= 0.90


@pytest.mark.parametrize("seed", range(3))
def test_windows_that_each_keep_a_state_that_the_variable_does_not_tell_know_nothing(seed):
    rng = np.random.default_rng(seed)
    values, kept = draw_windows(600, rng), rng.permutation([0, 0, 0, 0, 0, 1, 1, 1, 1])
    codes = np.broadcast_to(kept, values.shape)
    weights = umbrella_weights(bias_energies(values), 300.0)
    gap = state_populations(codes, weights, 300.0, ("A", "B")).difference(0, 1)
    assert not gap.known
    assert "the windows contradict each other" in gap.reason


def test_windows_whose_free_energies_are_taken_for_known_make_the_check_fail():
    def certain(weights):
        return replace(weights, mixture=None)

    assert coverage(independent(150), 40, certain)[1] > 0.2


def test_windows_that_are_not_compared_make_the_check_fail():
    assert coverage(other_states(1500), 20, lambda w: replace(w, reservation=""))[1] > 0.5


def test_errors_are_those_of_solving_every_resample():
    values = draw_windows(300, np.random.default_rng(3))
    found, differences = difference(values), []
    rng = np.random.default_rng(4)
    for _ in range(60):
        chosen = rng.integers(0, 300, values.shape)
        differences.append(float(difference(np.take_along_axis(values, chosen, axis=0)).value))
    assert found.error == pytest.approx(np.std(differences), rel=0.3)


def test_free_energies_of_windows_are_those_of_the_exact_integral():
    values = draw_windows(4000, np.random.default_rng(4))
    found = umbrella_weights(bias_energies(values), 300.0)
    s = np.linspace(-4, 4, 4001)
    density = TWO.density(s[:, None])
    partition = [
        (density * np.exp(-0.5 * STIFFNESS * (s - c) ** 2 / TWO.kT)).sum() for c in CENTRES
    ]
    exact = -TWO.kT * np.log(np.array(partition) / partition[0])
    np.testing.assert_allclose(TWO.kT * found.mixture.f, exact, atol=0.3 * TWO.kT)
    np.testing.assert_allclose(found.mixture.overlap.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.mixture.shares.sum(axis=1), 1.0)


def test_a_surface_from_windows_is_the_exact_one_within_its_errors():
    values = draw_windows(2000, np.random.default_rng(5))
    weights = umbrella_weights(bias_energies(values), 300.0)
    surface = free_energy_surface(values[..., None], weights, 300.0)
    x = surface.axes[0]
    exact = TWO.free_energy(x[:, None])
    low = (np.abs(x) < 1.5) & np.isfinite(surface.error)
    z = (surface.energy - (exact - exact[surface.minimum]))[low]
    z = z / np.hypot(surface.error[low], 0.05 * TWO.kT)
    assert np.sqrt(np.mean(z**2)) < 2.0
    barrier = np.abs(x).argmin()
    assert surface.error[barrier] > 2 * surface.error[np.abs(x + 0.9).argmin()]


def test_a_part_of_the_windows_is_solved_by_itself():
    values = draw_windows(800, np.random.default_rng(6))
    weights = umbrella_weights(bias_energies(values), 300.0)
    half = umbrella_weights(bias_energies(values[:400]), 300.0)
    np.testing.assert_array_equal(weights.part(0, 400).log_weights, half.log_weights)
    grown = growth(state_populations(TWO.well(values[..., None]), weights, 300.0), 0, 1)
    assert grown.estimates[-1].known
    assert grown.estimates[-1].value == pytest.approx(EXACT, abs=TWO.kT)


def test_walkers_of_one_window_are_told_by_their_energies():
    values = draw_windows(400, np.random.default_rng(8))
    twice = np.concatenate([values[:200], values[200:]], axis=1)
    centres = np.tile(CENTRES, 2)
    energies = 0.5 * STIFFNESS * (twice[..., None] - centres) ** 2
    found = umbrella_weights(energies, 300.0)
    assert found.windows == (*range(9), *range(9))
    assert isinstance(found.mixture, Mixture)
    assert found.mixture.shares.shape == (3600, 9)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (-0.9, "^windows 1, 2 share less than 3% of their samples with windows 3, 4, so"),
        (0.8, "^window 1 shares less than 3% of its samples with windows 2, 3, 4, so"),
    ],
)
def test_windows_that_do_not_overlap_are_one_sentence(second, sentence):
    rng = np.random.default_rng(0)
    centres = np.array([-1.0, second, 0.9, 1.0])
    values = centres + rng.normal(0, 0.05, (200, 4))
    energies = 0.5 * 10.0 * (values[:, :, None] - centres) ** 2
    with pytest.raises(ConvergenceError, match=sentence):
        umbrella_weights(energies, 300.0)


def test_bias_energies_of_another_shape_are_one_sentence():
    with pytest.raises(ValueError, match=r"must have the shape \(time, window, window\)"):
        umbrella_weights(np.zeros((100, 3, 4)), 300.0)
