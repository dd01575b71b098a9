"""Works of the steered dynamics themselves, against the exact integral."""

from dataclasses import replace

import numpy as np
import pytest

from nanochart.biasing import BiasingState, Steered, biased_round
from nanochart.free_energy import bar, jarzynski
from nanochart.report import draw_works
from nanochart.testing import WellMixture

TWO = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.3)
STIFFNESS = 2.0
REST, MOVE = 300, 1200


def exact_difference():
    """Free energy of the restrained system at the end, less that at the start, by quadrature."""
    s = np.linspace(-5, 5, 20001)
    density = TWO.density(s[:, None])
    Z = [(density * np.exp(-0.5 * STIFFNESS * (s - c) ** 2 / TWO.kT)).sum() for c in (-1.0, 1.0)]
    return -TWO.kT * np.log(Z[1] / Z[0])


def works(first, last, n_walkers, seed, move=MOVE):
    method = Steered(((first,), (first,), (last,)), (0, REST, REST + move), (STIFFNESS,))
    start = TWO.start(n_walkers, seed, well=int(first > 0))
    state = BiasingState(start, method.initialize(1), 0)
    _, seen = biased_round(state, TWO, method, REST + move)
    return seen.work


def test_intervals_of_works_in_both_directions_hold_the_exact_difference():
    exact, hits, n = exact_difference(), 0, 40
    forward, backward = works(-1.0, 1.0, 40 * n, 1), works(1.0, -1.0, 40 * n, 2)
    for f, b in zip(forward.reshape(n, 40), backward.reshape(n, 40), strict=True):
        found = bar(f, b, TWO.temperature)
        hits += abs(found.value - exact) <= 1.96 * found.error
    assert 0.87 <= hits / n <= 1.0
    whole = bar(forward, backward, TWO.temperature)
    assert whole.reliable
    assert abs(whole.value - exact) < 3 * whole.error
    assert whole.dissipated > 0.5 * TWO.kT
    # The mean work, which forgets what is dissipated, is far off.
    assert forward.mean() - exact > 20 * forward.std() / np.sqrt(len(forward))
    # So is the answer at another temperature, from works in one direction.
    assert abs(jarzynski(forward, 300.0).value - exact) < 0.15 * TWO.kT
    assert abs(jarzynski(forward, 200.0).value - exact) > 0.3 * TWO.kT


def test_works_that_dissipate_much_are_called_unreliable():
    found = jarzynski(works(-1.0, 1.0, 50, 3, move=100), TWO.temperature)
    assert not found.reliable
    assert "move slower" in found.advice


@pytest.mark.parametrize("n", [1, 4, 9])
def test_few_works_have_no_error_and_therefore_no_number(n):
    forward, backward = works(-1.0, 1.0, n, 3), works(1.0, -1.0, 40, 4)
    for found in (jarzynski(forward, TWO.temperature), bar(forward, backward, TWO.temperature)):
        assert not found.known
        assert not found.reliable
        assert np.isnan([found.value, found.error, found.dissipated]).all()
        assert "too few for an error" in found.advice


def test_an_average_that_hangs_on_one_work_is_unknown():
    w = np.concatenate([np.linspace(1.0, 1.2, 49), [0.2]])
    found = jarzynski(w, TWO.temperature)
    assert not found.known
    assert "hangs on 1.0 of 50 works" in found.advice


def test_works_that_do_not_overlap_are_unknown_and_few_that_do_unreliable():
    forward, backward = np.linspace(0.5, 0.9, 20), np.linspace(0.1, 0.5, 20)
    assert not bar(forward, backward, 300.0).known
    forward[0], backward[0] = 0.1, -0.2
    found = bar(forward, backward, 300.0)
    assert found.known
    assert not found.reliable
    assert "hardly overlap" in found.advice


def test_the_figure_of_works_mirrors_the_backward_ones_and_says_what_is_not_reliable():
    forward, backward = np.linspace(0.10, 0.16, 11), np.linspace(-0.15, -0.09, 11)
    figure = draw_works(forward, backward, bar(forward, backward, 300.0))
    (panel,) = figure.axes
    ticks = [line.get_xdata() for line in panel.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(ticks[0], forward)
    np.testing.assert_allclose(ticks[1], -backward)
    assert panel.get_xlabel() == "work (eV)"
    one = draw_works(forward * 2, None, replace(jarzynski(forward, 300.0), reliable=False))
    labels = one.axes[0].get_legend_handles_labels()[1]
    assert any("not reliable" in label for label in labels)
    none = draw_works(forward[:3], None, jarzynski(forward[:3], 300.0))
    assert "$\\Delta F$ is unknown" in none.axes[0].get_legend_handles_labels()[1]
