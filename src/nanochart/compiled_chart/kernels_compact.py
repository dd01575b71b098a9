"""Architecture ``compact``, compiled: four strided convolutions with SiLU, as matrix products.

Arrays are ordered (position, channel) with zeros around, so the window of an output position is one
contiguous row. The way back is the adjoint, as in
`nanochart.autoencoder.architectures.compact.convolution`. In single precision. Positions whose
windows hold only bins beyond the filled ones have the activations of an empty RDF, which are
stored, and nothing comes back from them.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nanochart.compiled.lanes.functions import logistic
from nanochart.compiled.lanes.tiles import product_8, product_16, product_32
from nanochart.compiled.memory import aligned, single
from nanochart.compiled.options import FAST, REORDERED
from nanochart.compiled_chart.encoder import CompiledEncoder, Weights, scaling

__all__ = ["ENCODER"]

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Tables(NamedTuple):
    """An encoder ``compact``; (k, c) runs over taps and inner channels, o over outer ones."""

    factor: np.ndarray  # (n_bins,) input = factor * g + shift
    shift: np.ndarray
    down_1: np.ndarray  # (5 * 1 * 8,) w[k, c, o], flat
    down_2: np.ndarray  # (5 * 8 * 16,)
    down_3: np.ndarray  # (5 * 16 * 32,)
    down_4: np.ndarray  # (5 * 32 * 32,)
    bias_1: np.ndarray
    bias_2: np.ndarray
    bias_3: np.ndarray
    bias_4: np.ndarray
    up_1: np.ndarray  # (8 * 8,) w[o, k], the taps filled up to eight
    up_2: np.ndarray  # (3 * 16 * 16,) w[(t, o), (phase, c)]
    up_3: np.ndarray  # (3 * 32 * 32,)
    even_4: np.ndarray  # (3 * 32 * 32,) w[(t, o), c] of the even positions
    odd_4: np.ndarray  # (2 * 32 * 32,) of the odd
    zeros: np.ndarray  # (64,)
    latent: np.ndarray  # (d, flat)
    offset: np.ndarray  # (d,) float64


class Workspace(NamedTuple):
    """Layers with two positions of zeros on either side, derivatives, gradients with one.

    ``empty`` are the layers of an RDF of zeros.
    """

    x_0: np.ndarray
    x_1: np.ndarray
    x_2: np.ndarray
    x_3: np.ndarray
    x_4: np.ndarray
    slope_1: np.ndarray
    slope_2: np.ndarray
    slope_3: np.ndarray
    slope_4: np.ndarray
    y_1: np.ndarray
    y_2: np.ndarray
    y_3: np.ndarray
    y_4: np.ndarray
    out: np.ndarray
    empty_1: np.ndarray
    empty_2: np.ndarray
    empty_3: np.ndarray
    empty_4: np.ndarray


def _compile(weights: Weights) -> Tables:
    kernels = [weights[f"encoder.convolutions.{k}.weight"] for k in range(4)]  # (o, c, tap)
    arrays: tuple[Any, ...] = (
        *(single(part) for part in scaling(weights)),
        *(single(w.transpose(2, 1, 0).ravel()) for w in kernels),
        *(single(weights[f"encoder.convolutions.{k}.bias"]) for k in range(4)),
        single(np.pad(kernels[0][:, 0], ((0, 0), (0, 3))).ravel()),
        *(single(_adjoint(w).ravel()) for w in kernels[1:3]),
        *(single(part.ravel()) for part in _halves(kernels[3])),
        np.zeros(64, np.float32),
        single(weights["encoder.latent.weight"]),
        np.array(weights["encoder.latent.bias"], dtype=np.float64),
    )
    return Tables(*arrays)


def _adjoint(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrix ((t, o), (phase, c)): tap phase + 4 - 2 t, zero for the sixth that does not exist."""
    taps = np.pad(weight, ((0, 0), (0, 0), (0, 1)))
    order = np.array([[phase + 4 - 2 * t for phase in range(2)] for t in range(3)])
    return np.asarray(taps[:, :, order].transpose(2, 0, 3, 1))  # (t, o, phase, c)


