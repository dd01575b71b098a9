"""The bandwidth of a surface: as fine as the basins ask for, and as coarse as the samples do."""

import numpy as np
import pytest

from nanochart.free_energy import free_energy_surface
from nanochart.statistics import Weighted
from nanochart.testing import WellMixture


def drawn(dimension, n_times, apart, sigma):
    """Independent samples of two wells, and the wells."""
    centres = tuple((x, *(0.0,) * (dimension - 1)) for x in (-apart, apart))
    well = WellMixture(centres, (0.6, 0.4), sigma=sigma)
    s = well.draw(4 * n_times, np.random.default_rng(0)).reshape(n_times, 4, dimension)
    return s, Weighted(np.zeros((n_times, 4))), well


@pytest.mark.parametrize(("apart", "sigma"), [(0.6, 0.4), (0.9, 0.25)])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_noise_of_independent_samples_is_not_resolved(dimension, apart, sigma):
    """Of two bandwidths the surfaces differ by chance at one node in three; that is no detail."""
    s, weighted, well = drawn(dimension, 2000, apart, sigma)
    found = free_energy_surface(s, weighted, 300.0)
    assert not found.why
    p = np.exp(-np.nan_to_num(found.energy, nan=np.inf) / well.kT)
    assert p[np.isfinite(found.stated)].sum() > 0.8 * p.sum()  # most that weighs is known
    ends = [found.node(centre) for centre in well.centres]
    gap = found.difference(*ends)
    exact = float(well.free_energy(list(well.centres[1])) - well.free_energy(list(well.centres[0])))
    assert gap.known
    assert abs(gap.value - exact) < 3.0 * gap.error
    assert gap.error < 0.5 * well.kT


def test_a_grid_that_is_too_fine_for_its_samples_says_so():
    s, weighted, _ = drawn(2, 100, 0.6, 0.4)
    found = free_energy_surface(s, weighted, 300.0, shape=(900, 900))
    assert found.why.startswith("no place was seen in 5 blocks or more")
    assert np.isnan(found.stated).all()


def test_a_surface_that_is_known_at_a_few_places_alone_is_unknown():
    """Half of the walkers stay in a narrow well, the others are never twice in one place."""
    rng = np.random.default_rng(0)
    s = np.concatenate(
        [rng.normal(0.0, 0.02, (600, 1, 2)), rng.uniform(-8.0, 8.0, (600, 3, 2))], axis=1
    )
    found = free_energy_surface(
        s, Weighted(np.zeros((600, 4))), 300.0, shape=(400, 400), bandwidth=(0.02, 0.02)
    )
    assert np.isfinite(found.error).any()
    assert "hold" in found.why
    assert "% of the weight: run longer, or take fewer variables" in found.why
    assert np.isnan(found.stated).all()
