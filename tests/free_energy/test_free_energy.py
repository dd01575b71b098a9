"""Free energies against exact answers: surfaces, populations, intervals, paths, gauges."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import root

from helpers.wells import EXACT, THREE, TWO, difference_of
from nanochart.free_energy import (
    basins,
    free_energy_surface,
    log_gram,
    minimum_path,
    surface,
)
from nanochart.statistics import Weighted, blocks


def correlated(well, n_times, n_walkers, rng, memory=0.9):
    """Series of exact marginal distribution whose points persist from time to time."""
    values = well.draw(n_times * n_walkers, rng).reshape(n_times, n_walkers, -1)
    stays = rng.random((n_times, n_walkers)) < memory
    for k in range(1, n_times):
        values[k] = np.where(stays[k][:, None], values[k - 1], values[k])
    return values


def biased_draw(well, bias, n_times, n_walkers, rng, memory=0.0):
    """Samples of the distribution under a bias, by rejection, with their log-weights."""
    need, found = n_times * n_walkers, []
    while sum(map(len, found)) < need:
        s = well.draw(4 * need, rng)
        found.append(s[rng.random(len(s)) < np.exp(-(bias(s) - bias.least) / well.kT)])
    values = np.concatenate(found)[:need].reshape(n_times, n_walkers, -1)
    stays = rng.random((n_times, n_walkers)) < memory
    for k in range(1, n_times):
        values[k] = np.where(stays[k][:, None], values[k - 1], values[k])
    return values, bias(values) / well.kT


class Tilt:
    """V = 0.03 s, at least -0.08 where the wells are."""

    least = -0.08

    def __call__(self, s):
        return 0.03 * np.clip(s[..., 0], -2.6, 2.6)


def coverage(make, exact, n=200, seed=0):
    """Share of intervals that are known and hold the truth, and of those that are known."""
    rng = np.random.default_rng(seed)
    hits = known = 0
    for _ in range(n):
        gap = make(rng)
        known += bool(gap.known)
        hits += bool(gap.known and gap.low <= exact <= gap.high)
    return hits / max(known, 1), known / n


def interval(well, *, memory=0.9, bias=None, weigh=1.0):
    def make(rng):
        if bias is None:
            values = correlated(well, 1200, 4, rng, memory)
            logs = np.zeros(values.shape[:2])
        else:
            values, logs = biased_draw(well, bias, 600, 4, rng, memory)
            logs = weigh * logs
        return difference_of(well.well(values), Weighted(logs), well.temperature)

    return make


# ------------------------------------------------------------------------------- intervals


def test_intervals_of_a_difference_hold_the_truth_as_often_as_they_say():
    share, known = coverage(interval(TWO), EXACT, n=100)
    assert 0.90 <= share <= 0.99
    assert known > 0.95


def test_intervals_hold_under_a_bias_that_is_weighted_away():
    share, known = coverage(interval(TWO, memory=0.7, bias=Tilt()), EXACT, n=100)
    assert 0.90 <= share <= 0.99
    assert known > 0.95


@pytest.mark.parametrize("weigh", [0.0, 0.6])
def test_the_same_check_finds_wrong_weights(weigh):
    """No reweighting; a wrong temperature or bias factor."""
    mistake = interval(TWO, memory=0.7, bias=Tilt(), weigh=weigh)
    assert coverage(mistake, EXACT, n=50)[0] < 0.85


def test_the_same_check_finds_correlated_samples_taken_for_independent_ones(monkeypatch):
    monkeypatch.setattr(blocks, "statistical_inefficiency", lambda *_: 1.0)
    monkeypatch.setattr(blocks, "_LONG", 1.0)
    monkeypatch.setattr(blocks, "slice_number", lambda n, *_: np.arange(n))
    assert coverage(interval(TWO), EXACT, n=50)[0] < 0.85


# -------------------------------------------------------------------------------- surfaces


def test_a_surface_is_the_exact_one_within_its_errors():
    rng = np.random.default_rng(1)
    values = correlated(THREE, 6000, 4, rng, 0.5)
    surface = free_energy_surface(values, Weighted(np.zeros(values.shape[:2])), THREE.temperature,
                                  bandwidth=(0.05, 0.05))  # fmt: skip
    grid = np.stack(np.meshgrid(*surface.axes, indexing="ij"), axis=-1)
    exact = THREE.free_energy(grid)
    exact -= exact[surface.minimum]
    low = (surface.energy < 5 * THREE.kT) & np.isfinite(surface.error)
    z = (surface.energy - exact)[low] / np.hypot(surface.error[low], 0.05 * THREE.kT)
    assert np.abs(z).max() < 5
    assert np.mean(z**2) < 1.6
    assert surface.error[surface.minimum] == 0.0
    assert np.isnan(surface.energy).any()  # corners were never seen


def test_nodes_that_no_sample_is_near_have_no_value():
    values = np.array([0.0, 1.0])[np.arange(400) % 2].reshape(200, 2, 1)
    surface = free_energy_surface(values, Weighted(np.zeros((200, 2))), 300.0, low=[-1], high=[2],
                                  shape=61, bandwidth=(0.05,))  # fmt: skip
    x = surface.axes[0]
    assert np.isnan(surface.energy[np.abs(x - 0.5) < 0.2]).all()
    assert np.isfinite(surface.energy[[20, 40]]).all()


def test_the_geometric_surface_does_not_know_how_the_variable_is_drawn():
    """s -> sinh(2 s): the plain surface changes by the Jacobian, the geometric one does not."""
    rng = np.random.default_rng(2)
    s = TWO.draw(200_000, rng).reshape(50_000, 4, 1)
    slope = 2.0 * np.cosh(2.0 * s)
    flat = np.zeros(s.shape[:2])
    at = np.concatenate([np.linspace(-1.4, -0.6, 12), np.linspace(0.6, 1.4, 12)])

    def on_points(values, points, gram):
        width = (float(np.ptp(values)) / 600,)
        surface = free_energy_surface(
            values, Weighted(flat), TWO.temperature, shape=1800, bandwidth=width, log_gram=gram
        )
        F = np.interp(points, surface.axes[0], surface.energy)
        return F - F.mean()

    def drawn(gram):
        plain = on_points(s, at, None if gram is None else flat)
        other = on_points(np.sinh(2 * s), np.sinh(2 * at), gram)
        return np.abs(plain - other).max()

    assert drawn(None) > 0.6 * TWO.kT
    assert drawn(np.log(slope[..., 0])) < 0.3 * TWO.kT


def test_log_gram_is_the_volume_of_the_gradients():
    J = np.zeros((2, 4, 3))
    J[0, 0] = [3.0, 0.0, 0.0]
    J[1, 2] = [0.0, 2.0, 0.0]
    assert log_gram(J) == pytest.approx(np.log(6.0))
    assert log_gram(np.repeat(J[:1], 2, axis=0)) == -np.inf
    with pytest.raises(ValueError, match="must be finite"):
        log_gram(np.full((1, 2, 3), np.nan))


@pytest.mark.parametrize(
    ("values", "logs", "options", "sentence"),
    [
        (np.zeros((9, 2, 4)), np.zeros((9, 2)), {}, r"1 to 3 variables\) and log-weights"),
        (np.zeros((9, 2, 1)), np.zeros((9, 3)), {}, "and log-weights"),
        (np.ones((9, 2, 1)), np.zeros((9, 2)), {"bandwidth": (-1.0,)}, "positive numbers"),
    ],
)
def test_surfaces_that_cannot_be_are_one_sentence(values, logs, options, sentence):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=sentence):
        free_energy_surface(
            values + rng.normal(size=values.shape), Weighted(logs), 300.0, **options
        )


# ----------------------------------------------------------------------------------- paths


def exact_surface(well, axes):
    """The exact free energy in place of that of samples."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = well.draw(4000, np.random.default_rng(3)).reshape(1000, 4, len(axes))
    found = free_energy_surface(values, Weighted(np.zeros((1000, 4))), well.temperature)
    F = well.free_energy(grid)
    F -= F.min()
    return replace(
        found, axes=axes, energy=F, smoothed=F, error=np.zeros_like(F),
        influence=np.zeros((found.blocks.n, F.size), np.float32),
    )  # fmt: skip


