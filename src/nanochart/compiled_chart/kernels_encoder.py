"""Compiled encoder: scaled RDF -> chart coordinates, and its vector-Jacobian product.

Architecture ``compact``: four strided convolutions with SiLU, as tiles of matrix products. Arrays
are ordered (position, channel) with zeros around, so the window of an output position is one
contiguous row. The way back is the adjoint, as in
`nanochart.autoencoder.architectures.convolution`. In single precision. Positions whose windows hold
only bins beyond the filled ones have the activations of an empty RDF, which are stored, and nothing
comes back from them.

Architecture ``paper``: convolutions, max-pool, ReLU and the affine map that batch norm is in
inference, as plain loops in double precision; only what the pooling and the ReLU let pass is
followed back.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from nanochart.compiled.lanes_single import (
    tile_1x8,
    tile_1x16,
    tile_1x32,
    tile_6x32,
    tile_8x8,
    tile_8x16,
)
from nanochart.compiled_chart.kernels_rdf import aligned

__all__ = [
    "CompactTables", "CompactWorkspace", "PaperTables", "PaperWorkspace", "decode_slope",
    "encode_bins", "make_encoder_workspace",
]  # fmt: skip

_OPTIONS = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},
}
_F = np.float32
_ZERO, _HALF, _ONE = _F(0.0), _F(0.5), _F(1.0)


class CompactTables(NamedTuple):
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


class CompactWorkspace(NamedTuple):
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


class PaperTables(NamedTuple):
    """An encoder ``paper``."""

    factor: np.ndarray  # (n_bins,) input = factor * g + shift
    shift: np.ndarray
    forward: np.ndarray  # flat weights of all layers, each (k, c, o)
    backward: np.ndarray  # the same, each (k, o, c)
    bias: np.ndarray  # (4, 128)
    gain: np.ndarray  # (4, 128) batch norm: gain * y + lift
    lift: np.ndarray
    shape: np.ndarray  # (4, 5) inner and outer channels, kernel, length before, start of weights
    latent: np.ndarray  # (d, flat) in the order (position, channel)
    offset: np.ndarray  # (d,) float64


class PaperWorkspace(NamedTuple):
    """Layers (layer, position, channel) with room around, and where each maximum came from."""

    x: np.ndarray  # (5, positions, channels)
    source: np.ndarray  # (4, positions, channels) int32: position of the maximum, -1 if cut off
    y: np.ndarray  # (positions, channels)
    below: np.ndarray  # (positions, channels)


@intrinsic
def _bits(typingctx, value):
    """Bit pattern of a float32, as int32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def _float(typingctx, bits):
    """float32 with this bit pattern (int32)."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


_ROUND = _F(12582912.0)
_LOG2E = _F(-1.4426950408889634)
_LIMIT = _F(120.0)
_E6, _E5, _E4 = _F(1.5403530393381609e-4), _F(1.3333558146428443e-3), _F(9.618129107628477e-3)
_E3, _E2, _E1 = _F(5.550410866482158e-2), _F(2.402265069591007e-1), _F(6.931471805599453e-1)
_SHIFT, _UNIT = np.int32(23), np.int32(0x3F800000)


@njit(nogil=True, inline="always", error_model="numpy")
def _logistic(z):
    """1 / (1 + exp(-z)) in single precision."""
    x = min(max(z * _LOG2E, -_LIMIT), _LIMIT)
    t = x + _ROUND
    f = x - (t - _ROUND)
    p = _E6 * f + _E5
    p = p * f + _E4
    p = p * f + _E3
    p = p * f + _E2
    p = p * f + _E1
    p = p * f + _ONE
    return _ONE / (_ONE + p * _float((_bits(t) << _SHIFT) + _UNIT))


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _dot(a, b):
    """Σ a b in single precision, in as many partial sums as a vector has."""
    total = _ZERO
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(**_OPTIONS)
def _silu(z, x, slope):
    """X = z logistic(z) and its derivative; ``x`` begins where the first position is."""
    for k in range(slope.shape[0]):
        value = z[k]
        s = _logistic(value)
        x[k] = value * s
        slope[k] = s * (_ONE + value * (_ONE - s))


@njit(**_OPTIONS)
def _rows_8(x, weights, bias, out, count, start, stride, depth):
    """``count`` positions of 8 channels from the windows of ``x``, which begin at ``start``."""
    p = 0
    while p + 8 <= count:
        tile_8x8(x, weights, bias, out, start + stride * p, start + 8 * p, stride, 8, depth)
        p += 8
    while p < count:
        tile_1x8(x, weights, bias, out, start + stride * p, start + 8 * p, stride, 8, depth)
        p += 1


@njit(**_OPTIONS)
def _rows_16(x, weights, bias, out, count, at, to, stride, jump, depth):
    """``count`` positions of 16 channels, each ``jump`` on, from windows each ``stride`` on."""
    p = 0
    while p + 8 <= count:
        tile_8x16(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
        p += 8
    while p < count:
        tile_1x16(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
        p += 1


@njit(**_OPTIONS)
def _rows_32(x, weights, bias, out, count, at, to, stride, jump, depth):
    """``count`` positions of 32 channels, each ``jump`` on, from windows each ``stride`` on."""
    p = 0
    while p + 6 <= count:
        tile_6x32(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
        p += 6
    while p < count:
        tile_1x32(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
        p += 1


def encode_bins(tables, g, filled, work, s):
    """Chart coordinates ``s`` (d,) of an RDF ``g`` (n_bins,); keeps what the way back needs.

    ``g`` is zero from the bin ``filled`` on.
    """
    raise NotImplementedError  # compiled only


def decode_slope(tables, work, slope, filled, cotangent):
    """Gradient of Σ_k slope[k] s[k] with respect to the RDF, into ``cotangent`` (n_bins,).

    For the ``filled`` of the last ``encode_bins``; what is beyond has no meaning.
    """
    raise NotImplementedError  # compiled only


def make_encoder_workspace(tables):
    """Scratch arrays of an encoder."""
    raise NotImplementedError  # compiled only


@njit(**_OPTIONS)
def _compact_workspace(tables):
    n0 = tables.factor.shape[0]
    n1 = (n0 + 1) // 2
    n2 = (n1 + 1) // 2
    n3 = (n2 + 1) // 2
    n4 = (n3 + 1) // 2
    work = CompactWorkspace(
        aligned(n0 + 4),
        aligned((n1 + 4) * 8),
        aligned((n2 + 4) * 16),
        aligned((n3 + 4) * 32),
        aligned(n4 * 32),
        aligned(n1 * 8),
        aligned(n2 * 16),
        aligned(n3 * 32),
        aligned(n4 * 32),
        aligned((n1 + 2) * 8),
        aligned((n2 + 2) * 16),
        aligned((n3 + 2) * 32),
        aligned((n4 + 2) * 32),
        aligned(2 * 32 * (n3 + 2) + 16 * (n1 + 2)),
        aligned((n1 + 4) * 8),
        aligned((n2 + 4) * 16),
        aligned((n3 + 4) * 32),
        aligned(n4 * 32),
    )
    s = np.empty(tables.offset.shape[0])
    _compact_forward(tables, np.zeros(n0, np.float32), n0, work, s)
    work.empty_1[:] = work.x_1
    work.empty_2[:] = work.x_2
    work.empty_3[:] = work.x_3
    work.empty_4[:] = work.x_4
    return work


@njit(**_OPTIONS)
def _reached(positions, length):
    """Leading positions of the next layer, of ``length``, whose windows hold some of these."""
    return min((positions + 1) // 2 + 1, length)


@njit(**_OPTIONS)
def _activate(z, count, empty, x, slope):
    """SiLU of the first ``count`` numbers of ``z``, into ``x`` and ``slope``; then ``empty``."""
    _silu(z, x, slope[:count])
    x[count:] = empty[count:]


@njit(**_OPTIONS)
def _compact_forward(tables, g, filled, work, s):
    x = work.x_0
    for k in range(filled):
        x[2 + k] = tables.factor[k] * g[k] + tables.shift[k]
    for k in range(filled, g.shape[0]):
        x[2 + k] = tables.shift[k]
    out = work.out
    m = _reached(filled, work.slope_1.shape[0] // 8)
    _rows_8(x, tables.down_1, tables.bias_1, out, m, 0, 2, 5)
    _activate(out, 8 * m, work.empty_1[16:], work.x_1[16:], work.slope_1)
    m = _reached(m, work.slope_2.shape[0] // 16)
    _rows_16(work.x_1, tables.down_2, tables.bias_2, out, m, 0, 0, 16, 16, 40)
    _activate(out, 16 * m, work.empty_2[32:], work.x_2[32:], work.slope_2)
    m = _reached(m, work.slope_3.shape[0] // 32)
    _rows_32(work.x_2, tables.down_3, tables.bias_3, out, m, 0, 0, 32, 32, 80)
    _activate(out, 32 * m, work.empty_3[64:], work.x_3[64:], work.slope_3)
    m = _reached(m, work.slope_4.shape[0] // 32)
    _rows_32(work.x_3, tables.down_4, tables.bias_4, out, m, 0, 0, 64, 32, 160)
    _activate(out, 32 * m, work.empty_4, work.x_4, work.slope_4)
    flat = work.x_4
    for k in range(s.shape[0]):
        s[k] = tables.offset[k] + _dot(tables.latent[k], flat)


@njit(**_OPTIONS)
def _product(a, b, out):
    for k in range(out.shape[0]):
        out[k] = a[k] * b[k]


@njit(**_OPTIONS)
def _compact_backward(tables, work, slope, filled, cotangent):
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
    _rows_32(y, tables.even_4, zeros, out, (m3 + 1) // 2, 0, 0, 32, 64, 96)
    _rows_32(y, tables.odd_4, zeros, out, m3 // 2, 32, 32, 32, 64, 64)
    y = work.y_3
    _product(out, work.slope_3, y[32 : 32 * (m3 + 1)])
    _rows_32(y, tables.up_3, zeros, out, (m2 + 1) // 2, 0, 0, 32, 32, 96)
    y = work.y_2
    _product(out, work.slope_2, y[16 : 16 * (m2 + 1)])
    _rows_16(y, tables.up_2, zeros, out, (m1 + 1) // 2, 0, 0, 16, 16, 48)
    y = work.y_1
    _product(out, work.slope_1, y[8 : 8 * (m1 + 1)])
    # Every tap of every position first, then those that meet at a bin.
    _rows_8(y, tables.up_1, zeros, out, m1, 8, 8, 8)
    out[:8] = _ZERO
    out[8 * (m1 + 1) : 8 * (m1 + 2)] = _ZERO
    for j in range((filled + 1) // 2):
        before, here, after = 8 * j, 8 * (j + 1), 8 * (j + 2)
        even = out[before + 4] + out[here + 2] + out[after]
        cotangent[2 * j] = tables.factor[2 * j] * even
        if 2 * j + 1 < filled:
            odd = out[here + 3] + out[after + 1]
            cotangent[2 * j + 1] = tables.factor[2 * j + 1] * odd


@njit(**_OPTIONS)
def _paper_workspace(tables):
    n = tables.factor.shape[0]
    return PaperWorkspace(
        np.zeros((5, n, 128), np.float64),
        np.zeros((4, n, 128), np.int32),
        np.zeros((n, 128), np.float64),
        np.zeros((n, 128), np.float64),
    )


@njit(**_OPTIONS)
def _paper_forward(tables, g, filled, work, s):
    for k in range(g.shape[0]):
        work.x[0, k, 0] = tables.factor[k] * g[k] + tables.shift[k]
    length = g.shape[0]
    for layer in range(4):
        inner, outer, kernel, length, start = tables.shape[layer]
        left = (kernel - 1) // 2
        x, z, following, source = work.x[layer], work.y, work.x[layer + 1], work.source[layer]
        for p in range(length):
            out = z[p, :outer]
            out[:] = tables.bias[layer, :outer]
            for k in range(max(0, left - p), min(kernel, length + left - p)):
                for c in range(inner):
                    value = x[p + k - left, c]
                    at = start + (k * inner + c) * outer
                    row = tables.forward[at : at + outer]
                    for o in range(outer):
                        out[o] += value * row[o]
        for p in range(length // 2):
            for o in range(outer):
                at = 2 * p if z[2 * p, o] >= z[2 * p + 1, o] else 2 * p + 1
                value = z[at, o]
                source[p, o] = at if value > 0.0 else -1
                following[p, o] = tables.gain[layer, o] * max(value, 0.0) + tables.lift[layer, o]
    length = length // 2
    outer = tables.shape[3, 1]
    for k in range(s.shape[0]):
        total = tables.offset[k]
        for p in range(length):
            for o in range(outer):
                total += tables.latent[k, p * outer + o] * work.x[4, p, o]
        s[k] = total


@njit(**_OPTIONS)
def _paper_backward(tables, work, slope, filled, cotangent):
    y, below = work.y, work.below
    outer = tables.shape[3, 1]
    for p in range(tables.shape[3, 3] // 2):
        for o in range(outer):
            total = 0.0
            for k in range(slope.shape[0]):
                total += slope[k] * tables.latent[k, p * outer + o]
            y[p, o] = total
    for layer in range(3, -1, -1):
        inner, outer, kernel, length, start = tables.shape[layer]
        left = (kernel - 1) // 2
        source = work.source[layer]
        below[:length, :inner] = 0.0
        for p in range(length // 2):
            for o in range(outer):
                at = source[p, o]
                if at < 0:
                    continue
                value = tables.gain[layer, o] * y[p, o]
                for k in range(max(0, left - at), min(kernel, length + left - at)):
                    out = below[at + k - left, :inner]
                    first = start + (k * outer + o) * inner
                    row = tables.backward[first : first + inner]
                    for c in range(inner):
                        out[c] += value * row[c]
        y[:length, :inner] = below[:length, :inner]
    for k in range(cotangent.shape[0]):
        cotangent[k] = tables.factor[k] * y[k, 0]


def _of(kind, compact, paper):
    """The function for the tables of a network, by their type."""
    name = getattr(kind, "instance_class", None)
    return {CompactTables: compact, PaperTables: paper}.get(name)


@overload(make_encoder_workspace)
def _make_encoder_workspace(tables):
    found = _of(tables, _compact_workspace, _paper_workspace)
    return found and (lambda tables: found(tables))


@overload(encode_bins)
def _encode_bins(tables, g, filled, work, s):
    found = _of(tables, _compact_forward, _paper_forward)
    return found and (lambda tables, g, filled, work, s: found(tables, g, filled, work, s))


@overload(decode_slope)
def _decode_slope(tables, work, slope, filled, cotangent):
    found = _of(tables, _compact_backward, _paper_backward)
    return found and (
        lambda tables, work, slope, filled, cotangent: found(tables, work, slope, filled, cotangent)
    )
