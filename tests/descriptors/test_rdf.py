"""Radial distribution function: parity with its definition, laws, known answers."""

import json
import pickle

import numpy as np
import pytest
from ase.cluster import Icosahedron
from hypothesis import given, settings, strategies as st
from numba import njit
from scipy.spatial.distance import pdist, squareform

from nanochart.descriptors import RDF
from nanochart.descriptors.kernels import density, gradient, make_workspace

# The accuracy that the class documents, of the peak of the function and of its gradient.
VALUE_TOLERANCE = 1e-6
GRADIENT_TOLERANCE = 1e-5
# Same sum in another order.
ROUNDING = 1e-12


def defined_value(positions, rdf, every=1):
    """The definition, term by term, in each of the bins 0, every, 2 every, ..."""
    distances = pdist(positions)
    centers = rdf.centers[::every]
    value = [np.exp(-0.5 * ((center - distances) / rdf.sigma) ** 2).mean() for center in centers]
    return np.array(value) / (rdf.sigma * np.sqrt(2 * np.pi))


def defined_gradient(positions, cotangent, rdf):
    """The derivative of the definition, term by term."""
    distances = pdist(positions)
    slope = np.zeros_like(distances)
    for k in np.flatnonzero(cotangent):
        z = (rdf.centers[k] - distances) / rdf.sigma
        slope += cotangent[k] * z * np.exp(-0.5 * z**2)
    slope /= len(distances) * rdf.sigma**2 * np.sqrt(2 * np.pi)
    pull = squareform(slope / distances)
    return pull.sum(axis=1)[:, None] * positions - pull @ positions


def cluster(shells, amplitude=0.12, seed=0):
    """Mackay icosahedron of gold with 13, 55, 147, 309, 561 atoms, shaken by ``amplitude`` Å."""
    positions = Icosahedron("Au", shells).positions
    return positions + amplitude * np.random.default_rng(seed).standard_normal(positions.shape)


def random_cluster(n, seed):
    """``n`` points no closer than 2.2 Å."""
    rng = np.random.default_rng(seed)
    sites = np.argwhere(np.ones((4, 4, 4))) * 2.8
    chosen = rng.permutation(len(sites))[:n]
    return sites[chosen] + rng.uniform(-0.15, 0.15, (n, 3))


def assert_matches_definition(positions, rdf, every=1):
    value = defined_value(positions, rdf, every)
    np.testing.assert_allclose(
        rdf(positions)[::every], value, rtol=0, atol=VALUE_TOLERANCE * value.max()
    )
    cotangent = np.zeros(rdf.n_bins)
    cotangent[::every] = np.random.default_rng(0).standard_normal(len(value))
    slope = defined_gradient(positions, cotangent, rdf)
    np.testing.assert_allclose(
        rdf.vjp(positions, cotangent), slope, rtol=0, atol=GRADIENT_TOLERANCE * np.abs(slope).max()
    )


@pytest.mark.parametrize("sigma", [0.03, 0.05, 0.1, 0.15, 0.2, 0.35, 0.5])
@pytest.mark.parametrize("shells", [2, 3, 4])
def test_parity_with_the_definition(shells, sigma):
    positions = cluster(shells)
    assert_matches_definition(positions, RDF.for_positions(positions, sigma=sigma))


@pytest.mark.parametrize("sigma", [0.03, 0.2])
def test_parity_with_the_definition_at_561_atoms(sigma):
    positions = cluster(6)
    assert_matches_definition(positions, RDF.for_positions(positions, sigma=sigma), every=7)


@pytest.mark.parametrize("sigma", [1e-4, 2e-3, 9e-3, 0.011, 3.0, 40.0])
def test_parity_where_the_bandwidth_does_not_suit_the_bins(sigma):
    positions = cluster(2)
    assert_matches_definition(positions, RDF(1.5, 8.0, 130, sigma))