def test_the_path_goes_over_the_saddle_of_the_exact_surface():
    axes = tuple(np.linspace(a, b, 90) for a, b in ((-1.6, 1.6), (-0.8, 2.0)))
    exact = exact_surface(THREE, axes)
    path = minimum_path(exact, (-0.9, 0.0), (0.0, 1.2))

    def slope(s, h=1e-5):
        return [
            float(THREE.free_energy(s + h * e) - THREE.free_energy(s - h * e)) / (2 * h)
            for e in np.eye(2)
        ]

    saddle = root(slope, path.saddle).x
    assert np.linalg.norm(path.saddle - saddle) < 0.06
    top = float(THREE.free_energy(saddle) - THREE.free_energy([-0.9, 0.0]))
    assert path.barrier.value == pytest.approx(top, abs=0.1 * THREE.kT)
    found = basins(exact)
    assert len(found) == 3
    places = np.array([basin.place for basin in found])
    np.testing.assert_allclose(places, np.array(THREE.centres)[[0, 1, 2]], atol=0.05)


def test_a_curve_without_a_maximum_between_its_ends_has_no_barrier():
    exact = exact_surface(TWO, (np.linspace(-1.6, 1.6, 200),))
    down = minimum_path(exact, [-0.2], [-1.0])
    assert down.barrier is None
    assert down.saddle is None
    assert minimum_path(exact, [-1.0], [1.0]).barrier is not None


