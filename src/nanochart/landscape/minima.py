"""The distinct minima behind the frames of a run, and a sample of them to cluster.

A low-temperature replica quenches into the same minimum thousands of times, a molten one never into
the same twice. A clustering of frames would see the first as a point of infinite density and the
second as the bulk of the data; one of distinct minima would not see how often a place is visited.
The sample stands between: a minimum that was found n times is there about sqrt(n) times, spread
over the distance to its neighbours, because it has no width of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from nanochart.shown import short_repr

__all__ = [
    "ENERGY_TOLERANCE",
    "SHAPE_TOLERANCE",
    "Minima",
    "Sample",
    "distinct_minima",
    "draw_sample",
    "principal_radii",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Differences within which two quenches to 1e-3 eV/Å ended in one minimum: of the energy in eV, and
#: of each principal radius in Å.
ENERGY_TOLERANCE = 1e-4
SHAPE_TOLERANCE = 5e-3

#: Neighbour whose distance is the spacing of minima.
_NEIGHBOUR = 5


@short_repr
@dataclass(frozen=True)
class Minima:
    """Distinct minima among frames.

    Attributes
    ----------
    points
        Mean chart coordinates of the frames of each minimum, (minimum, d).
    counts
        Number of frames of each minimum, (minimum,).
    index
        Number of the minimum that each frame is in, (frame,).
    """

    points: Floats
    counts: Ints
    index: Ints


@short_repr
@dataclass(frozen=True)
class Sample:
    """``points`` (sample, d) to cluster; ``minimum`` (sample,), which minimum each stands for."""

    points: Floats
    minimum: Ints


def principal_radii(positions: ArrayLike) -> Floats:
    r"""Principal radii of gyration in Å, the smallest first: (..., 3) of positions (..., atom, 3).

    .. math:: R_k^2 = \lambda_k \left( \frac{1}{N} \sum_i (r_i - \bar r)(r_i - \bar r)^T \right)

    with the eigenvalues of the gyration tensor. They know neither place nor orientation, nor one
    mirror image from the other.
    """
    x = np.asarray(positions, dtype=np.float64)
    x = x - x.mean(axis=-2, keepdims=True)
    squares = np.linalg.eigvalsh(np.swapaxes(x, -1, -2) @ x / x.shape[-2])
    return np.sqrt(np.maximum(squares, 0.0))


def distinct_minima(
    points: Floats,
    energies: ArrayLike | None = None,
    shapes: ArrayLike | None = None,
    *,
    tolerance: float = ENERGY_TOLERANCE,
    shape_tolerance: float = SHAPE_TOLERANCE,
) -> Minima:
    """Tell which frames are the same minimum: equal energy and equal shape.

    Frames are one minimum if they are linked by a chain of frames of which each differs from the
    next by no more than both tolerances. These are absolute: how far apart quenches of one minimum
    end does not depend on what else a run holds. Quenches to 1e-3 eV/Å end within 5e-5 eV and
    5e-4 Å of each other. Energies alone do not tell: among ten thousand minima many differ by less
    than 0.1 meV by chance, but hardly ever by less than 5e-3 Å in all three radii as well.

    Parameters
    ----------
    points
        Chart coordinates (frame, d).
    energies
        Energies of the minima in eV, (frame,); None tells minima apart by their shape alone.
    shapes
        Numbers (frame, k) that tell minima of one energy apart, such as :func:`principal_radii`;
        None takes the chart coordinates.
    tolerance
        Difference of energies in eV within which they are equal.
    shape_tolerance
        Difference of each number of a shape, in its unit, within which shapes are equal.
    """
    columns = [np.asarray(points if shapes is None else shapes, dtype=np.float64) / shape_tolerance]
    if energies is not None:
        columns.append(np.asarray(energies, dtype=np.float64)[:, None] / tolerance)
    places = np.concatenate(columns, axis=1)
    # A minimum that was found a million times is a few cells of one tolerance, which are linked.
    cell = _cells(places)
    n_cells = int(cell.max(initial=-1)) + 1
    middles = _means(places, cell, n_cells)
    pairs = cKDTree(middles).query_pairs(1.0, p=np.inf, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), np.int8), pairs.T), shape=(n_cells, n_cells))
    number, group = connected_components(links, directed=False)
    index = group.astype(np.int64)[cell]
    counts = np.bincount(index, minlength=number)
    return Minima(_means(points, index, number), counts, index)


def _cells(places: Floats) -> Ints:
    """Number of the unit cell of each place (place,)."""
    keys = np.rint(places).T
    order = np.lexsort(keys)
    table = keys[:, order]
    new = np.r_[True, (table[:, 1:] != table[:, :-1]).any(axis=0)]
    cell = np.empty(len(places), dtype=np.int64)
    cell[order] = np.cumsum(new) - 1
    return cell


def _means(values: Floats, group: Ints, number: int) -> Floats:
    """Mean of the rows of each group, (group, column)."""
    sums = [np.bincount(group, weights=column, minlength=number) for column in values.T]
    return np.stack(sums, axis=1) / np.bincount(group, minlength=number)[:, None]


def draw_sample(minima: Minima, n_fit: int, rng: np.random.Generator) -> Sample:
    r"""Draw about sqrt(n) points for a minimum that was found n times, at most ``n_fit`` in all.

    Further copies are spread around the first by a normal distribution as wide as the distance
    r to the fifth nearest other minimum (at most its median over all). Where there are too many,
    points are drawn with a probability that grows as r^(d/2), which halves the contrast of
    density (on a logarithmic scale), so that places with few minima keep theirs; density-dependent
    sampling as in Qiu et al., Nature Biotechnology 29, 886 (2011).
    """
    n, d = minima.points.shape
    spacing = np.zeros(n)
    if n > 1:
        k = min(_NEIGHBOUR, n - 1)
        spacing = cKDTree(minima.points).query(minima.points, k=[k + 1])[0][:, 0]
    width = np.minimum(spacing, np.median(spacing))
    copies = np.rint(np.sqrt(minima.counts)).astype(np.int64)
    minimum = np.repeat(np.arange(n), copies)
    if len(minimum) > n_fit:
        chance = np.clip(spacing, 1e-12, np.percentile(spacing, 99)) ** (d / 2)
        drawn = rng.choice(
            len(minimum), n_fit, replace=False, p=chance[minimum] / chance[minimum].sum()
        )
        minimum = np.sort(drawn)
        minimum = np.repeat(np.arange(n), copies)[minimum]
    first = np.r_[True, minimum[1:] != minimum[:-1]]
    spread = rng.normal(size=(len(minimum), d)) * (width[minimum] / np.sqrt(d))[:, None]
    return Sample(minima.points[minimum] + np.where(first[:, None], 0.0, spread), minimum)