@pytest.mark.parametrize("n_bins", [1, 2, 17, 3400])
def test_parity_with_few_and_many_bins(n_bins):
    # One bin of 6.5 Å and σ = 0.5 Å: the cotangent is one number, the gradient that of a tail.
    assert_matches_definition(cluster(2), RDF(1.5, 8.0, n_bins, 0.5))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n=st.integers(2, 40),
    sigma=st.floats(0.005, 0.8),
    r_min=st.floats(0.5, 2.0),
    width=st.floats(0.02, 0.3),
    seed=st.integers(0, 1000),
)
def test_parity_for_any_cluster_and_grid(n, sigma, r_min, width, seed):
    positions = random_cluster(n, seed)
    n_bins = int(np.ceil((15.5 - r_min) / width))
    rdf = RDF(r_min, r_min + n_bins * width, n_bins, sigma)
    value = defined_value(positions, rdf)
    # The peak between the bins: narrow Gaussians can fall between all of them.
    peak = max(value.max(), 1 / (sigma * np.sqrt(2 * np.pi) * n * (n - 1) / 2))
    np.testing.assert_allclose(rdf(positions), value, rtol=0, atol=VALUE_TOLERANCE * peak)
    cotangent = np.cos(rdf.centers)
    slope = defined_gradient(positions, cotangent, rdf)
    # The steepest slope of one Gaussian in all the bins it reaches, for one pair.
    scale = np.exp(-0.5) / sigma**2 * max(1.0, sigma / rdf.width) / (n * (n - 1) / 2)
    np.testing.assert_allclose(
        rdf.vjp(positions, cotangent), slope, rtol=0, atol=GRADIENT_TOLERANCE * scale
    )


