"""The compiled chart: parity with PyTorch, derivatives, invariances, refusals."""

import numpy as np
import pytest

import nanochart as nc
from helpers.models import untrained
from nanochart.autoencoder import ARCHITECTURES
from nanochart.compiled_chart import CompiledChart
from nanochart.compiled_chart.tables import rdf_tables
from nanochart.descriptors import RDF
from nanochart.errors import ModelError


def frames(n_atoms, seed=0, motif="decahedron"):
    """Thermal, hot and strained configurations (4, atom, 3)."""
    rng = np.random.default_rng(seed)
    x = nc.clusters.build(motif, "Au", n_atoms).positions
    x = x - x.mean(axis=0)
    hot = nc.clusters.build("random", "Au", n_atoms, seed=seed).positions
    return np.stack(
        [x + rng.normal(0, 0.1, x.shape), x + rng.normal(0, 0.15, x.shape), x * [1.08, 1.0, 0.93],
         hot - hot.mean(axis=0)]
    )  # fmt: skip


def relative(found, exact):
    return np.sqrt(((found - exact) ** 2).sum(axis=(1, 2)) / (exact**2).sum(axis=(1, 2)))


def test_what_a_wide_grid_leaves_empty_does_not_depend_on_the_frame_before():
    """Bins that no pair reaches are not computed again: sizes in turn must not leave traces."""
    model = untrained(n_atoms=75, r_max=30.0, n_bins=560)
    x = frames(75)
    spread = np.concatenate([x, 1.6 * x, 0.9 * x])  # from half of the grid to nearly all
    order = np.random.default_rng(0).permutation(len(spread))
    chart = CompiledChart(model)
    s, pull = chart.pull(spread, [0.3, -0.2, 0.1])
    other, turned = chart.pull(spread[order], [0.3, -0.2, 0.1])
    np.testing.assert_array_equal(other, s[order])
    np.testing.assert_array_equal(turned, pull[order])
    exact, jacobian = model.encode_with_jacobian(spread)
    np.testing.assert_allclose(s, exact, atol=1e-5 * np.ptp(exact))
    expected = np.einsum("fdax,d->fax", jacobian, [0.3, -0.2, 0.1])
    assert relative(pull, expected).max() < 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("n_atoms", "n_bins", "bottleneck"), [(147, 340, 3), (75, 301, 2), (38, 64, 1)]
)
def test_values_and_gradients_are_those_of_pytorch(architecture, n_atoms, n_bins, bottleneck):
    model = untrained(architecture, n_bins, bottleneck, n_atoms)
    x = frames(n_atoms)
    slope = np.random.default_rng(1).normal(size=(len(x), bottleneck))
    s, pull = CompiledChart(model).pull(x, slope)
    exact, jacobian = model.encode_with_jacobian(x)
    scale = max(1.0, np.abs(exact).max())
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-5 * scale)
    gradient = np.einsum("nk,nkai->nai", slope, jacobian)
    assert relative(pull, gradient).max() < 1e-4


@pytest.mark.parametrize("n_atoms", [13, 38, 146])
def test_even_and_odd_numbers_of_atoms(n_atoms):
    model = untrained(n_atoms=n_atoms)
    rng = np.random.default_rng(2)
    x = nc.clusters.build("random", "Au", n_atoms, seed=1).positions
    x = x + rng.normal(0, 0.1, (2, n_atoms, 3))
    s, pull = CompiledChart(model).pull(x, [1.0, -0.5, 0.3])
    exact, jacobian = model.encode_with_jacobian(x)
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-5)
    assert relative(pull, np.einsum("k,nkai->nai", [1.0, -0.5, 0.3], jacobian)).max() < 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_is_that_of_the_value_that_is_computed(architecture):
    chart = CompiledChart(untrained(architecture))
    x = frames(147)[:1]
    slope = np.array([0.7, -0.2, 0.4])
    _, pull = chart.pull(x, slope)
    rng = np.random.default_rng(3)
    # Single precision leaves 1e-6 of the value; the pooling of the other has kinks.
    h = 2e-3 if architecture == "compact" else 1e-5
    for _ in range(4):
        direction = rng.normal(size=x.shape)
        ahead, behind = chart.encode(x + h * direction), chart.encode(x - h * direction)
        numeric = float(((ahead - behind) @ slope)[0]) / (2 * h)
        along = float((pull * direction).sum())
        assert abs(numeric - along) < 5e-3 * np.sqrt((pull**2).sum())


def test_the_chart_knows_no_rotation_place_or_numbering():
    from nanochart.testing.potential_laws import random_rotation

    chart = CompiledChart(untrained())
    x = frames(147)[0]
    turned = x @ random_rotation(5).T + np.array([31.0, -12.0, 55.0])
    mixed = x[np.random.default_rng(0).permutation(147)]
    s = chart.encode(np.stack([x, turned, mixed]))
    np.testing.assert_allclose(s, np.tile(s[0], (3, 1)), rtol=0, atol=3e-6)


def test_the_pull_neither_moves_nor_turns_the_cluster():
    x = frames(147)[0]
    _, pull = CompiledChart(untrained()).pull(x, [1.0, 1.0, 1.0])
    size = np.abs(pull).max()
    assert np.abs(pull.sum(axis=0)).max() < 1e-4 * size
    assert np.abs(np.cross(x, pull).sum(axis=0)).max() < 2e-3 * size


def test_lengths_of_another_metal_are_scaled():
    model = untrained(lengths={"Au": 2.88, "Cu": 2.56})
    x = frames(147)[:2] * (2.56 / 2.88)
    s, pull = CompiledChart(model, "Cu").pull(x, [1.0, 0.0, 0.0])
    exact, jacobian = model.encode_with_jacobian(x, "Cu")
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-5)
    assert relative(pull, jacobian[:, 0]).max() < 1e-4


def test_input_is_left_unchanged_and_batches_keep_their_shape():
    chart = CompiledChart(untrained())
    x = frames(147).reshape(2, 2, 147, 3)
    before = x.copy()
    s, pull = chart.pull(x, [1.0, 0.0, 0.0])
    assert s.shape == (2, 2, 3)
    assert pull.shape == x.shape
    np.testing.assert_array_equal(x, before)


def test_a_distance_off_the_grid_is_one_sentence():
    chart = CompiledChart(untrained(r_max=12.0))
    x = frames(147)[:1]
    with pytest.raises(ValueError, match=r"frame 0 must be within the grid of .* 1\.8 to 12 Å"):
        chart.encode(x)
    x = np.full((1, 147, 3), np.nan)
    with pytest.raises(ValueError, match="frame 0 must be within the grid"):
        chart.encode(x)


def test_another_number_of_atoms_is_one_sentence():
    with pytest.raises(
        ModelError, match=r"must have the shape \(\.\.\., 147, 3\); got \(2, 38, 3\)"
    ):
        CompiledChart(untrained()).encode(np.zeros((2, 38, 3)))


def test_a_bandwidth_far_below_the_bins_is_one_sentence():
    with pytest.raises(
        ModelError, match="bandwidth of an RDF inside molecular dynamics must be at"
    ):
        rdf_tables(RDF(2.0, 19.0, 40, 0.02))
