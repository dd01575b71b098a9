"""The radial distribution function as a differentiable PyTorch operation."""

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

__all__ = ["differentiable_rdf"]

Function = Callable[..., NDArray[Any]]


class _Density(torch.autograd.Function):
    """Value and vector-Jacobian product by the compiled kernels, in double precision."""

    @staticmethod
    def forward(ctx: Any, positions: torch.Tensor, value: Function, vjp: Function) -> torch.Tensor:
        ctx.save_for_backward(positions)
        ctx.vjp = vjp
        return torch.from_numpy(value(positions.detach().cpu().numpy())).to(positions)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (positions,) = ctx.saved_tensors
        gradient = ctx.vjp(positions.detach().cpu().numpy(), cotangent.detach().cpu().numpy())
        return torch.from_numpy(gradient).to(positions), None, None


def differentiable_rdf(value: Function, vjp: Function, positions: torch.Tensor) -> torch.Tensor:
    """Values at positions, and their product with a vector and the Jacobian, as one operation.

    See :meth:`nanochart.descriptors.RDF.torch`.
    """
    if getattr(positions, "dtype", None) not in (torch.float32, torch.float64):
        kind = getattr(positions, "dtype", type(positions).__name__)
        raise TypeError(
            f"positions must be a torch tensor of float32 or float64; got {kind} "
            f"(for NumPy arrays call the RDF itself)"
        )
    found: torch.Tensor = _Density.apply(positions, value, vjp)
    return found
