"""Compiled radial distribution function of one cluster, and its vector-Jacobian product.

The Gaussian around each bin is a spline of degree 7 in the pair distance, with knots every h:
N(r_k - r; σ) = Σ_j c(k, j) B(r/h - j) (see ``_grid``). Hence

1. distances of all pairs: knot interval (cell) m and place t in [-1/2, 1/2) within it,
2. moments: M[m, q] = Σ_pairs t**q for q = 0..7, one aligned row of eight per cell,
3. weights of the B-splines: W[j] = Σ_i spline[i, q] M[j - i, q],
4. bins: g[k] = Σ_j c(k, j) W[j], a convolution.

The gradient runs 4 and 3 backwards, from a cotangent of the bins to the polynomial slope of each
cell, evaluates the slopes at the pairs and adds them up at the atoms. It is the exact derivative
of the value that 1-4 compute.

Pairs are visited along the diagonals of the pair matrix: (i, i + d) for all i at once, indices
modulo N, d = 1..N/2. All rows then have the length N, rounded up to a multiple of eight. The pairs
that only fill a row up go to a cell beyond the grid, whose moments and slope are set to zero.

Every row is placed on the grid before it is collected: were a pair added to the histogram as soon
as its cell is known, the processor would wait for it before it reads the next one.

A compiled loop of dynamics calls ``density`` with ``keep=True`` and then ``gradient`` with
``kept=True`` on the same workspace, so that distances are computed once.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.lanes.pairs_double import collect_eight, place_eight, push_eight
from nanochart.compiled.memory import aligned
from nanochart.compiled.options import FUSED
from nanochart.descriptors.kernels_direct import direct_density, direct_gradient

__all__ = [
    "Grid",
    "Workspace",
    "density",
    "density_batch",
    "gradient",
    "gradient_batch",
    "make_workspace",
]


class Grid(NamedTuple):
    """An RDF as the kernels see it. Lengths in Å."""

    r_min: float  # lower edge of the first bin, and first knot
    r_max: float  # upper edge of the last bin
    width: float  # of a bin
    sigma: float  # bandwidth
    n_bins: int
    phases: int  # knot intervals per bin; 0 for the direct sum
    spacing: float  # h = width / phases
    origin: int  # index in the weights of the first B-spline that is not zero in cell 0
    taps: np.ndarray  # (phases, A) c(k, j) of the B-spline with index phases * (k + a) + phase
    spline: np.ndarray  # (8, 8) coefficient of t**q of the B-spline i of a cell, [i, q]
    slope: np.ndarray  # (8, 8) the same of its derivative with respect to t, [q, i]


class Workspace(NamedTuple):
    """Scratch arrays for N atoms; L = N rounded up to eights, M = cells likewise."""

    x: np.ndarray  # (3 * 2L,) coordinates, periodically repeated
    first: np.ndarray  # (3 * 2L,) gradient sums of the atoms i of the pairs (i, i + d)
    second: np.ndarray  # (3 * 2L,) of the atoms i + d
    cell: np.ndarray  # (rows * L,) knot interval of each pair
    t: np.ndarray  # (rows * L,) place within it
    moments: np.ndarray  # (M * 8,) moments of each cell, then slopes
    by_power: np.ndarray  # (8, M) the same, power by power
    weights: np.ndarray  # (phases * (n_bins + A),) weights of the B-splines
    by_phase: np.ndarray  # (phases, n_bins + A) the same, phase by phase
    bins: np.ndarray  # (n_bins + 2A,) a cotangent between zeros


@njit(**FUSED)
def _eights(n):
    """Round up to a multiple of eight, the lanes of a vector."""
    return (n + 7) // 8 * 8


@njit(**FUSED)
def make_workspace(n, grid, keep):
    """Allocate a workspace for ``n`` atoms; ``keep`` with room for all pairs and not one row."""
    length = _eights(n)
    pairs = length * (n // 2 if keep else 1)
    cells = _eights(grid.n_bins * grid.phases + 2)
    reach = grid.n_bins + grid.taps.shape[1]
    return Workspace(
        aligned(6 * length, np.float64),
        aligned(6 * length, np.float64),
        aligned(6 * length, np.float64),
        np.zeros(pairs, np.uint32),
        aligned(pairs, np.float64),
        aligned(8 * cells, np.float64),
        np.zeros((8, cells)),
        np.zeros(max(grid.phases * reach, grid.origin + cells + 8)),
        np.zeros((grid.phases, reach)),
        np.zeros(grid.n_bins + 2 * grid.taps.shape[1]),
    )


@njit(**FUSED)
def _load(positions, x):
    """Write positions (atom, 3) as three rows, repeated periodically to the end of each row."""
    n = positions.shape[0]
    length = x.shape[0] // 3
    for c in range(3):
        row = x[c * length : (c + 1) * length]
        for start in range(0, length, n):
            for i in range(min(n, length - start)):
                row[start + i] = positions[i, c]


@njit(**FUSED)
def _place(x, n, d, grid, cell, t, to):
    """Cells and places of the pairs (i, i + d), from index ``to`` on; 0 if all are on the grid."""
    length = _eights(n)
    count = n if 2 * d < n else n // 2  # with d = n/2 each pair appears twice
    inverse = 1.0 / grid.spacing
    top = np.float64(grid.n_bins * grid.phases)
    off = 0
    for i in range(0, length, 8):
        off |= place_eight(
            x, cell, t, to + i, i, count - i, d, 2 * length, grid.r_min, inverse, top
        )
    return off


@njit(**FUSED)
def _bins(grid, work, scale, g):
    """Moments -> weights of the B-splines -> bins, times ``scale``."""
    rows = work.by_power
    cells = rows.shape[1]
    moments = work.moments
    for m in range(cells):
        for q in range(8):
            rows[q, m] = moments[8 * m + q]
    weights = work.weights
    weights[:] = 0.0
    for i in range(8):
        out = weights[grid.origin + i : grid.origin + i + cells]
        _combine(rows, grid.spline[i], out)
    reach = work.by_phase.shape[1]
    g[:] = 0.0
    for phase in range(grid.phases):
        line = work.by_phase[phase]
        for a in range(reach):
            line[a] = weights[a * grid.phases + phase]
        _correlate(line, grid.taps[phase], g)
    for k in range(g.shape[0]):
        g[k] *= scale


@njit(**FUSED)
def _combine(rows, factors, out):
    """out[m] += Σ_q factors[q] rows[q, m]."""
    f0, f1, f2, f3 = factors[0], factors[1], factors[2], factors[3]
    f4, f5, f6, f7 = factors[4], factors[5], factors[6], factors[7]
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    r4, r5, r6, r7 = rows[4], rows[5], rows[6], rows[7]
    for m in range(out.shape[0]):
        low = f0 * r0[m] + f1 * r1[m] + f2 * r2[m] + f3 * r3[m]
        high = f4 * r4[m] + f5 * r5[m] + f6 * r6[m] + f7 * r7[m]
        out[m] += low + high


@njit(**FUSED)
def _correlate(line, taps, out):
    """out[k] += Σ_a taps[a] line[k + a]; the number of taps is a multiple of four."""
    for a in range(0, taps.shape[0], 4):
        f0, f1, f2, f3 = taps[a], taps[a + 1], taps[a + 2], taps[a + 3]
        part = line[a:]
        for k in range(out.shape[0]):
            out[k] += (f0 * part[k] + f1 * part[k + 1]) + (f2 * part[k + 2] + f3 * part[k + 3])


@njit(**FUSED)
def _slopes(cotangent, grid, work, scale):
    """Cotangent of the bins -> of the weights -> polynomial slope of each cell, times ``scale``."""
    width = grid.taps.shape[1]
    bins = work.bins
    for k in range(grid.n_bins):
        bins[width + k] = scale * cotangent[k]
    weights = work.weights
    weights[:] = 0.0
    for phase in range(grid.phases):
        line = work.by_phase[phase]
        line[:] = 0.0
        # Σ_a taps[a] bins[k - a] is a correlation with the taps in the opposite order.
        _correlate(bins[1:], grid.taps[phase, ::-1], line)
        for a in range(line.shape[0]):
            weights[a * grid.phases + phase] = line[a]
    rows = work.by_power
    rows[:, :] = 0.0
    for q in range(8):
        _correlate(weights[grid.origin :], grid.slope[q], rows[q])
    table = work.moments
    for m in range(rows.shape[1]):
        for q in range(8):
            table[8 * m + q] = rows[q, m]
    table[8 * (grid.n_bins * grid.phases + 1) :] = 0.0  # pairs that only fill up a vector


@njit(**FUSED)
def density(positions, grid, work, keep, g):
    """RDF of one cluster.

    Parameters
    ----------
    positions
        Positions (atom, 3) in Å of one frame.
    grid, work
        Tables of the RDF and scratch arrays.
    keep
        Keep all pairs in the workspace for ``gradient``.
    g
        (bin,) in 1/Å, overwritten.

    Returns
    -------
    off
        0, or 1 if a distance is off the grid: then ``g`` means nothing.
    """
    n = positions.shape[0]
    pairs = n * (n - 1) // 2
    if grid.phases == 0:
        return direct_density(positions, grid.r_min, grid.r_max, grid.width, grid.sigma, g)
    x = work.x
    moments = work.moments
    cell = work.cell
    t = work.t
    _load(positions, x)
    moments[:] = 0.0
    length = _eights(n)
    start = 0
    for d in range(1, n // 2 + 1):
        if _place(x, n, d, grid, cell, t, start):
            return 1
        for i in range(0, length, 8):
            collect_eight(moments, cell, t, start + i)
        if keep:
            start += length
    moments[8 * (grid.n_bins * grid.phases + 1) :] = 0.0  # what does not belong to the grid
    _bins(grid, work, 1.0 / pairs, g)
    return 0


@njit(**FUSED)
def gradient(positions, cotangent, grid, work, kept, out):
    """Gradient of Σ_k cotangent[k] g[k] of one cluster with respect to its positions.

    Parameters
    ----------
    positions
        Positions (atom, 3) in Å of one frame.
    cotangent
        (bin,).
    grid, work
        Tables of the RDF and scratch arrays.
    kept
        The workspace holds the pairs of these positions, from ``density`` with ``keep``.
    out
        (atom, 3), overwritten.

    Returns
    -------
    off
        0, or 1 if a distance is off the grid: then ``out`` means nothing.
    """
    n = positions.shape[0]
    pairs = n * (n - 1) // 2
    if grid.phases == 0:
        return direct_gradient(
            positions, cotangent, grid.r_min, grid.r_max, grid.width, grid.sigma, out
        )
    x = work.x
    if not kept:
        _load(positions, x)
    _slopes(cotangent, grid, work, 1.0 / (pairs * grid.spacing))
    slopes = work.moments
    first = work.first
    second = work.second
    cell = work.cell
    t = work.t
    first[:] = 0.0
    second[:] = 0.0
    length = _eights(n)
    start = 0
    for d in range(1, n // 2 + 1):
        if not kept and _place(x, n, d, grid, cell, t, start):
            return 1
        for i in range(0, length, 8):
            push_eight(
                first,
                second,
                x,
                slopes,
                cell,
                t,
                start + i,
                i,
                d,
                2 * length,
                grid.r_min,
                grid.spacing,
            )
        if kept:
            start += length
    for c in range(3):
        row = 2 * length * c
        for i in range(n):
            out[i, c] = first[row + i] + (second[row + i] + second[row + n + i])
    return 0


@njit(**FUSED)
def density_batch(frames, grid, g):
    """RDF (frame, bin) of frames (frame, atom, 3); returns the first frame off the grid, or -1."""
    work = make_workspace(frames.shape[1], grid, False)
    for frame in range(frames.shape[0]):
        if density(frames[frame], grid, work, False, g[frame]):
            return frame
    return -1


@njit(**FUSED)
def gradient_batch(frames, cotangents, grid, out):
    """Gradients (frame, atom, 3); returns the first frame off the grid, or -1."""
    work = make_workspace(frames.shape[1], grid, False)
    for frame in range(frames.shape[0]):
        if gradient(frames[frame], cotangents[frame], grid, work, False, out[frame]):
            return frame
    return -1
