"""Free energies from works, against exact answers."""

import numpy as np
import pytest

from helpers.wells import TWO
from nanochart.free_energy import bar, jarzynski


def test_works_of_a_gaussian_pair_give_the_known_difference():
    rng = np.random.default_rng(6)
    kT, exact, dissipated = TWO.kT, 0.1, 0.5 * TWO.kT
    spread = np.sqrt(2 * dissipated * kT)
    errors = []
    for _ in range(60):
        forward = rng.normal(exact + dissipated, spread, 200)
        backward = rng.normal(-exact + dissipated, spread, 200)
        found = bar(forward, backward, 300.0)
        errors.append((found.value - exact) / found.error)
    assert np.std(errors) == pytest.approx(1.0, abs=0.3)
    assert abs(np.mean(errors)) < 0.45
    one = jarzynski(forward, 300.0)
    assert one.reliable
    assert abs(one.value - exact) < 4 * one.error


def test_works_that_tell_nothing_say_so():
    rng = np.random.default_rng(7)
    assert "move slower" in jarzynski(rng.normal(3.0, 0.5, 20), 300.0).advice
    assert "too few for an error" in jarzynski([1.0], 300.0).advice
    with pytest.raises(ValueError, match="at least one, of finite numbers in eV; got 1"):
        jarzynski([np.nan], 300.0)
