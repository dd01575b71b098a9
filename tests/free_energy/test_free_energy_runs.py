"""Independent runs together: their spread is the judge of their errors."""

import numpy as np
import pytest

from nanochart.free_energy import combine_differences, free_energy_surface, surface_spread
from nanochart.statistics import Estimate, Weighted
from nanochart.testing import WellMixture

TWO = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.25)


def measured(rng, n, error, *, believed=1.0):
    values = rng.normal(0.1, error, n)
    return [Estimate(v, error * believed, -np.inf, np.inf, known=True) for v in values]


@pytest.mark.parametrize("believed", [1.0, 0.4])
def test_the_interval_of_several_runs_holds_the_truth_even_if_their_errors_are_too_small(believed):
    rng = np.random.default_rng(0)
    found = [combine_differences(measured(rng, 5, 0.01, believed=believed)) for _ in range(300)]
    hits = np.mean([f.difference.low <= 0.1 <= f.difference.high for f in found])
    assert 0.93 <= hits <= 1.0
    agree = np.mean([f.agree for f in found])
    if believed == 1.0:
        assert 0.91 <= agree <= 0.99
        assert np.mean([f.ratio for f in found]) == pytest.approx(0.94, abs=0.08)
    else:
        assert agree < 0.25


def test_a_run_that_knows_nothing_does_not_count():
    rng = np.random.default_rng(1)
    runs = measured(rng, 4, 0.01)
    nothing = Estimate.unknown(3.0, "nothing")
    with_it, without = combine_differences([*runs, nothing]), combine_differences(runs)
    assert (with_it.difference.low, with_it.ratio) == (without.difference.low, without.ratio)
    with pytest.raises(ValueError, match="at least two runs that know the difference; got 1 of 2"):
        combine_differences([runs[0], nothing])


def test_the_spread_of_surfaces_is_their_bootstrap_error():
    rng = np.random.default_rng(2)
    surfaces = []
    for _ in range(12):
        values = TWO.draw(4000, rng).reshape(1000, 4, 1)
        surfaces.append(
            free_energy_surface(
                values, Weighted(np.zeros((1000, 4))), 300.0, low=[-1.8], high=[1.8], shape=60
            )
        )
    mean, deviation = surface_spread(surfaces)
    exact = TWO.free_energy(surfaces[0].axes[0][:, None])
    wells = exact - exact.min() < 2 * TWO.kT
    assert np.abs(mean - (exact - exact.min()))[wells].max() < 0.4 * TWO.kT
    # Smoothing is the same in all of them; chance is what differs.
    claimed = np.mean(
        [np.sqrt(np.maximum(s.error**2 - (s.energy - s.smoothed) ** 2, 0)) for s in surfaces],
        axis=0,
    )
    right = wells & (surfaces[0].axes[0] > 0)  # away from the minimum, where errors are zero
    assert np.mean(deviation[right]) == pytest.approx(np.mean(claimed[right]), rel=0.35)


def test_surfaces_on_two_grids_are_one_sentence():
    rng = np.random.default_rng(3)
    values = TWO.draw(400, rng).reshape(100, 4, 1)
    one, other = (
        free_energy_surface(values, Weighted(np.zeros((100, 4))), 300.0, shape=n) for n in (40, 41)
    )
    with pytest.raises(ValueError, match="must have one grid and one temperature"):
        surface_spread([one, other])
