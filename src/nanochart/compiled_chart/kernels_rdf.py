"""Compiled radial distribution function inside a step of dynamics: single precision, sixteen pairs.

The scheme is that of `nanochart.descriptors.kernels` with cubic B-splines, whose knots are an
eighth of the bandwidth apart: the value errs by 3e-6 of the peak of a Gaussian and the gradient by
1e-4 of the peak of its slope, with signs that alternate along a knot interval. Four moments of a
cell are one vector of 128 bits. Pairs are visited in blocks of sixteen atoms i, and for each block
along all shifts d, so that the sums of the block's own atoms stay in registers.

The gradient is the exact derivative of the value that is computed, but for rounding. A grid reaches
beyond the largest distance of most frames: what lies there, in the RDF and in the layers of the
encoder above it, is that of no pairs and is not computed again.

An encoder that decides, by a maximum or a ReLU, needs more than that: where two bins are nearly
equal, rounding would choose. It gets `ExactTables`, the same functions in double precision by the
kernels of `nanochart.descriptors`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.compiled.lanes.pairs_single import (
    COPIES,
    collect_pairs,
    combine_moments,
    place_pairs,
    push_pairs,
    tabulate_slopes,
)
from nanochart.compiled.lanes.tiles import product_16
from nanochart.compiled.memory import aligned
from nanochart.compiled.options import FAST
from nanochart.descriptors import Grid, Workspace, density, gradient, make_workspace

__all__ = [
    "ExactTables", "RDFTables", "RDFWorkspace", "make_rdf_workspace", "rdf_gradient", "rdf_values",
]  # fmt: skip

_ZERO = np.float32(0.0)


class RDFTables(NamedTuple):
    """An RDF as the kernels see it. Lengths in Å."""

    scale: float  # positions are multiplied by it first
    r_min: np.float32  # lower edge of the first bin, and first knot
    spacing: np.float32  # of the knots
    n_bins: int
    phases: int  # knot intervals per bin
    origin: int  # index in the weights of the first B-spline that is not zero in cell 0
    smooth: np.ndarray  # (A * 16,) float32, sixteen bins of the weights from that of the first on
    spread: np.ndarray  # (phases, D * 16) the adjoint: sixteen weights of the bins
    lowest: np.ndarray  # (phases,) int64, first bin that the block ``phase`` of weights needs
    spline: np.ndarray  # (4, 4) float32, coefficient of t**q of the B-spline i, [i, q]
    slope: np.ndarray  # (4, 4) float32, the same of its derivative with respect to t, [q, i]
    zeros: np.ndarray  # (16,) float32


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
    filled: np.ndarray  # (1,) int64, n_bins


class RDFWorkspace(NamedTuple):
    """Scratch arrays for N atoms, float32; L = N rounded up to sixteens, M = cells likewise."""

    x: np.ndarray  # (3 * 2L,) coordinates, periodically repeated
    first: np.ndarray  # (3 * 2L,) gradient sums of the atoms i of the pairs (i, i + d)
    second: np.ndarray  # (3 * 2L,) of the atoms i + d
    rows: np.ndarray  # (L * N/2,) uint32, four times the cell of each pair
    t: np.ndarray  # (L * N/2,) place within it
    moments: np.ndarray  # (copies * M * 4,) moments of each cell; then slopes
    weights: np.ndarray  # weights of the B-splines, those of the cells from ``origin`` on
    pull: np.ndarray  # (M + 16 phases,) cotangent of the weights from ``origin`` on
    bins: np.ndarray  # cotangent of the bins, bin 0 at ``lead``, between zeros
    lead: int
    rounded: np.ndarray  # the RDF and what fills it up to sixteens
    g: np.ndarray  # (n_bins,) the RDF in 1/Å
    cotangent: np.ndarray  # (n_bins,) of the bins; that of bins beyond ``filled`` has no meaning
    filled: np.ndarray  # (1,) int64, leading bins beyond which the RDF is zero
    used: np.ndarray  # (1,) int64, leading cells beyond which are no pairs, in sixteens


@njit(**FAST)
def _sixteens(n):
    return (n + 15) // 16 * 16


@njit(**FAST)
def _fast_workspace(n, tables):
    """Allocate a workspace for ``n`` atoms."""
    length = _sixteens(n)
    # One cell beyond the grid for what is no pair, and three for the splines of the last.
    cells = _sixteens(tables.n_bins * tables.phases + 5)
    bins = _sixteens(tables.n_bins)
    lead = max(0, -tables.lowest.min())
    reach = tables.lowest.max() + cells // tables.phases + tables.spread.shape[1] // 16 + 32
    rounded = aligned(bins, np.float32)
    return RDFWorkspace(
        aligned(6 * length, np.float32),
        aligned(6 * length, np.float32),
        aligned(6 * length, np.float32),
        np.zeros(length * max(n // 2, 1), np.uint32),
        aligned(length * max(n // 2, 1), np.float32),
        aligned(4 * COPIES * cells, np.float32),
        aligned(
            max(tables.phases * bins + tables.smooth.shape[0] // 16, tables.origin + cells),
            np.float32,
        ),
        aligned(cells + 16 * tables.phases, np.float32),
        aligned(lead + max(reach, tables.n_bins), np.float32),
        lead,
        rounded,
        rounded[: tables.n_bins],
        np.zeros(tables.n_bins, np.float32),
        np.full(1, tables.n_bins, np.int64),
        np.full(1, cells, np.int64),
    )


@njit(**FAST)
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


@njit(**FAST)
def _last_cell(moments, cells, copy):
    """The last cell that holds a pair: its count, the first moment, is not zero."""
    for m in range(cells, 0, -1):
        for k in range(COPIES):
            if moments[k * copy + 4 * m] != _ZERO:
                return m
    return 0


@njit(**FAST)
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
    copy = moments.shape[0] // COPIES
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
    for k in range(COPIES):
        moments[k * copy + 4 * (cells + 1) : (k + 1) * copy] = _ZERO  # what is no pair
    last = _last_cell(moments, cells, copy)
    # The last cell's four B-splines; a multiple of sixteen of which three are empty.
    used = _sixteens(last + 4)
    work.used[0] = used
    combine_moments(moments, tables.spline, work.weights, tables.origin, used, copy)
    work.weights[tables.origin + used :] = _ZERO
    g = work.g
    work.filled[0] = min((tables.origin + last + 3) // tables.phases + 1, tables.n_bins)
    step = 16 * tables.phases
    count = _sixteens(work.filled[0]) // 16
    product_16(
        work.weights, tables.smooth, tables.zeros, work.rounded, count, 0, 0, step, 16,
        tables.smooth.shape[0] // 16,
    )  # fmt: skip
    factor = np.float32(2.0 / (n * (n - 1)))
    for k in range(work.filled[0]):
        g[k] *= factor
    g[work.filled[0] :] = _ZERO
    return 0


@njit(**FAST)
def _fast_gradient(tables, work, n, forces):
    """Subtract the gradient of Σ_k work.cotangent[k] g[k] from ``forces`` (3, N).

    For the positions of the last ``rdf_values``.
    """
    cells = tables.n_bins * tables.phases
    bins = work.bins
    lead = work.lead
    filled = work.filled[0]
    factor = np.float32(2.0 * tables.scale / (n * (n - 1) * tables.spacing))
    for k in range(filled):
        bins[lead + k] = factor * work.cotangent[k]
    bins[lead + filled : lead + tables.n_bins] = _ZERO
    slopes = work.moments
    copy = slopes.shape[0] // COPIES
    size = work.used[0]
    step = 16 * tables.phases
    for r in range(tables.phases):
        # Blocks of sixteen weights whose number is r modulo the phases.
        count = (size + 16 - 16 * r + step - 1) // step
        product_16(
            bins, tables.spread[r], tables.zeros, work.pull, count, lead + tables.lowest[r],
            16 * r, 16, step, tables.spread.shape[1] // 16,
        )  # fmt: skip
    tabulate_slopes(work.pull, tables.slope, slopes, size)
    slopes[4 * (cells + 1) : copy] = _ZERO  # what is no pair
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


@njit(**FAST)
def _exact_workspace(n, tables):
    bins = tables.grid.n_bins
    return ExactWorkspace(
        make_workspace(n, tables.grid, True),
        np.zeros((n, 3)),
        np.zeros((n, 3)),
        np.zeros(bins),
        np.zeros(bins),
        np.full(1, bins, np.int64),
    )


@njit(**FAST)
def _exact_values(tables, positions, work):
    for c in range(3):
        for i in range(positions.shape[1]):
            work.x[i, c] = tables.scale * positions[c, i]
    return density(work.x, tables.grid, work.inner, True, work.g)


@njit(**FAST)
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
