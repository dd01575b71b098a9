"""Architecture ``paper``: the convolutional autoencoder of Telari et al. (2025), layer by layer.

Encoder, four times: convolution with "same" length, max-pool 2, ReLU, batch norm; then flatten and
a linear layer to the bottleneck. Decoder: a linear layer, ReLU, then the mirror image, four times:
upsample to the length that the encoder had there, transposed convolution, ReLU, batch norm
(the last one without the latter two).

For 340 bins the lengths are 340, 170, 85, 42, 21 and the flat layer has 16 * 21 = 336 values.
Max-pool drops the last position of an odd length. The mirror puts it back by upsampling to the
recorded length (nearest neighbour), which is "upsample 2" for even lengths, so any number of bins
works without paddings set by hand.

Source: Telari et al., Rep. Prog. Phys. 88, 068002 (2025), arXiv 2407.17924.
"""

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

__all__ = ["CHANNELS", "KERNELS", "Decoder", "Encoder", "pooled_lengths"]

CHANNELS = (1, 128, 64, 32, 16)
KERNELS = (20, 15, 10, 5)


def pooled_lengths(n_bins: int) -> tuple[int, ...]:
    """Length before and after each max-pool 2: 340 -> (340, 170, 85, 42, 21)."""
    lengths = [n_bins]
    for _ in KERNELS:
        lengths.append(lengths[-1] // 2)
    return tuple(lengths)


class Encoder(nn.Module):
    """Scaled RDF (sample, bin) -> latent (sample, d)."""

    def __init__(self, n_bins: int, bottleneck: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inner, outer, kernel)
            for (inner, outer), kernel in zip(pairwise(CHANNELS), KERNELS, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(outer) for outer in CHANNELS[1:])
        self.latent = nn.Linear(CHANNELS[-1] * pooled_lengths(n_bins)[-1], bottleneck)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encode."""
        x = x[:, None, :]
        for convolution, norm, kernel in zip(self.convolutions, self.norms, KERNELS, strict=True):
            # An even kernel has no middle; the extra zero goes to the right, as PyTorch's "same".
            left = (kernel - 1) // 2
            x = convolution(functional.pad(x, (left, kernel - 1 - left)))
            x = norm(functional.relu(functional.max_pool1d(x, 2)))
        latent: torch.Tensor = self.latent(x.flatten(1))
        return latent

    def layers(self) -> nn.Sequential:
        """The same as a copy in layers of PyTorch alone: (sample, 1, bin) -> (sample, d)."""
        own, parts = copy.deepcopy(self), []
        for convolution, norm, kernel in zip(own.convolutions, own.norms, KERNELS, strict=True):
            left = (kernel - 1) // 2
            padding = nn.ConstantPad1d((left, kernel - 1 - left), 0.0)
            parts += [padding, convolution, nn.MaxPool1d(2), nn.ReLU(), norm]
        return nn.Sequential(*parts, nn.Flatten(), own.latent)


class Decoder(nn.Module):
    """Latent (sample, d) -> scaled RDF (sample, bin)."""

    def __init__(self, n_bins: int, bottleneck: int) -> None:
        super().__init__()
        self.lengths = pooled_lengths(n_bins)[::-1]
        channels = CHANNELS[::-1]
        self.latent = nn.Linear(bottleneck, channels[0] * self.lengths[0])
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose1d(inner, outer, kernel)
            for (inner, outer), kernel in zip(pairwise(channels), KERNELS[::-1], strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(outer) for outer in channels[1:-1])

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode."""
        x = functional.relu(self.latent(latent))
        x = x.view(len(x), CHANNELS[-1], self.lengths[0])
        for level, convolution in enumerate(self.convolutions):
            length, kernel = self.lengths[level + 1], KERNELS[::-1][level]
            left = (kernel - 1) // 2
            x = convolution(functional.interpolate(x, size=length, mode="nearest"))
            x = x[:, :, left : left + length]
            if level < len(self.norms):
                x = self.norms[level](functional.relu(x))
        return x[:, 0, :]