def test_too_few_blocks_give_no_error():
    values = correlated(TWO, 60, 2, np.random.default_rng(4), 0.98)
    surface = free_energy_surface(values, Weighted(np.zeros((60, 2))), 300.0, low=[-2], high=[2])
    assert "the walkers hardly mix" in surface.why
    assert np.isnan(surface.error).all()
    assert np.isnan(surface.stated).all()
    seen = surface.axes[0][np.isfinite(surface.energy)]
    assert not surface.difference(surface.node(seen[:1]), surface.node(seen[-1:])).known


def test_an_end_that_was_not_seen_is_one_sentence():
    values = TWO.draw(4000, np.random.default_rng(0)).reshape(1000, 4, 1)
    surface = free_energy_surface(values, Weighted(np.zeros((1000, 4))), 300.0, low=[-2], high=[9])
    with pytest.raises(ValueError, match="must be where the surface was seen"):
        minimum_path(surface, [-1.0], [8.0])


# --------------------------------------------------------------------------------- smoothing


def narrow(d, rng, n_frames=3000, node=0.3, apart=7.0):
    """Two basins as narrow as 0.3 of a coarse node, next to a wide one that sets the range.

    Samples are of a flatter distribution, as under a bias, with their weights.
    """
    width = node / {1: 120, 2: 60, 3: 32}[d]
    c = np.zeros((3, d))
    c[:, 0] = 0.2, 0.2 + apart * width, 0.75
    sizes, shares = np.array([width, width, 0.06]), np.array([0.45, 0.25, 0.3])

    def density(x, centres, sizes, shares):
        z = ((x[..., None, :] - centres) ** 2).sum(-1) / sizes**2
        return (shares * np.exp(-0.5 * z) / (np.sqrt(2 * np.pi) * sizes) ** d).sum(-1)

    bridge = np.concatenate([c, [(c[0] + c[1]) / 2]])
    drawn, weights = np.append(sizes, 1.5 * width), np.array([0.25, 0.25, 0.2, 0.3])
    k = rng.choice(4, 4 * n_frames, p=weights)
    x = bridge[k] + rng.normal(size=(len(k), d)) * drawn[k][:, None]
    logs = np.log(density(x, c, sizes, shares)) - np.log(density(x, bridge, drawn, weights))
    line = np.linspace(0, 1, 4001)[:, None] * (c[1] - c[0]) + c[0]
    F = -np.log(density(line, c, sizes, shares))
    return (x.reshape(n_frames, 4, d), Weighted(logs.reshape(n_frames, 4)), c[:2],
            float(F.max() - F[0]))  # fmt: skip


def barriers(d, n, n_frames, **options):
    kT, hits, found = TWO.kT, 0, []
    for seed in range(n):
        values, weighted, ends, truth = narrow(d, np.random.default_rng(seed), n_frames)
        surface = free_energy_surface(values, weighted, 300.0, **options)
        barrier = minimum_path(surface, *ends).barrier
        if barrier is None:
            continue
        hits += bool(barrier.known and barrier.low <= truth * kT <= barrier.high)
        found.append((float(barrier.value) / kT, float(barrier.error) / kT, truth))
    print(d, hits / n, found[:3])
    return hits / n


@pytest.mark.parametrize(("d", "n"), [(1, 20), (2, 4)])
def test_barriers_between_narrow_basins_lie_within_their_errors(d, n):
    assert barriers(d, n, 3000) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n"), [(1, 100), (2, 60), (3, 20)])
def test_barriers_between_narrow_basins_lie_within_their_errors_in_90_of_100(d, n):
    assert barriers(d, n, 3000 if d < 3 else 10_000) >= 0.90


def test_a_kernel_that_is_too_wide_misses_the_barrier(monkeypatch):
    """With the coarse grid and without the error of smoothing."""
    find = surface.resolved_density

    def coarse(*args, **options):
        found = find(*args, **{**options, "shape": 120})
        return replace(found, wider=found.values)

    monkeypatch.setattr(surface, "resolved_density", coarse)
    assert barriers(1, 10, 3000) <= 0.2


def test_a_grid_that_would_take_all_memory_is_refused_with_its_size():
    values = np.random.default_rng(0).random((100, 4, 3))
    with pytest.raises(
        ValueError, match=r"at most 4,000,000 nodes; got 2000 x 2000 x 2000.*2,000 GB.*most 158 for"
    ):
        free_energy_surface(values, Weighted(np.zeros((100, 4))), 300.0, shape=2_000)
