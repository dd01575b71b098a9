"""A chart as a module of PyTorch alone: from positions to coordinates."""

import math
from typing import Any

import torch
from torch import nn

from nanochart.autoencoder.architectures.network import Network
from nanochart.descriptors import RDF

__all__ = ["ChartModule"]

#: Bandwidths beyond which a Gaussian is left out: 2e-11 of its peak.
_TAIL = 7.0


class ChartModule(nn.Module):
    r"""Chart coordinates of positions, in operations of PyTorch alone; made by `Model.to_torch`.

    .. math::

        g(r_k) = \frac{2}{N (N - 1)} \sum_{i<j} \mathcal{N}(r_k - r_{ij}; \sigma), \qquad
        s = \mathrm{encoder}(g),

    each Gaussian in the bins within :math:`7 \sigma` of its distance. It is differentiable, in
    batches, on any device, by ``torch.export`` and by ``torch.jit.script``; what these write is
    loaded without nanochart. A frame with a distance off the grid of the RDF, of which the chart
    knows nothing, has NaN as its coordinates and gradients, because what is exported cannot raise.

    Parameters
    ----------
    network, rdf
        Of the model; they are copied.
    n_atoms
        Number of atoms.
    unit
        Factor that positions are multiplied by first.
    dtype
        Of the computation and of the coordinates; positions are converted to it.

    Raises
    ------
    TypeError
        If ``dtype`` is not float32 or float64.
    """

    first: torch.Tensor
    second: torch.Tensor
    around: torch.Tensor
    shift: torch.Tensor
    scale: torch.Tensor
    allowed: torch.Tensor

    def __init__(
        self, network: Network, rdf: RDF, n_atoms: int, unit: float, dtype: torch.dtype
    ) -> None:
        super().__init__()
        if dtype not in {torch.float32, torch.float64}:
            raise TypeError(f"the dtype of a chart must be torch.float32 or float64; got {dtype}")
        self.n_atoms, self.n_bins, self.unit = n_atoms, rdf.n_bins, unit
        self.r_min, self.r_max, self.width = rdf.r_min, rdf.r_max, rdf.width
        self.narrowness = rdf.width / rdf.sigma
        self.height = 2.0 / (n_atoms * (n_atoms - 1) * math.sqrt(2.0 * math.pi) * rdf.sigma)
        self.reach = min(math.ceil(_TAIL * rdf.sigma / rdf.width), rdf.n_bins)
        pairs = torch.triu_indices(n_atoms, n_atoms, 1)
        self.register_buffer("first", pairs[0].clone())
        self.register_buffer("second", pairs[1].clone())
        self.register_buffer("around", torch.arange(-self.reach, self.reach + 1))
        self.register_buffer("shift", network.input_shift.to(dtype, copy=True))
        self.register_buffer("scale", network.input_scale.to(dtype, copy=True))
        # Of whether all distances are on the grid: no and yes.
        self.register_buffer("allowed", torch.tensor([math.nan, 1.0], dtype=dtype))
        encoder: Any = network.encoder
        self.encoder = encoder.layers().to(dtype)
        self.dimensions = int(encoder.latent.out_features)
        self.eval().requires_grad_(False)

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """Coordinates (..., d) of positions (..., atom, 3) in Å."""
        if positions.dim() < 2 or positions.size(-1) != 3 or positions.size(-2) != self.n_atoms:
            raise ValueError(
                f"positions for this chart must have the shape (..., {self.n_atoms}, 3); got "
                f"{list(positions.shape)}"
            )
        x = self.unit * positions.to(self.shift.dtype).reshape(-1, self.n_atoms, 3)
        apart = x.index_select(1, self.first) - x.index_select(1, self.second)
        r = (apart * apart).sum(-1).sqrt()
        place = (r - self.r_min) / self.width - 0.5  # in bins, from the centre of the first
        bins = place.detach().round().unsqueeze(-1) + self.around
        gaussians = torch.exp(-0.5 * ((place.unsqueeze(-1) - bins) * self.narrowness) ** 2)
        # Bins beyond both ends take what reaches out of the grid.
        padded = self.n_bins + 2 * self.reach + 2
        index = (bins + (self.reach + 1)).clamp(0, padded - 1).nan_to_num().long()
        empty = torch.zeros([x.size(0), padded], dtype=x.dtype, device=x.device)
        sums = empty.scatter_add(1, index.flatten(1), gaussians.flatten(1))
        g = self.height * sums[:, self.reach + 1 : self.reach + 1 + self.n_bins]
        s = self.encoder(((g - self.shift) / self.scale).unsqueeze(1))
        inside = ((r >= self.r_min) & (r <= self.r_max)).all(dim=1).long()
        # A product, so that the gradient is NaN as well.
        s = s * self.allowed.index_select(0, inside).unsqueeze(1)
        coordinates: torch.Tensor = s.reshape(list(positions.shape[:-2]) + [self.dimensions])  # noqa: RUF005  TorchScript
        return coordinates
