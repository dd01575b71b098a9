"""The radial distribution function as a PyTorch operation."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from nanochart.descriptors import RDF


def frames(n=3):
    """A few distorted cubes of eight atoms."""
    corners = np.argwhere(np.ones((2, 2, 2))) * 2.9
    return corners + 0.1 * np.random.default_rng(0).standard_normal((n, 8, 3))


@pytest.mark.parametrize("sigma", [0.2, 0.1])
def test_gradcheck(sigma):
    rdf = RDF(1.5, 7.0, 110, sigma)
    positions = torch.tensor(frames(2), requires_grad=True)
    assert torch.autograd.gradcheck(rdf.torch, (positions,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_are_those_of_the_kernels_in_the_dtype_of_the_positions(dtype):
    rdf = RDF()
    positions = torch.tensor(frames(), dtype=dtype, requires_grad=True)
    g = rdf.torch(positions)
    assert g.dtype == dtype
    assert g.shape == (3, 340)
    cotangent = torch.linspace(-1, 1, 340, dtype=dtype).expand(3, 340)
    (g * cotangent).sum().backward()
    x = positions.detach().numpy()
    np.testing.assert_array_equal(g.detach().numpy(), rdf(x).astype(x.dtype))
    expected = rdf.vjp(x, cotangent.numpy()).astype(x.dtype)
    assert positions.grad.dtype == dtype
    np.testing.assert_array_equal(positions.grad.numpy(), expected)


def test_chains_with_other_operations():
    rdf = RDF()
    base = torch.tensor(frames(1)[0])
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    weights = torch.cos(torch.tensor(rdf.centers.copy()))
    (weights * rdf.torch(scale * base)).sum().backward()
    step = 1e-5
    up, down = ((rdf(f * base.numpy()) * weights.numpy()).sum() for f in (1 + step, 1 - step))
    assert scale.grad.item() == pytest.approx((up - down) / (2 * step), rel=1e-6)


@pytest.mark.parametrize(
    "positions", [frames(), torch.ones((8, 3), dtype=torch.int64), torch.ones(8, 3).half()]
)
def test_only_single_and_double_precision_tensors(positions):
    with pytest.raises(TypeError, match="must be a torch tensor of float32 or float64; got"):
        RDF().torch(positions)


def test_errors_of_the_grid_come_through():
    with pytest.raises(ValueError, match="choose r_max >="):
        RDF().torch(10 * torch.tensor(frames()))


def test_pytorch_is_not_imported_before_it_is_needed():
    code = "import sys, nanochart.descriptors; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
