"""The C++ of a chart: the numbers of the model and of the compiled chart, for all architectures."""

import numpy as np
import pytest

import nanochart as nc
from helpers.cplusplus import compiled, evaluate
from helpers.models import configurations, untrained
from nanochart.autoencoder import ARCHITECTURES
from nanochart.compiled_chart import CompiledChart, chart_source
from nanochart.errors import ModelError
from nanochart.testing.potential_laws import random_rotation

SIZES = {"compact": (147, 340, 3), "paper": (75, 301, 2)}


def relative(found, exact):
    """Errors of gradients (..., atom, 3) as shares of their norms."""
    return np.sqrt(((found - exact) ** 2).sum(axis=(-1, -2)) / (exact**2).sum(axis=(-1, -2)))


@pytest.fixture(scope="module", params=ARCHITECTURES)
def chart(request, tmp_path_factory):
    """A model of each architecture and its compiled source."""
    n_atoms, n_bins, bottleneck = SIZES.get(request.param, (75, 301, 2))
    model = untrained(request.param, n_bins, bottleneck, n_atoms, lengths={"Au": 2.88, "Cu": 2.56})
    return model, compiled(chart_source(model), tmp_path_factory.mktemp(request.param))


def test_values_and_gradients_are_those_of_the_model(chart):
    model, function = chart
    x = configurations(model.n_atoms)
    s, gradient, longest = evaluate(function, x, model.bottleneck)
    exact, jacobian = model.encode_with_jacobian(x)
    # The same splines in the same precision: far below the 1e-5 and 1e-4 that are promised.
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-12)
    assert relative(gradient, jacobian).max() < 1e-10
    apart = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)
    np.testing.assert_allclose(longest, apart.max(axis=(1, 2)))


def test_values_and_gradients_are_those_of_the_compiled_chart(chart):
    model, function = chart
    x = configurations(model.n_atoms, seed=1)
    s, gradient, _ = evaluate(function, x, model.bottleneck)
    slope = np.random.default_rng(1).normal(size=model.bottleneck)
    found, pull = CompiledChart(model).pull(x, slope)
    np.testing.assert_allclose(s, found, rtol=0, atol=1e-5)
    assert relative(np.einsum("k,fkax->fax", slope, gradient), pull).max() < 1e-4


def test_another_metal_is_scaled(chart):
    model, function = chart
    x = configurations(model.n_atoms)[:1] * (2.56 / 2.88)
    s, gradient, _ = evaluate(function, x, model.bottleneck, model.scale("Cu"))
    exact, jacobian = model.encode_with_jacobian(x, "Cu")
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-12)
    assert relative(gradient, jacobian).max() < 1e-10


def test_the_gradient_is_that_of_the_value(chart):
    """By finite differences, and without the model."""
    model, function = chart
    x = configurations(model.n_atoms)[:1]
    _, gradient, _ = evaluate(function, x, model.bottleneck)
    step = 1e-5 * np.random.default_rng(3).normal(size=x.shape)
    ahead, behind = (evaluate(function, x + h * step, model.bottleneck)[0] for h in (1, -1))
    along = np.einsum("fdax,fax->fd", gradient, step)
    size = np.sqrt((gradient**2).sum(axis=(2, 3)) * (step**2).sum())
    assert np.abs((ahead - behind) / 2 - along).max() < 1e-6 * size.max()


def test_rotation_place_and_numbering_do_not_matter(chart):
    model, function = chart
    x = configurations(model.n_atoms)[0]
    order = np.random.default_rng(0).permutation(len(x))
    turned = (x @ random_rotation(5).T + [31.0, -12.0, 55.0])[order]
    s, _, _ = evaluate(function, np.stack([x, turned]), model.bottleneck)
    np.testing.assert_allclose(s[1], s[0], rtol=0, atol=1e-12)


def test_a_frame_leaves_no_trace_in_the_next(chart):
    model, function = chart
    x = configurations(model.n_atoms)
    once = evaluate(function, x, model.bottleneck)
    again = evaluate(function, x[::-1], model.bottleneck)
    for first, second in zip(once, again, strict=True):
        np.testing.assert_array_equal(second[::-1], first)


@pytest.mark.parametrize(("factor", "wrong"), [(2.5, "far"), (0.4, "close"), (np.nan, "no number")])
def test_a_distance_off_the_grid_is_told(chart, factor, wrong):
    model, function = chart
    x = np.ascontiguousarray(factor * configurations(model.n_atoms)[0])
    s, gradient, distance = np.zeros(3), np.zeros((3, *x.shape)), np.zeros(1)
    assert function(x, 1.0, s, gradient, distance) == 1
    assert {"far": distance > 19.0, "close": distance < 1.8, "no number": np.isnan(distance)}[wrong]


def test_both_ends_of_the_grid_are_on_it(tmp_path):
    model = untrained(n_bins=64, bottleneck=1, n_atoms=2)
    function = compiled(chart_source(model), tmp_path)
    x = np.array([[[0.0, 0, 0], [r, 0, 0]] for r in (1.8, 19.0, 10.0)])
    s, gradient, _ = evaluate(function, x, 1)
    exact, jacobian = model.encode_with_jacobian(x)
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradient, jacobian, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("here[3 * d] -= by_r * a", "here[3 * d] += by_r * a"),
        ("logistic * (1.0 + z * (1.0 - logistic))", "logistic"),
        (
            "const double value = scale * by_bin[k]",
            "const double value = scale * scale * by_bin[k]",
        ),
    ],
)
def test_an_error_in_the_source_is_seen(right, wrong, tmp_path):
    """The comparison above can fail: of a source with one wrong line it does."""
    model = untrained(n_bins=64, bottleneck=1, n_atoms=38, lengths={"Au": 2.88, "Cu": 2.56})
    source = chart_source(model)
    assert source.count(right) == 1
    function = compiled(source.replace(right, wrong), tmp_path)
    x = configurations(38) * (2.56 / 2.88)
    _, gradient, _ = evaluate(function, x, 1, model.scale("Cu"))
    _, jacobian = model.encode_with_jacobian(x, "Cu")
    assert relative(gradient, jacobian).max() > 1e-2


def test_a_bandwidth_far_below_the_bins_is_one_sentence():
    model = untrained(n_bins=16)
    object.__setattr__(model, "rdf", nc.descriptors.RDF(1.8, 19.0, 16, 0.02))
    with pytest.raises(ModelError, match="bandwidth of an RDF in C"):
        chart_source(model)
