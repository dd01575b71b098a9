"""Architecture ``compact``: a small, smooth autoencoder whose encoder is cheap inside MD.

Encoder: four stride-2 convolutions of kernel 5 (channels 1-8-16-32-32), SiLU after each, and a
linear layer to the bottleneck. Decoder: the mirror image. No pooling and no batch norm: the latent
is an infinitely differentiable function of the RDF, the same in training and inference, so that
forces derived from it are continuous.

For 340 bins the lengths are 340, 170, 85, 43, 22 (halves rounded up; the mirror returns to the
recorded length) and there are 21,796 parameters with a 3-dimensional bottleneck.
"""

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from nanochart.autoencoder.architectures.compact.convolution import KERNEL, Down, Up, halved

__all__ = ["CHANNELS", "Decoder", "Encoder", "strided_lengths"]

CHANNELS = (1, 8, 16, 32, 32)


def strided_lengths(n_bins: int) -> tuple[int, ...]:
    """Length before and after each strided convolution: 340 -> (340, 170, 85, 43, 22)."""
    lengths = [n_bins]
    for _ in CHANNELS[1:]:
        lengths.append(halved(lengths[-1]))
    return tuple(lengths)


class Encoder(nn.Module):
    """Scaled RDF (sample, bin) -> latent (sample, d)."""

    def __init__(self, n_bins: int, bottleneck: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inner, outer, KERNEL, stride=2, padding=2)
            for inner, outer in pairwise(CHANNELS)
        )
        self.latent = nn.Linear(CHANNELS[-1] * strided_lengths(n_bins)[-1], bottleneck)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode."""
        x = x.T.contiguous()[:, None, :]  # (position, channel, sample) from here on
        for convolution in self.convolutions:
            x = functional.silu(Down.apply(x, convolution.weight, convolution.bias))
        latent: torch.Tensor = self.latent(x.flatten(0, 1).T)
        return latent

    def layers(self) -> nn.Sequential:
        """The same as a copy in layers of PyTorch alone: (sample, 1, bin) -> (sample, d)."""
        own = copy.deepcopy(self)
        # A flat layer here is (channel, position) in place of (position, channel).
        by_position = own.latent.weight.unflatten(1, (-1, CHANNELS[-1]))
        own.latent.weight = nn.Parameter(by_position.transpose(1, 2).flatten(1).contiguous())
        parts = [part for down in own.convolutions for part in (down, nn.SiLU())]
        return nn.Sequential(*parts, nn.Flatten(), own.latent)


class Decoder(nn.Module):
    """Latent (sample, d) -> scaled RDF (sample, bin)."""

    def __init__(self, n_bins: int, bottleneck: int) -> None:
        super().__init__()
        self.lengths = strided_lengths(n_bins)[::-1]
        channels = CHANNELS[::-1]
        self.latent = nn.Linear(bottleneck, channels[0] * self.lengths[0])
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose1d(inner, outer, KERNEL, stride=2, padding=2)
            for inner, outer in pairwise(channels)
        )

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode."""
        x = functional.silu(self.latent(latent)).T.contiguous()
        x = x.view(self.lengths[0], CHANNELS[-1], len(latent))
        last = len(self.convolutions) - 1
        for level, convolution in enumerate(self.convolutions):
            x = Up.apply(x, convolution.weight, convolution.bias, self.lengths[level + 1])
            if level < last:
                x = functional.silu(x)
        return x[:, 0, :].T