@pytest.mark.parametrize("sigma", [0.03, 0.15, 0.2, 0.5])
def test_a_dimer_is_one_gaussian_wherever_it_lies_between_the_knots(sigma):
    rdf = RDF(sigma=sigma)
    lengths = np.linspace(8.0, 8.1, 211)
    dimers = np.zeros((len(lengths), 2, 3))
    dimers[:, 1, 0] = lengths
    z = (rdf.centers - lengths[:, None]) / sigma
    exact = np.exp(-0.5 * z**2) / (sigma * np.sqrt(2 * np.pi))
    peak = 1 / (sigma * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(rdf(dimers), exact, rtol=0, atol=VALUE_TOLERANCE * peak)
    for k in (118, 120, 123):
        cotangents = np.zeros((len(lengths), rdf.n_bins))
        cotangents[:, k] = 1.0
        slope = rdf.vjp(dimers, cotangents)[:, 1, 0]
        exact_slope = z[:, k] / sigma * exact[:, k]
        tolerance = GRADIENT_TOLERANCE * peak / sigma * np.exp(-0.5)
        np.testing.assert_allclose(slope, exact_slope, rtol=0, atol=tolerance)


def test_the_error_of_the_gradient_falls_with_the_seventh_power_of_the_spacing():
    lengths = np.linspace(8.0, 8.1, 401)
    dimers = np.zeros((len(lengths), 2, 3))
    dimers[:, 1, 0] = lengths
    errors = []
    spacings = np.array([1 / 3, 1 / 4, 1 / 5])  # in bandwidths; one knot per bin of 0.05 Å
    for spacing in spacings:
        rdf = RDF(sigma=0.05 / spacing)
        assert rdf.grid.phases == 1
        cotangents = np.zeros((len(lengths), rdf.n_bins))
        cotangents[:, 119] = 1.0
        z = (rdf.centers[119] - lengths) / rdf.sigma
        exact = z * np.exp(-0.5 * z**2) / (rdf.sigma**2 * np.sqrt(2 * np.pi))
        errors.append(np.abs(rdf.vjp(dimers, cotangents)[:, 1, 0] - exact).max() * rdf.sigma**2)
    order = np.polyfit(np.log(spacings), np.log(errors), 1)[0]
    assert 6.5 < order < 8.5


def test_equal_distances_give_the_gaussian_of_the_dimer():
    dimer = np.array([[0, 0, 0], [2.9, 0, 0]])
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 2.9 / np.sqrt(8)
    rdf = RDF()
    np.testing.assert_allclose(rdf(tetrahedron), rdf(dimer), rtol=0, atol=ROUNDING)


def test_gradient_is_the_derivative_of_the_value():
    positions = cluster(3)
    rdf = RDF.for_positions(positions)
    cotangent = np.random.default_rng(1).standard_normal(rdf.n_bins)
    slope = rdf.vjp(positions, cotangent)
    step = 1e-4
    for atom in (0, 17, 54):
        for axis in range(3):
            shifted = np.stack([positions, positions])
            shifted[0, atom, axis] += step
            shifted[1, atom, axis] -= step
            up, down = rdf(shifted) @ cotangent
            assert slope[atom, axis] == pytest.approx((up - down) / (2 * step), abs=1e-6)
    assert np.abs(slope).max() > 1e-2


def test_invariant_under_translation_rotation_and_permutation():
    positions = cluster(3)
    rdf = RDF.for_positions(positions)
    rng = np.random.default_rng(2)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    moved = (positions @ rotation.T + [3.0, -2.0, 7.0])[rng.permutation(len(positions))]
    np.testing.assert_allclose(rdf(moved), rdf(positions), rtol=0, atol=ROUNDING)


def test_gradient_rotates_with_the_cluster_and_sums_to_zero():
    positions = cluster(3)
    rdf = RDF.for_positions(positions)
    rng = np.random.default_rng(3)
    cotangent = rng.standard_normal(rdf.n_bins)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    slope = rdf.vjp(positions, cotangent)
    np.testing.assert_allclose(
        rdf.vjp(positions @ rotation.T, cotangent), slope @ rotation.T, rtol=0, atol=ROUNDING
    )
    np.testing.assert_allclose(slope.sum(axis=0), 0.0, rtol=0, atol=ROUNDING)
    torque = np.cross(positions, slope).sum(axis=0)
    np.testing.assert_allclose(torque, 0.0, rtol=0, atol=100 * ROUNDING)


@pytest.mark.parametrize("sigma", [0.2, 0.005])
@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_a_batch_has_the_bits_of_its_frames_on_any_number_of_threads(threads, sigma):
    frames = np.stack([cluster(2, seed=seed) for seed in range(130)]).reshape(2, 65, 13, 3)
    rdf = RDF(1.5, 8.0, 130, sigma)
    cotangent = np.random.default_rng(4).standard_normal((2, 65, 130))
    g = rdf(frames, threads=threads)
    slope = rdf.vjp(frames, cotangent, threads=threads)
    assert g.shape == (2, 65, 130)
    assert slope.shape == frames.shape
    for index in np.ndindex(2, 65):
        np.testing.assert_array_equal(g[index], rdf(frames[index]))
        np.testing.assert_array_equal(slope[index], rdf.vjp(frames[index], cotangent[index]))


@pytest.mark.parametrize("n", [2, 3, 8, 31, 32, 33])
def test_any_number_of_atoms_even_and_odd(n):
    positions = random_cluster(n, seed=n)
    assert_matches_definition(positions, RDF(1.5, 16.0, 290, 0.2))


def test_no_frames_give_no_rows():
    rdf = RDF()
    assert rdf(np.empty((0, 13, 3))).shape == (0, 340)
    assert rdf.vjp(np.empty((0, 13, 3)), np.empty((0, 340))).shape == (0, 13, 3)


def test_inputs_are_unchanged_and_may_be_read_only_float32_or_strided():
    positions = np.asarray(cluster(2), dtype=np.float32)
    wide = np.zeros((13, 6))
    wide[:, ::2] = positions
    before = wide.copy()
    wide.setflags(write=False)
    rdf = RDF(1.5, 8.0, 130)
    expected = rdf(positions.astype(np.float64))
    np.testing.assert_array_equal(rdf(positions), expected)
    np.testing.assert_array_equal(rdf(wide[:, ::2]), expected)
    np.testing.assert_array_equal(rdf(positions.astype(np.float64).tolist()), expected)
    rdf.vjp(wide[:, ::2], expected)
    np.testing.assert_array_equal(wide, before)


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2, 0.5])
def test_unit_area_where_the_grid_holds_all_gaussians(sigma):
    positions = cluster(4)
    rdf = RDF(0.1, 22.1, 440, sigma)
    assert pdist(positions).min() - 0.1 > 4.5 * sigma
    assert rdf(positions).sum() * rdf.width == pytest.approx(1.0, abs=5e-6)