def _halves(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same as matrices ((t, o), c) of the phases; the second without its zeros: t = 1, 2."""
    both = _adjoint(weight)
    return both[:, :, 0], both[1:, :, 1]


@njit(**REORDERED)
def _dot(a, b):
    """Σ a b in single precision, in as many partial sums as a vector has."""
    total = _ZERO
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(**FAST)
def _silu(z, x, slope):
    """X = z logistic(z) and its derivative; ``x`` begins where the first position is."""
    for k in range(slope.shape[0]):
        value = z[k]
        s = logistic(value)
        x[k] = value * s
        slope[k] = s * (_ONE + value * (_ONE - s))


@njit(**FAST)
def _make_workspace(tables):
    n0 = tables.factor.shape[0]
    n1 = (n0 + 1) // 2
    n2 = (n1 + 1) // 2
    n3 = (n2 + 1) // 2
    n4 = (n3 + 1) // 2
    work = Workspace(
        aligned(n0 + 4, np.float32),
        aligned((n1 + 4) * 8, np.float32),
        aligned((n2 + 4) * 16, np.float32),
        aligned((n3 + 4) * 32, np.float32),
        aligned(n4 * 32, np.float32),
        aligned(n1 * 8, np.float32),
        aligned(n2 * 16, np.float32),
        aligned(n3 * 32, np.float32),
        aligned(n4 * 32, np.float32),
        aligned((n1 + 2) * 8, np.float32),
        aligned((n2 + 2) * 16, np.float32),
        aligned((n3 + 2) * 32, np.float32),
        aligned((n4 + 2) * 32, np.float32),
        aligned(2 * 32 * (n3 + 2) + 16 * (n1 + 2), np.float32),
        aligned((n1 + 4) * 8, np.float32),
        aligned((n2 + 4) * 16, np.float32),
        aligned((n3 + 4) * 32, np.float32),
        aligned(n4 * 32, np.float32),
    )
    s = np.empty(tables.offset.shape[0])
    _encode(tables, np.zeros(n0, np.float32), n0, work, s)
    work.empty_1[:] = work.x_1
    work.empty_2[:] = work.x_2
    work.empty_3[:] = work.x_3
    work.empty_4[:] = work.x_4
    return work


@njit(**FAST)
def _reached(positions, length):
    """Leading positions of the next layer, of ``length``, whose windows hold some of these."""
    return min((positions + 1) // 2 + 1, length)


@njit(**FAST)
def _activate(z, count, empty, x, slope):
    """SiLU of the first ``count`` numbers of ``z``, into ``x`` and ``slope``; then ``empty``."""
    _silu(z, x, slope[:count])
    x[count:] = empty[count:]


@njit(**FAST)
def _encode(tables, g, filled, work, s):
    x = work.x_0
    for k in range(filled):
        x[2 + k] = tables.factor[k] * g[k] + tables.shift[k]
    for k in range(filled, g.shape[0]):
        x[2 + k] = tables.shift[k]
    out = work.out
    m = _reached(filled, work.slope_1.shape[0] // 8)
    product_8(x, tables.down_1, tables.bias_1, out, m, 0, 0, 2, 8, 5)
    _activate(out, 8 * m, work.empty_1[16:], work.x_1[16:], work.slope_1)
    m = _reached(m, work.slope_2.shape[0] // 16)
    product_16(work.x_1, tables.down_2, tables.bias_2, out, m, 0, 0, 16, 16, 40)
    _activate(out, 16 * m, work.empty_2[32:], work.x_2[32:], work.slope_2)
    m = _reached(m, work.slope_3.shape[0] // 32)
    product_32(work.x_2, tables.down_3, tables.bias_3, out, m, 0, 0, 32, 32, 80)
    _activate(out, 32 * m, work.empty_3[64:], work.x_3[64:], work.slope_3)
    m = _reached(m, work.slope_4.shape[0] // 32)
    product_32(work.x_3, tables.down_4, tables.bias_4, out, m, 0, 0, 64, 32, 160)
    _activate(out, 32 * m, work.empty_4, work.x_4, work.slope_4)
    flat = work.x_4
    for k in range(s.shape[0]):
        s[k] = tables.offset[k] + _dot(tables.latent[k], flat)


@njit(**FAST)
def _product(a, b, out):
    for k in range(out.shape[0]):
        out[k] = a[k] * b[k]


@njit(**FAST)
def _decode(tables, work, slope, filled, cotangent):
    # No position beyond these has part in the gradient of a filled bin.
    m1 = _reached(filled, work.slope_1.shape[0] // 8)
    m2 = _reached(m1, work.slope_2.shape[0] // 16)
    m3 = _reached(m2, work.slope_3.shape[0] // 32)
    m4 = _reached(m3, work.slope_4.shape[0] // 32)
    y, zeros, out = work.y_4, tables.zeros, work.out
    inside = y[32 : 32 * (m4 + 1)]
    inside[:] = _ZERO
    for k in range(slope.shape[0]):
        factor = np.float32(slope[k])
        row = tables.latent[k]
        for i in range(32 * m4):
            inside[i] += factor * row[i]
    _product(inside, work.slope_4, inside)
    product_32(y, tables.even_4, zeros, out, (m3 + 1) // 2, 0, 0, 32, 64, 96)
    product_32(y, tables.odd_4, zeros, out, m3 // 2, 32, 32, 32, 64, 64)
    y = work.y_3
    _product(out, work.slope_3, y[32 : 32 * (m3 + 1)])
    product_32(y, tables.up_3, zeros, out, (m2 + 1) // 2, 0, 0, 32, 32, 96)
    y = work.y_2
    _product(out, work.slope_2, y[16 : 16 * (m2 + 1)])
    product_16(y, tables.up_2, zeros, out, (m1 + 1) // 2, 0, 0, 16, 16, 48)
    y = work.y_1
    _product(out, work.slope_1, y[8 : 8 * (m1 + 1)])
    # Every tap of every position first, then those that meet at a bin.
    product_8(y, tables.up_1, zeros, out, m1, 8, 8, 8, 8, 8)
    out[:8] = _ZERO
    out[8 * (m1 + 1) : 8 * (m1 + 2)] = _ZERO
    for j in range((filled + 1) // 2):
        before, here, after = 8 * j, 8 * (j + 1), 8 * (j + 2)
        even = out[before + 4] + out[here + 2] + out[after]
        cotangent[2 * j] = tables.factor[2 * j] * even
        if 2 * j + 1 < filled:
            odd = out[here + 3] + out[after + 1]
            cotangent[2 * j + 1] = tables.factor[2 * j + 1] * odd


#: The encoder as the kernels of the chart call it.
ENCODER = CompiledEncoder(Tables, _compile, False, _make_workspace, _encode, _decode)
