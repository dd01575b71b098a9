"""A trained model: its canonical latent frame, encoding with Jacobian, errors of frames."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from helpers.small_models import N_ATOMS, RDF_SETTINGS, SPLIT, clusters
from nanochart.autoencoder import (
    ARCHITECTURES,
    Model,
    TrainingConfig,
    build_network,
    initialize_weights,
    train,
)
from nanochart.autoencoder.canonical import canonical_frame, fold_frame
from nanochart.descriptors import RDF
from nanochart.errors import ModelError
from nanochart.landscape import reconstruction_errors


class TestCanonicalFrame:
    def test_training_latents_obey_the_four_rules(self, any_model):
        thermal, quenched = clusters(300)
        part = SPLIT == 0
        s = any_model.encode(thermal[part])
        assert_allclose(s.mean(0), 0.0, atol=1e-4)
        assert_allclose(np.cov(s.T, bias=True), np.eye(2), atol=1e-4)
        g = RDF_SETTINGS(quenched[part])
        deviations = g - g.mean(0)
        response = deviations.T @ s / len(s)
        products = response.T @ response
        assert products[0, 0] > products[1, 1]
        assert abs(products[0, 1]) < 1e-3 * products[0, 0]
        shares = products.diagonal() / (deviations**2).sum(1).mean()
        assert_allclose(any_model.history.axis_contributions, shares, rtol=1e-3)
        skewness = (s**3).mean(0)
        mean_bin = g @ np.arange(40) / g.sum(1)
        slope = s.T @ (mean_bin - mean_bin.mean())
        assert ((skewness >= 0.1) | ((np.abs(skewness) < 0.1) & (slope > 0))).all()

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_folding_does_not_change_the_reconstruction(self, architecture):
        random = np.random.default_rng(0)
        network = build_network(architecture, 40, 3)
        initialize_weights(network, random)
        network.double().eval().requires_grad_(False)
        g = torch.tensor(random.random((50, 40)))
        latent, before = network.encode(g).numpy(), network(g)
        frame = canonical_frame(latent, random.random((50, 40)))
        fold_frame(network, frame)
        assert_allclose(network(g), before, atol=1e-12)
        assert_allclose(network.encode(g), (latent - frame.mean) @ frame.matrix.T, atol=1e-10)

    def test_an_affine_change_of_the_latent_changes_nothing(self):
        random = np.random.default_rng(1)
        latent = random.gamma(1.5, size=(400, 3)) @ random.standard_normal((3, 3))
        targets = np.tanh(latent @ random.standard_normal((3, 20))) + 2.0
        frames = []
        for matrix in (np.eye(3), random.standard_normal((3, 3)), np.diag([1.0, -30.0, 0.01])):
            z = latent @ matrix.T + random.standard_normal(3)
            frame = canonical_frame(z, targets)
            frames.append((z - frame.mean) @ frame.matrix.T)
        assert_allclose(frames[1], frames[0], atol=1e-8)
        assert_allclose(frames[2], frames[0], atol=1e-8)

    def test_a_symmetric_axis_takes_its_sign_from_the_mean_distance(self):
        latent = np.linspace(-1, 1, 101)[:, None]
        bins = np.arange(20)
        targets = np.exp(-0.5 * ((bins - 10 - 2 * latent) / 2) ** 2)
        for sign in (1.0, -1.0):
            frame = canonical_frame(sign * latent, targets)
            assert np.sign(frame.matrix[0, 0]) == sign

    def test_an_empty_dimension_is_not_blown_up(self):
        random = np.random.default_rng(0)
        latent = np.hstack([random.standard_normal((100, 1)), np.full((100, 1), 3.0)])
        frame = canonical_frame(latent, random.random((100, 20)))
        assert np.isfinite(frame.matrix).all()
        assert_allclose(((latent - frame.mean) @ frame.matrix.T).var(0).min(), 0.0, atol=1e-12)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_on_a_plane_the_chart_is_the_principal_components(self, seed):
        # Known answer, whatever the seed: the RDFs lie on a plane, spanned by two modes with skewed
        # amplitudes, so the canonical axes are the principal components with positive skewness.
        random = np.random.default_rng(0)
        amplitudes = (random.gamma(2.0, 1.0, (500, 2)) - 2.0) / np.sqrt(2.0) * [1.0, 0.5]
        r = RDF_SETTINGS.centers
        modes = np.array([np.exp(-((r - 4.0) ** 2)), np.exp(-((r - 7.0) ** 2))])
        g = 3.0 + amplitudes @ modes
        part = np.arange(500) % 5
        split = np.where(part < 3, 0, part - 2)
        config = TrainingConfig(target="self", bottleneck=2, epochs=40, batch_size=32, seed=seed)
        model, _ = train(
            g, None, split, config, rdf=RDF_SETTINGS, element="Au", n_atoms=7, threads=1
        )
        deviations = g - g[split == 0].mean(0)
        _, _, components = np.linalg.svd(deviations[split == 0], full_matrices=False)
        expected = deviations @ components[:2].T
        expected /= expected[split == 0].std(0)
        expected *= np.sign((expected**3).mean(0))
        found = model.encode_rdf(g)
        # A network bends the plane a little; order, directions and signs are those of the plane.
        correlation = np.corrcoef(found.T, expected.T)[:2, 2:]
        assert (correlation.diagonal() > 0.97).all()
        assert np.abs(correlation[0, 1]) < 0.15


class TestEncoding:
    def test_shapes(self, model):
        thermal, _ = clusters(6)
        assert model.encode(thermal[0]).shape == (2,)
        assert model.encode(thermal.reshape(2, 3, N_ATOMS, 3)).shape == (2, 3, 2)
        assert model.encode(thermal[:0]).shape == (0, 2)
        s, ds_dx = model.encode_with_jacobian(thermal.reshape(2, 3, N_ATOMS, 3))
        assert s.shape == (2, 3, 2)
        assert ds_dx.shape == (2, 3, 2, N_ATOMS, 3)
        assert model.decode(s).shape == (2, 3, 40)
        assert (model.n_bins, model.bottleneck, model.target) == (40, 2, "inherent")
        # By hand: the layers of 1-8-16-32-32 channels both ways, and 32 x 3 flat values.
        convolutions = 5 * (8 + 8 * 16 + 16 * 32 + 32 * 32)
        biases = (8 + 16 + 32 + 32) + (32 + 16 + 8 + 1)
        assert model.n_parameters == 2 * convolutions + biases + (96 * 2 + 2) + (2 * 96 + 96)

    def test_a_batch_gives_what_single_frames_give(self, any_model):
        thermal, _ = clusters(600)
        together = any_model.encode(thermal)
        assert_allclose([any_model.encode(x) for x in thermal[::97]], together[::97], atol=1e-10)

    def test_routes_agree(self, any_model):
        thermal, _ = clusters(5)
        s, _ = any_model.encode_with_jacobian(thermal)
        assert_allclose(s, any_model.encode(thermal), atol=1e-12)
        g = RDF_SETTINGS(thermal)
        assert_allclose(any_model.encode_rdf(g), s, atol=1e-12)
        assert_array_equal(any_model.reconstruct_rdf(g), any_model.decode(any_model.encode_rdf(g)))

    def test_jacobian_is_the_finite_difference(self, model):
        # The compact network is smooth; every atom and direction of three frames.
        thermal, _ = clusters(3, seed=4)
        _, ds_dx = model.encode_with_jacobian(thermal)
        h = 1e-4
        for atom in range(N_ATOMS):
            for axis in range(3):
                step = np.zeros((N_ATOMS, 3))
                step[atom, axis] = h
                difference = (model.encode(thermal + step) - model.encode(thermal - step)) / (2 * h)
                scale = np.abs(ds_dx).max()
                assert_allclose(ds_dx[:, :, atom, axis], difference, atol=2e-5 * scale)

    def test_jacobian_of_the_network_with_pooling(self, any_model):
        # Along a line, as max-pool and ReLU have kinks: the mean slope over a small segment.
        thermal, _ = clusters(2, seed=4)
        direction = np.random.default_rng(0).standard_normal(thermal.shape)
        _, ds_dx = any_model.encode_with_jacobian(thermal)
        slope = np.einsum("fkai,fai->fk", ds_dx, direction)
        h = 1e-6
        difference = (
            any_model.encode(thermal + h * direction) - any_model.encode(thermal - h * direction)
        ) / (2 * h)
        assert_allclose(difference, slope, atol=2e-3 * np.abs(slope).max())

    def test_latent_does_not_see_rotation_or_numbering(self, model):
        thermal, _ = clusters(1)
        turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
        moved = (thermal[0] @ turn + [1.0, 2.0, 3.0])[::-1]
        assert_allclose(model.encode(moved), model.encode(thermal[0]), atol=1e-5)

    def test_other_numbers_of_atoms_are_refused(self, model):
        with pytest.raises(ModelError, match=r"model of Au7 .*\(\.\.\., 7, 3\); got \(6, 3\)"):
            model.encode(np.zeros((6, 3)))

    def test_other_grids_are_refused(self, model):
        with pytest.raises(ModelError, match=r"RDFs .* must have 40 numbers.*shape \(2, 41\)"):
            model.encode_rdf(np.zeros((2, 41)))

    def test_nan_is_refused(self, model):
        with pytest.raises(ValueError, match="latent coordinates given to a model must be finite"):
            model.decode([np.nan, 0.0])

    def test_a_network_of_another_architecture_is_refused(self, model):
        """Its compiled chart would read the weights as those of the configured one."""
        other = next(a for a in ARCHITECTURES if a != model.config.architecture)
        with pytest.raises(ModelError, match=f"architecture of its configuration, {other}; got an"):
            replace(model, config=model.config.model_copy(update={"architecture": other}))

    def test_an_rdf_of_another_grid_is_refused(self, model):
        with pytest.raises(ModelError, match="must have the 40 bins of its network; got 340"):
            Model(model.network, model.config, RDF(), "Au", N_ATOMS)


class TestErrorsOfFrames:
    def test_errors_are_root_mean_squares(self, model):
        thermal, quenched = clusters(4)
        g_in, g_out = RDF_SETTINGS(thermal), RDF_SETTINGS(quenched)
        errors = reconstruction_errors(model, g_in, g_out)
        by_hand = [
            np.sqrt(np.mean((model.reconstruct_rdf(a) - b) ** 2))
            for a, b in zip(g_in, g_out, strict=True)
        ]
        assert_allclose(errors, by_hand, rtol=1e-10)
        assert_allclose(
            reconstruction_errors(model, g_in[:2], model.reconstruct_rdf(g_in[:2])), 0.0
        )

    def test_other_shapes_are_refused(self, model):
        with pytest.raises(ValueError, match=r"one shape.*\(2, 40\) and \(40,\)"):
            reconstruction_errors(model, np.ones((2, 40)), np.ones(40))


def test_frames_are_encoded_by_the_threads_of_the_package_and_not_by_those_of_pytorch(model):
    g = np.random.default_rng(0).random((1100, model.n_bins))
    seen, before = [], torch.get_num_threads()
    hook = model.network.encoder.register_forward_pre_hook(
        lambda *_: seen.append((torch.get_num_threads(), threading.current_thread()))
    )
    torch.set_num_threads(3)
    try:
        s = model.encode_rdf(g)
        model.encode_with_jacobian(clusters(2)[0])
        assert torch.get_num_threads() == 3
    finally:
        hook.remove()
        torch.set_num_threads(before)
    assert {threads for threads, _ in seen} == {1}
    assert threading.main_thread() not in {where for _, where in seen[:3]}
    assert_array_equal(
        s, np.concatenate([model.encode_rdf(g[k : k + 512]) for k in (0, 512, 1024)])
    )
