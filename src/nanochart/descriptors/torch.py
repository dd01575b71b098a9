"""The radial distribution function as a differentiable PyTorch operation."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from nanochart.descriptors.rdf import RDF

__all__ = ["differentiable_rdf"]


class _Density(torch.autograd.Function):
    """Value and vector-Jacobian product by the compiled kernels, in double precision."""

    @staticmethod
    def forward(ctx: Any, positions: torch.Tensor, rdf: RDF) -> torch.Tensor:
        ctx.save_for_backward(positions)
        ctx.rdf = rdf
        return torch.from_numpy(rdf(positions.detach().cpu().numpy())).to(positions)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None]:
        (positions,) = ctx.saved_tensors
        gradient = ctx.rdf.vjp(positions.detach().cpu().numpy(), cotangent.detach().cpu().numpy())
        return torch.from_numpy(gradient).to(positions), None


def differentiable_rdf(rdf: RDF, positions: torch.Tensor) -> torch.Tensor:
    """See :meth:`nanochart.descriptors.RDF.torch`."""
    if getattr(positions, "dtype", None) not in (torch.float32, torch.float64):
        kind = getattr(positions, "dtype", type(positions).__name__)
        raise TypeError(
            f"positions must be a torch tensor of float32 or float64; got {kind} "
            f"(for NumPy arrays call the RDF itself)"
        )
    value: torch.Tensor = _Density.apply(positions, rdf)
    return value