def test_a_distance_at_the_edge_shows_half_its_area():
    dimers = np.zeros((2, 2, 3))
    dimers[:, 1, 2] = [2.0, 19.0]
    rdf = RDF()
    np.testing.assert_allclose(rdf(dimers).sum(axis=1) * rdf.width, 0.5, rtol=0, atol=1e-7)


def test_parity_with_the_sum_normalized_histogram_on_equally_spaced_points():
    # The public code of the published networks: kernel values on points with both ends included,
    # divided by their sum and by the spacing.
    positions = cluster(4)
    points = np.linspace(1.0, 21.0, 401)
    values = np.exp(-0.5 * ((points[:, None] - pdist(positions)) / 0.2) ** 2).mean(axis=1)
    theirs = values / values.sum() / (points[1] - points[0])
    rdf = RDF(0.975, 21.025, 401, 0.2)
    np.testing.assert_allclose(rdf.centers, points, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(rdf(positions), theirs, rtol=0, atol=VALUE_TOLERANCE * theirs.max())


def test_default_grid_has_340_bins_of_a_twentieth_of_an_angstrom():
    rdf = RDF()
    assert rdf.width == pytest.approx(0.05, abs=1e-15)
    assert rdf.centers.shape == (340,)
    np.testing.assert_allclose(rdf.centers[[0, -1]], [2.025, 18.975], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(np.diff(rdf.centers), 0.05, rtol=0, atol=ROUNDING)
    with pytest.raises(ValueError, match="read-only"):
        rdf.centers[0] = 1.0


def test_for_positions_leaves_room_and_keeps_the_bin_width():
    positions = cluster(6)
    rdf = RDF.for_positions(positions, sigma=0.1)
    distances = pdist(positions)
    assert rdf.width == pytest.approx(0.05, rel=1e-12)
    assert rdf.r_max == np.ceil(1.15 * distances.max())
    assert rdf.r_min == pytest.approx(0.75 * distances.min(), abs=0.1)
    assert rdf.r_min <= 0.75 * distances.min()
    assert rdf.sigma == 0.1
    batch = np.stack([positions, 1.1 * positions])
    assert RDF.for_positions(batch).r_max == np.ceil(1.15 * 1.1 * distances.max())


def test_survives_json_and_pickle():
    rdf = RDF(2, np.float32(18.5), np.int64(330), 0.15)
    assert RDF.from_dict(json.loads(json.dumps(rdf.to_dict()))) == rdf
    rdf(cluster(2))  # builds the tables
    copy = pickle.loads(pickle.dumps(rdf))  # noqa: S301  (our own bytes)
    assert copy == rdf
    assert hash(copy) == hash(rdf)
    np.testing.assert_array_equal(copy(cluster(2)), rdf(cluster(2)))


@njit
def _value_and_gradient(positions, cotangent, grid, g, slope):
    work = make_workspace(positions.shape[0], grid, True)
    off = density(positions, grid, work, True, g)
    return off + gradient(positions, cotangent, grid, work, True, slope)


@pytest.mark.parametrize("shells", [2, 4])
@pytest.mark.parametrize("sigma", [0.2, 0.005])
def test_a_compiled_loop_that_keeps_the_distances_gets_the_same_bits(sigma, shells):
    positions = cluster(shells)
    rdf = RDF(1.5, 20.0, 370, sigma)
    cotangent = np.random.default_rng(5).standard_normal(rdf.n_bins)
    g = np.empty(rdf.n_bins)
    slope = np.empty_like(positions)
    assert _value_and_gradient(positions, cotangent, rdf.grid, g, slope) == 0
    np.testing.assert_array_equal(g, rdf(positions))
    np.testing.assert_array_equal(slope, rdf.vjp(positions, cotangent))
