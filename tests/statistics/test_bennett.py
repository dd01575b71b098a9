"""Bennett's acceptance ratio on ensembles whose partition functions are known."""

import numpy as np
import pytest

from nanochart.errors import ConvergenceError
from nanochart.statistics import bennett


def works(n, m, seed, stretch=1.0):
    """Works between normal distributions of widths 1 and 2, scaled by ``stretch``."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0.0, 1.0, n), rng.normal(0.0, 2.0, m)
    forward = (stretch * x / 2.0) ** 2 / 2 - x**2 / 2 - np.log(stretch)
    backward = (y / stretch) ** 2 / 2 - (y / 2.0) ** 2 / 2 + np.log(stretch)
    return forward, backward


@pytest.mark.parametrize(("n", "m"), [(2_000, 2_000), (3_000, 500)])
@pytest.mark.parametrize("stretch", [1.0, 1.5])
def test_the_ratio_of_two_widths_is_held_by_the_error_of_its_influences(n, m, stretch):
    deviations = []
    for seed in range(200):
        found = bennett(*works(n, m, seed, stretch), "two widths")
        error = np.sqrt((found.forward**2).sum() + (found.backward**2).sum())
        deviations.append((found.log_ratio - np.log(2.0)) / error)
    assert abs(np.mean(deviations)) < 0.3
    assert 0.85 < np.std(deviations) < 1.15


def test_the_exact_map_has_no_error():
    found = bennett(*works(50, 70, 0, 2.0), "two widths")
    assert found.log_ratio == pytest.approx(np.log(2.0), abs=1e-9)
    assert found.overlap > 0.95
    np.testing.assert_allclose(found.forward, 0.0, atol=1e-9)


def test_what_is_mapped_out_of_reach_counts_nothing():
    # Uniform on [0, 1] and on [0, 3], as they are: two thirds of the second are not of the first.
    rng = np.random.default_rng(0)
    y = rng.uniform(0.0, 3.0, 60_000)
    backward = np.where(y < 1.0, 0.0, np.inf)
    found = bennett(np.zeros(60_000), backward, "two boxes")
    assert found.log_ratio == pytest.approx(np.log(3.0), abs=0.02)


def test_ensembles_with_nothing_in_common_are_one_sentence():
    with pytest.raises(ConvergenceError, match=r"nothing relates two boxes: .*temperature between"):
        bennett(np.full(5, np.inf), np.zeros(5), "two boxes")


def test_influences_are_those_of_leaving_a_sample_out():
    w, v = works(300, 400, 1)
    found = bennett(w, v, "two widths")
    for k in (0, 7):
        without = bennett(np.delete(w, k), v, "two widths").log_ratio
        assert found.log_ratio - without == pytest.approx(found.forward[k], rel=0.2, abs=1e-4)
