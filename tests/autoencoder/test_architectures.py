"""The networks: sizes, published layers, first weights, convolutions."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nanochart.autoencoder import ARCHITECTURES, MIN_BINS, build_network, initialize_weights
from nanochart.autoencoder.architectures.compact.convolution import Down, Up
from nanochart.autoencoder.architectures.paper.network import pooled_lengths


def made_network(architecture, n_bins, bottleneck=3, seed=0):
    network = build_network(architecture, n_bins, bottleneck)
    initialize_weights(network, np.random.default_rng(seed))
    return network.eval()


class TestArchitectures:
    def test_paper_has_the_published_number_of_parameters(self):
        # Layer by layer, from the list in Telari et al. (2025) for 340 bins.
        channels, kernels, flat, d = (1, 128, 64, 32, 16), (20, 15, 10, 5), 336, 3
        pairs = list(zip(channels[:-1], channels[1:], kernels, strict=True))
        weights = 2 * sum(a * b * k for a, b, k in pairs)
        biases = sum(b for _, b, _ in pairs) + sum(a for a, _, _ in pairs)
        norms = 2 * sum(channels[1:]) + 2 * sum(channels[1:-1])
        linear = (flat * d + d) + (d * flat + flat)
        count = sum(p.numel() for p in build_network("paper", 340, d).parameters())
        assert count == weights + biases + norms + linear == 300_708

    def test_paper_flattens_340_bins_to_336(self):
        assert pooled_lengths(340) == (340, 170, 85, 42, 21)
        assert build_network("paper", 340, 3).encoder.latent.in_features == 16 * 21 == 336

    def test_compact_is_small(self):
        assert sum(p.numel() for p in build_network("compact", 340, 3).parameters()) == 21_796

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    @pytest.mark.parametrize("n_bins", [16, 17, 31, 33, 62, 200, 341])
    def test_any_grid_makes_the_round_trip(self, architecture, n_bins):
        network = made_network(architecture, n_bins, bottleneck=2)
        x = torch.zeros(3, n_bins)
        assert network.encode(x).shape == (3, 2)
        assert network(x).shape == (3, n_bins)

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_every_bin_and_weight_matters(self, architecture):
        network = made_network(architecture, 61).double()
        x = torch.tensor(np.random.default_rng(0).random((4, 61)), requires_grad=True)
        (network(x) ** 2).sum().backward()
        parameters = dict(network.named_parameters())
        assert not [name for name, p in parameters.items() if not p.grad.abs().sum() > 0]
        # Max-pool may skip a bin in one sample; none is skipped in all.
        assert (x.grad.abs().sum(0) > 0).all()

    # PyTorch warns that "same" of an even kernel pads by a copy; that is what is compared with.
    @pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
    def test_paper_encoder_is_the_published_list_of_layers(self):
        network = made_network("paper", 340)
        layers = []
        parts = zip(network.encoder.convolutions, network.encoder.norms, strict=True)
        for convolution, norm in parts:
            outer, inner, kernel = convolution.weight.shape
            same = torch.nn.Conv1d(inner, outer, kernel, padding="same")
            same.load_state_dict(convolution.state_dict())
            layers += [same, torch.nn.MaxPool1d(2), torch.nn.ReLU(), norm]
        published = torch.nn.Sequential(*layers, torch.nn.Flatten(), network.encoder.latent)
        x = torch.from_numpy(np.random.default_rng(0).random((2, 340), dtype=np.float32))
        expected = published(x[:, None]).detach()
        assert_allclose(network.encode(x).detach(), expected, rtol=1e-5, atol=1e-6)

    def test_paper_decoder_is_the_published_list_of_layers(self):
        # 336 bins halve without remainder, so that the mirror is "upsample 2" at every level.
        network = made_network("paper", 336)
        latent = torch.tensor([[0.3, -1.0, 2.0]])
        x = torch.relu(network.decoder.latent(latent)).view(1, 16, 21)
        for level, convolution in enumerate(network.decoder.convolutions):
            outer_length = 2 * x.shape[2]
            x = convolution(torch.nn.Upsample(scale_factor=2)(x))
            surplus = x.shape[2] - outer_length  # kernel - 1, one more on the right if it is odd
            x = x[:, :, surplus // 2 : surplus // 2 + outer_length]
            if level < 3:
                x = network.decoder.norms[level](torch.relu(x))
        assert_allclose(network.decode(latent).detach(), x[:, 0].detach(), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_weights_start_as_pytorch_starts_them(self, architecture):
        # So that `paper` trains as the published code does, which keeps PyTorch's defaults.
        random = torch.get_rng_state()
        network = made_network(architecture, 340)
        for module in network.modules():
            if not hasattr(module, "weight") or isinstance(module, torch.nn.BatchNorm1d):
                continue
            ours = {name: p.detach().clone() for name, p in module.named_parameters()}
            module.reset_parameters()
            for name, parameter in module.named_parameters():
                theirs = parameter.detach()
                if theirs.numel() >= 300:  # enough numbers to compare a distribution
                    assert float(ours[name].std() / theirs.std()) == pytest.approx(1.0, abs=0.1)
                    assert float(ours[name].abs().max() / theirs.abs().max()) == pytest.approx(
                        1.0, abs=0.05
                    )
        torch.set_rng_state(random)

    def test_too_few_bins_are_refused(self):
        with pytest.raises(ValueError, match=f"must be at least {MIN_BINS}.*got 15.*finer grid"):
            build_network("compact", 15, 3)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(ValueError, match="'compact' or 'paper'; got 'big'"):
            build_network("big", 340, 3)

    @pytest.mark.parametrize("length", [9, 10])
    def test_convolutions_agree_with_pytorch(self, length):
        random = torch.Generator().manual_seed(0)
        short = (length + 1) // 2
        weight = torch.randn(4, 3, 5, generator=random, dtype=torch.float64)
        bias_4 = torch.randn(4, generator=random, dtype=torch.float64)
        bias_3 = torch.randn(3, generator=random, dtype=torch.float64)
        x = torch.randn(length, 3, 2, generator=random, dtype=torch.float64)
        y = torch.randn(short, 4, 2, generator=random, dtype=torch.float64)
        # PyTorch orders (sample, channel, position).
        down = torch.nn.functional.conv1d(x.permute(2, 1, 0), weight, bias_4, 2, 2)
        up = torch.nn.functional.conv_transpose1d(
            y.permute(2, 1, 0), weight, bias_3, 2, 2, output_padding=1 - length % 2
        )
        assert_allclose(Down.apply(x, weight, bias_4), down.permute(2, 1, 0), atol=1e-12)
        assert_allclose(Up.apply(y, weight, bias_3, length), up.permute(2, 1, 0), atol=1e-12)

    @pytest.mark.parametrize("length", [9, 10])
    def test_convolution_gradients_are_finite_differences(self, length):
        random = torch.Generator().manual_seed(0)

        def draw(*shape):
            values = torch.randn(shape, generator=random, dtype=torch.float64)
            return values.requires_grad_(True)

        short = (length + 1) // 2
        assert torch.autograd.gradcheck(Down.apply, (draw(length, 3, 2), draw(4, 3, 5), draw(4)))
        assert torch.autograd.gradcheck(
            Up.apply, (draw(short, 4, 2), draw(4, 3, 5), draw(3), length)
        )
