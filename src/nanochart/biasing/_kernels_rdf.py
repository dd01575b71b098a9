"""Compiled radial distribution function inside a step of dynamics: single precision, sixteen pairs.

The scheme is that of `nanochart.descriptors._kernels` with cubic B-splines, whose knots are an
eighth of the bandwidth apart: the value errs by 3e-6 of the peak of a Gaussian and the gradient by
1e-4 of the peak of its slope, with signs that alternate along a knot interval. Four moments of a
cell are one vector of 128 bits. Pairs are visited in blocks of sixteen atoms i, and for each block
along all shifts d, so that the sums of the block's own atoms stay in registers.

The gradient is the exact derivative of the value that is computed, but for rounding.

An encoder that decides, by a maximum or a ReLU, needs more than that: where two bins are nearly
equal, rounding would choose. It gets `ExactTables`, the same functions in double precision by the
kernels of `nanochart.descriptors`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.biasing._kernels_lanes import collect_pairs, place_pairs, push_pairs
from nanochart.descriptors._kernels import Grid, Workspace, density, gradient, make_workspace

__all__ = [
    "ExactTables", "RDFTables", "RDFWorkspace", "make_rdf_workspace", "rdf_gradient", "rdf_values",
]  # fmt: skip

_OPTIONS = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},
}
_ZERO = np.float32(0.0)


class RDFTables(NamedTuple):
    """An RDF as the kernels see it. Lengths in Å."""

    scale: float  # positions are multiplied by it first
    r_min: np.float32  # lower edge of the first bin, and first knot
    spacing: np.float32  # of the knots
    n_bins: int
    phases: int  # knot intervals per bin
    origin: int  # index in the weights of the first B-spline that is not zero in cell 0
    taps: np.ndarray  # (phases, A) float32, coefficient of the B-spline phases * (k + a) + phase
    spline: np.ndarray  # (4, 4) float32, coefficient of t**q of the B-spline i, [i, q]
    slope: np.ndarray  # (4, 4) float32, the same of its derivative with respect to t, [q, i]


class ExactTables(NamedTuple):
    """An RDF in double precision; positions are multiplied by ``scale`` first."""

    scale: float
    grid: Grid


class ExactWorkspace(NamedTuple):
    """Scratch arrays in double precision."""

    inner: Workspace
    x: np.ndarray  # (N, 3)
    pull: np.ndarray  # (N, 3)
    g: np.ndarray  # (n_bins,)
    cotangent: np.ndarray  # (n_bins,)


class RDFWorkspace(NamedTuple):
    """Scratch arrays for N atoms, float32; L = N rounded up to sixteens, M = cells likewise."""

    x: np.ndarray  # (3 * 2L,) coordinates, periodically repeated
    first: np.ndarray  # (3 * 2L,) gradient sums of the atoms i of the pairs (i, i + d)
    second: np.ndarray  # (3 * 2L,) of the atoms i + d
    rows: np.ndarray  # (L * N/2,) uint32, four times the cell of each pair
    t: np.ndarray  # (L * N/2,) place within it
    moments: np.ndarray  # (4 * M * 4,) four copies of the moments of each cell; then slopes
    by_power: np.ndarray  # (4, M) the same, power by power
    weights: np.ndarray  # (origin + M + 4 or more,) weights of the B-splines
    by_phase: np.ndarray  # (phases, n_bins + A)
    bins: np.ndarray  # (n_bins + 2A,) a cotangent between zeros
    g: np.ndarray  # (n_bins,) the RDF in 1/Å
    cotangent: np.ndarray  # (n_bins,) of the bins


@njit(**_OPTIONS)
def _sixteens(n):
    return (n + 15) // 16 * 16


@njit(**_OPTIONS)
def aligned(n):
    """Zeros in single precision that start at a cache line."""
    memory = np.zeros(n + 16, np.float32)
    skip = (64 - memory.ctypes.data % 64) % 64 // 4
    return memory[skip : skip + n]


@njit(**_OPTIONS)
def _fast_workspace(n, tables):
    """Allocate a workspace for ``n`` atoms."""
    length = _sixteens(n)
    cells = _sixteens(tables.n_bins * tables.phases + 2)
    taps = tables.taps.shape[1]
    reach = tables.n_bins + taps
    return RDFWorkspace(
        aligned(6 * length),
        aligned(6 * length),
        aligned(6 * length),
        np.zeros(length * max(n // 2, 1), np.uint32),
        aligned(length * max(n // 2, 1)),
        aligned(16 * cells),
        np.zeros((4, cells), np.float32),
        np.zeros(max(tables.phases * reach, tables.origin + cells + 8), np.float32),
        np.zeros((tables.phases, reach), np.float32),
        np.zeros(tables.n_bins + 2 * taps, np.float32),
        np.zeros(tables.n_bins, np.float32),
        np.zeros(tables.n_bins, np.float32),
    )


@njit(**_OPTIONS)
def _load(positions, scale, x):
    """Write rows (3, atom) less their mean, repeated periodically to the end of each row."""
    n = positions.shape[1]
    stride = x.shape[0] // 3
    for c in range(3):
        source = positions[c]
        mean = 0.0
        for i in range(n):
            mean += source[i]
        mean /= n
        row = x[c * stride : (c + 1) * stride]
        for i in range(n):
            row[i] = scale * (source[i] - mean)
        for i in range(n, stride):
            row[i] = row[i - n]


@njit(**_OPTIONS)
def _combine(rows, factors, out):
    """out[m] += Σ_q factors[q] rows[q, m]."""
    f0, f1, f2, f3 = factors[0], factors[1], factors[2], factors[3]
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    for m in range(out.shape[0]):
        out[m] += (f0 * r0[m] + f1 * r1[m]) + (f2 * r2[m] + f3 * r3[m])


@njit(**_OPTIONS)
def _correlate(line, taps, out):
    """out[k] += Σ_a taps[a] line[k + a]; the number of taps is a multiple of eight."""
    for a in range(0, taps.shape[0], 8):
        f0, f1, f2, f3 = taps[a], taps[a + 1], taps[a + 2], taps[a + 3]
        f4, f5, f6, f7 = taps[a + 4], taps[a + 5], taps[a + 6], taps[a + 7]
        part = line[a:]
        for k in range(out.shape[0]):
            low = (f0 * part[k] + f1 * part[k + 1]) + (f2 * part[k + 2] + f3 * part[k + 3])
            high = (f4 * part[k + 4] + f5 * part[k + 5]) + (f6 * part[k + 6] + f7 * part[k + 7])
            out[k] += low + high


@njit(**_OPTIONS)
def _fast_values(tables, positions, work):
    """RDF of one cluster into ``work.g``.

    Parameters
    ----------
    tables, work
        Of the RDF.
    positions
        Rows (3, atom) in Å.

    Returns
    -------
    off
        0, or 1 if a distance is off the grid: then ``work.g`` means nothing.
    """
    n = positions.shape[1]
    cells = tables.n_bins * tables.phases
    x, rows, t, moments = work.x, work.rows, work.t, work.moments
    _load(positions, tables.scale, x)
    moments[:] = _ZERO
    copy = moments.shape[0] // 4
    stride = x.shape[0] // 3
    per_block = 16 * (n // 2)
    inverse = np.float32(1.0) / tables.spacing
    top = np.float32(cells)
    off = 0
    for block in range((n + 15) // 16):
        part = rows[block * per_block : (block + 1) * per_block]
        places = t[block * per_block : (block + 1) * per_block]
        off |= place_pairs(x, part, places, 16 * block, n, stride, tables.r_min, inverse, top)
        collect_pairs(moments, part, places, per_block, copy)
    if off:
        return 1
    for k in range(copy):
        low = moments[k] + moments[copy + k]
        moments[k] = low + (moments[2 * copy + k] + moments[3 * copy + k])
    moments[4 * (cells + 1) : copy] = _ZERO  # what is no pair
    by_power = work.by_power
    for m in range(by_power.shape[1]):
        for q in range(4):
            by_power[q, m] = moments[4 * m + q]
    weights = work.weights
    weights[:] = _ZERO
    for i in range(4):
        start = tables.origin + i
        _combine(by_power, tables.spline[i], weights[start : start + by_power.shape[1]])
    g = work.g
    g[:] = _ZERO
    for phase in range(tables.phases):
        line = work.by_phase[phase]
        for a in range(line.shape[0]):
            line[a] = weights[a * tables.phases + phase]
        _correlate(line, tables.taps[phase], g)
    factor = np.float32(2.0 / (n * (n - 1)))
    for k in range(g.shape[0]):
        g[k] *= factor
    return 0


@njit(**_OPTIONS)
def _fast_gradient(tables, work, n, forces):
    """Subtract the gradient of Σ_k work.cotangent[k] g[k] from ``forces`` (3, N).

    For the positions of the last ``rdf_values``.
    """
    cells = tables.n_bins * tables.phases
    taps = tables.taps.shape[1]
    bins = work.bins
    factor = np.float32(2.0 * tables.scale / (n * (n - 1) * tables.spacing))
    for k in range(tables.n_bins):
        bins[taps + k] = factor * work.cotangent[k]
    weights = work.weights
    weights[:] = _ZERO
    for phase in range(tables.phases):
        line = work.by_phase[phase]
        line[:] = _ZERO
        # Σ_a taps[a] bins[k - a] is a correlation with the taps in the opposite order.
        _correlate(bins[1:], tables.taps[phase, ::-1], line)
        for a in range(line.shape[0]):
            weights[a * tables.phases + phase] = line[a]
    by_power = work.by_power
    slope = tables.slope
    for q in range(3):
        f0, f1, f2, f3 = slope[q, 0], slope[q, 1], slope[q, 2], slope[q, 3]
        part = weights[tables.origin :]
        row = by_power[q]
        for m in range(row.shape[0]):
            row[m] = (f0 * part[m] + f1 * part[m + 1]) + (f2 * part[m + 2] + f3 * part[m + 3])
    slopes = work.moments
    for m in range(by_power.shape[1]):
        for q in range(3):
            slopes[4 * m + q] = by_power[q, m]
        slopes[4 * m + 3] = _ZERO
    slopes[4 * (cells + 1) : 4 * by_power.shape[1]] = _ZERO  # what is no pair
    x, first, second = work.x, work.first, work.second
    first[:] = _ZERO
    second[:] = _ZERO
    stride = x.shape[0] // 3
    per_block = 16 * (n // 2)
    middle = tables.r_min + np.float32(0.5) * tables.spacing
    for block in range((n + 15) // 16):
        part = work.rows[block * per_block : (block + 1) * per_block]
        places = work.t[block * per_block : (block + 1) * per_block]
        push_pairs(
            first, second, x, slopes, part, places, 16 * block, n, stride, middle, tables.spacing
        )
    for c in range(3):
        out, start = forces[c], stride * c
        for i in range(n):
            out[i] -= first[start + i] + (second[start + i] + second[start + n + i])


@njit(**_OPTIONS)
def _exact_workspace(n, tables):
    bins = tables.grid.n_bins
    return ExactWorkspace(
        make_workspace(n, tables.grid, True),
        np.zeros((n, 3)),
        np.zeros((n, 3)),
        np.zeros(bins),
        np.zeros(bins),
    )


@njit(**_OPTIONS)
def _exact_values(tables, positions, work):
    for c in range(3):
        for i in range(positions.shape[1]):
            work.x[i, c] = tables.scale * positions[c, i]
    return density(work.x, tables.grid, work.inner, True, work.g)


@njit(**_OPTIONS)
def _exact_gradient(tables, work, n, forces):
    gradient(work.x, work.cotangent, tables.grid, work.inner, True, work.pull)
    for c in range(3):
        for i in range(n):
            forces[c, i] -= tables.scale * work.pull[i, c]


def make_rdf_workspace(n, tables):
    """Scratch arrays of an RDF for ``n`` atoms."""
    raise NotImplementedError  # compiled only


def rdf_values(tables, positions, work):
    """RDF of rows (3, N) in Å into ``work.g``; 1 if a distance is off the grid, else 0."""
    raise NotImplementedError  # compiled only


def rdf_gradient(tables, work, n, forces):
    """Subtract the gradient of Σ_k work.cotangent[k] g[k] from ``forces`` (3, N).

    For the positions of the last ``rdf_values``.
    """
    raise NotImplementedError  # compiled only


def _of(kind, fast, exact):
    name = getattr(kind, "instance_class", None)
    return {RDFTables: fast, ExactTables: exact}.get(name)


@overload(make_rdf_workspace)
def _make_rdf_workspace(n, tables):
    found = _of(tables, _fast_workspace, _exact_workspace)
    return found and (lambda n, tables: found(n, tables))


@overload(rdf_values)
def _rdf_values(tables, positions, work):
    found = _of(tables, _fast_values, _exact_values)
    return found and (lambda tables, positions, work: found(tables, positions, work))


@overload(rdf_gradient)
def _rdf_gradient(tables, work, n, forces):
    found = _of(tables, _fast_gradient, _exact_gradient)
    return found and (lambda tables, work, n, forces: found(tables, work, n, forces))
