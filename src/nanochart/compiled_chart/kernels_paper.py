"""Architecture ``paper``, compiled: convolutions, max-pool, ReLU and batch norm as plain loops.

In inference a batch norm is an affine map. In double precision; only what the pooling and the ReLU
let pass is followed back.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.options import FAST
from nanochart.compiled_chart.encoder import CompiledEncoder, Weights, scaling

__all__ = ["ENCODER"]


class Tables(NamedTuple):
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


class Workspace(NamedTuple):
    """Layers (layer, position, channel) with room around, and where each maximum came from."""

    x: np.ndarray  # (5, positions, channels)
    source: np.ndarray  # (4, positions, channels) int32: position of the maximum, -1 if cut off
    y: np.ndarray  # (positions, channels)
    below: np.ndarray  # (positions, channels)


def _double(values):
    return np.ascontiguousarray(values, dtype=np.float64)


def _compile(weights: Weights) -> Tables:
    factor, shift = scaling(weights)
    kernels = [weights[f"encoder.convolutions.{k}.weight"] for k in range(4)]
    bias, gain, lift = np.zeros((4, 128)), np.zeros((4, 128)), np.zeros((4, 128))
    shape, start, length = np.zeros((4, 5), dtype=np.int64), 0, len(factor)
    for k, w in enumerate(kernels):
        outer, inner, taps = w.shape
        norm = f"encoder.norms.{k}."
        spread = np.sqrt(weights[norm + "running_var"] + 1e-5)
        gain[k, :outer] = weights[norm + "weight"] / spread
        lift[k, :outer] = weights[norm + "bias"] - gain[k, :outer] * weights[norm + "running_mean"]
        bias[k, :outer] = weights[f"encoder.convolutions.{k}.bias"]
        shape[k] = inner, outer, taps, length, start
        start += w.size
        length //= 2
    latent = weights["encoder.latent.weight"]
    channels = kernels[-1].shape[0]
    by_position = latent.reshape(len(latent), channels, length).transpose(0, 2, 1)
    return Tables(
        _double(factor),
        _double(shift),
        _double(np.concatenate([w.transpose(2, 1, 0).ravel() for w in kernels])),
        _double(np.concatenate([w.transpose(2, 0, 1).ravel() for w in kernels])),
        _double(bias),
        _double(gain),
        _double(lift),
        shape,
        _double(by_position.reshape(len(latent), -1)),
        np.array(weights["encoder.latent.bias"], dtype=np.float64),
    )


@njit(**FAST)
def _make_workspace(tables):
    n = tables.factor.shape[0]
    return Workspace(
        np.zeros((5, n, 128), np.float64),
        np.zeros((4, n, 128), np.int32),
        np.zeros((n, 128), np.float64),
        np.zeros((n, 128), np.float64),
    )


@njit(**FAST)
def _encode(tables, g, filled, work, s):
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


@njit(**FAST)
def _decode(tables, work, slope, filled, cotangent):
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


#: The encoder as the kernels of the chart call it.
ENCODER = CompiledEncoder(Tables, _compile, True, _make_workspace, _encode, _decode)
