"""A network of any architecture, and the scaling that travels inside it."""

import numpy as np
import torch
from torch import nn

from nanochart.autoencoder.architectures.registry import network_module

__all__ = ["MIN_BINS", "Network", "build_network", "initialize_weights"]

#: Four halvings must leave at least one position.
MIN_BINS = 16


class Network(nn.Module):
    """An encoder and a decoder between scalings of the raw RDF.

    ``latent = encoder((g_in - input_shift) / input_scale)`` and
    ``g_out = decoder(latent) * target_scale + target_shift``, with g in 1/Å, one shift and scale
    per bin. The first linear layer behind, and the last before, the bottleneck are
    ``encoder.latent`` and ``decoder.latent`` in every architecture.
    """

    input_shift: torch.Tensor
    input_scale: torch.Tensor
    target_shift: torch.Tensor
    target_scale: torch.Tensor

    def __init__(self, encoder: nn.Module, decoder: nn.Module, n_bins: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.register_buffer("input_shift", torch.zeros(n_bins))
        self.register_buffer("input_scale", torch.ones(n_bins))
        self.register_buffer("target_shift", torch.zeros(n_bins))
        self.register_buffer("target_scale", torch.ones(n_bins))

    def encode(self, g: torch.Tensor) -> torch.Tensor:
        """Raw RDF (sample, bin) in 1/Å -> latent (sample, d)."""
        latent: torch.Tensor = self.encoder((g - self.input_shift) / self.input_scale)
        return latent

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (sample, d) -> raw RDF (sample, bin) in 1/Å."""
        g: torch.Tensor = self.decoder(latent) * self.target_scale + self.target_shift
        return g

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scaled input (sample, bin) -> scaled reconstruction (sample, bin)."""
        y: torch.Tensor = self.decoder(self.encoder(x))
        return y


def build_network(architecture: str, n_bins: int, bottleneck: int) -> Network:
    """Lay out a network without allocating or drawing its weights (device "meta").

    Parameters
    ----------
    architecture
        One of ``ARCHITECTURES``.
    n_bins
        Bins of the RDF, at least ``MIN_BINS``.
    bottleneck
        Latent dimensions d, at least 1.

    Raises
    ------
    ValueError
        For an unknown name or sizes below the minimum.
    """
    parts = network_module(architecture)
    if n_bins < MIN_BINS:
        raise ValueError(
            f"the number of RDF bins must be at least {MIN_BINS}, because the network halves the "
            f"grid four times; got {n_bins}; use a finer grid or a larger r_max"
        )
    if bottleneck < 1:
        raise ValueError(f"the bottleneck must have at least 1 dimension; got {bottleneck}")
    with torch.device("meta"):
        return Network(parts.Encoder(n_bins, bottleneck), parts.Decoder(n_bins, bottleneck), n_bins)


def initialize_weights(network: Network, random: np.random.Generator) -> None:
    """Allocate the weights and draw them uniformly from ±1/sqrt(fan-in), PyTorch's own rule.

    Drawn from a NumPy generator in a fixed order, so that the global state of PyTorch's random
    numbers is neither used nor changed.
    """
    network.to_empty(device="cpu")
    network.to(torch.float32)
    for shift, scale in (
        (network.input_shift, network.input_scale),
        (network.target_shift, network.target_scale),
    ):
        shift.zero_()
        scale.fill_(1.0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_parameters()
        elif isinstance(module, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
            # PyTorch counts dimension 1 as the fan-in, of transposed convolutions as well.
            bound = 1.0 / np.sqrt(module.weight[0].numel())
            for parameter in (module.weight, module.bias):
                if parameter is None:
                    continue
                draw = random.uniform(-bound, bound, size=tuple(parameter.shape))
                with torch.no_grad():
                    parameter.copy_(torch.from_numpy(draw))
