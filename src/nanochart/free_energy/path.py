"""Minimum free-energy paths, and basins of a surface."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from nanochart.free_energy.surface import Surface
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN

__all__ = ["Basin", "FreeEnergyPath", "basins", "minimum_path"]

Floats = NDArray[np.float64]

#: Nodes that a basin has at least: lone samples are none.
_FEWEST_NODES = 3
#: Height of a barrier above the higher of its two ends, in kT, below which there is none.
_LEAST_BARRIER = 0.1


@short_repr
@dataclass(frozen=True, eq=False)
class FreeEnergyPath:
    """A path of least free energy between two places of a surface.

    Attributes
    ----------
    points
        (point, d), equally spaced along the path.
    energy
        Free energy along the path in eV, above its first point.
    barrier
        Free energy of the highest point above the first, in eV; None where the highest point is an
        end, so that there is no barrier between them.
    saddle
        Place of the highest point; None without a barrier.
    """

    points: Floats
    energy: Floats
    barrier: Estimate | None
    saddle: Floats | None


@short_repr
@dataclass(frozen=True, eq=False)
class Basin:
    """A minimum of a surface: its ``place``, ``energy`` in eV and the ``nodes`` that flow to it."""

    place: Floats
    energy: float
    nodes: NDArray[np.bool_]


def minimum_path(
    surface: Surface, start: ArrayLike, end: ArrayLike, n_points: int = 60
) -> FreeEnergyPath:
    r"""Find the path of least resistance between two places of a surface.

    Among all paths on the grid that of the smallest :math:`\int e^{F / k_B T} dl` is found by
    Dijkstra's algorithm (the path of maximum flux: Berkowitz et al., J. Chem. Phys. 79, 5563
    (1983)), and relaxed by the string method on the interpolated surface, until its points move no
    more but along it (E, Ren, Vanden-Eijnden, J. Chem. Phys. 126, 164103 (2007)).

    Parameters
    ----------
    surface
        Surface in 1 to 3 dimensions.
    start, end
        Places (d,); each is moved to the lowest node that was seen nearby.
    n_points
        Number of points of the path.

    Raises
    ------
    ValueError
        If an end is not on the surface, or nothing that was seen connects them.
    """
    first, last = (_node(surface, place) for place in (start, end))
    nodes = _dijkstra(surface, first, last)
    points = np.array([[axis[i] for axis, i in zip(surface.axes, n, strict=True)] for n in nodes])
    points = _respaced(points, n_points)
    if surface.dimension > 1:
        points = _relaxed(surface, points)
    energy = _interpolator(surface, surface.energy)(points)
    energy = energy - energy[0]
    top = int(np.nanargmax(energy))
    kT = BOLTZMANN * surface.temperature
    if energy[top] - max(energy[0], energy[-1]) < _LEAST_BARRIER * kT:
        return FreeEnergyPath(points, energy, None, None)
    barrier = surface.difference(first, surface.node(points[top]))
    return FreeEnergyPath(points, energy, barrier, points[top])


def basins(surface: Surface, persistence: float = 1.0) -> list[Basin]:
    """Find the basins of a surface, the lowest first.

    Each node belongs to the minimum that steepest descent leads to. A basin that is less than
    ``persistence`` kT deep where it meets a lower one, or less than two standard errors, is joined
    to that; where the surface has errors, minima whose error is not known are left out.
    """
    F, kT = surface.energy, BOLTZMANN * surface.temperature
    doubtful = np.isnan(surface.error) & (not surface.why)
    depth = np.fmax(persistence * kT, 2.0 * surface.error)
    depth = np.where(doubtful, np.inf, depth).ravel()
    # Steepest descent: each node points to the lowest of its neighbours and itself.
    lowest = np.where(np.isfinite(F) & ~doubtful, F, np.inf)
    target = np.arange(F.size).reshape(F.shape)
    near = lowest.copy()
    for here, there in _shifts(F.shape):
        for one, other in ((here, there), (there, here)):
            falls = lowest[other] < near[one]
            near[one] = np.where(falls, lowest[other], near[one])
            target[one] = np.where(falls, np.arange(F.size).reshape(F.shape)[other], target[one])
    root = target.ravel()
    while (root[root] != root).any():
        root = root[root]
    merged = _joined(lowest, root.reshape(F.shape), depth)
    flat = lowest.ravel()
    owner = np.full(F.size, -1)
    finite = np.isfinite(flat)
    owner[finite] = [merged[int(k)] for k in root[finite]]
    found = []
    for k, size in zip(*np.unique(owner[finite], return_counts=True), strict=True):
        if size < _FEWEST_NODES:
            continue
        at = np.unravel_index(int(k), F.shape)
        place = np.array([axis[i] for axis, i in zip(surface.axes, at, strict=True)])
        found.append(Basin(place, float(flat[k]), (owner == k).reshape(F.shape)))
    return sorted(found, key=lambda basin: basin.energy)


def _joined(F: Floats, label: NDArray[np.int64], depth: Floats) -> dict[int, int]:
    """Minimum -> the lower one that it is joined to, over passes that are not high enough."""
    pairs, flat = [], F.ravel()
    for here, there in _shifts(F.shape):
        high = np.maximum(F[here], F[there])
        meet = np.isfinite(high) & (label[here] != label[there])
        pairs.append(np.stack([label[here][meet], label[there][meet], high[meet]]))
    merged = {int(k): int(k) for k in np.unique(label[np.isfinite(F)])}

    def find(k: int) -> int:
        while merged[k] != k:
            k = merged[k]
        return k

    passes = np.concatenate(pairs, axis=1)
    for one, other, height in passes[:, np.argsort(passes[2])].T:
        lower, upper = sorted((find(int(one)), find(int(other))), key=lambda k: float(flat[k]))
        if lower != upper and height - flat[upper] < depth[upper]:
            merged[upper] = lower
    return {k: find(k) for k in merged}


def _shifts(shape: tuple[int, ...]) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Pairs of slices that lay a grid over itself moved to each neighbour, each pair once."""
    found = []
    for step in product((-1, 0, 1), repeat=len(shape)):
        if step <= (0,) * len(shape):
            continue
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, shape, strict=True))
        found.append((here, there))
    return found


def _node(surface: Surface, place: ArrayLike) -> tuple[int, ...]:
    """The lowest node within two nodes of a place that were seen."""
    s = np.asarray(place, dtype=np.float64)
    if s.shape != (surface.dimension,):
        raise ValueError(
            f"an end of a path must have {surface.dimension} coordinates; got {s.tolist()}"
        )
    index = [int(np.abs(axis - x).argmin()) for axis, x in zip(surface.axes, s, strict=True)]
    box = tuple(slice(max(0, i - 2), i + 3) for i in index)
    part = surface.energy[box]
    if not np.isfinite(part).any():
        raise ValueError(
            f"the end {s.tolist()} of a path must be where the surface was seen: choose another, "
            "or sample there"
        )
    best = np.unravel_index(np.nanargmin(part), part.shape)
    return tuple(int(b.start + k) for b, k in zip(box, best, strict=True))


def _dijkstra(
    surface: Surface, first: tuple[int, ...], last: tuple[int, ...]
) -> list[tuple[int, ...]]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    F, kT = surface.energy, BOLTZMANN * surface.temperature
    steps = np.array([axis[1] - axis[0] for axis in surface.axes])
    scale = steps / steps.max()
    seen = np.isfinite(F)
    resistance = np.exp(np.clip((np.where(seen, F, 0.0) - np.nanmin(F)) / kT, 0, 300))
    number = np.full(F.shape, -1)
    number[seen] = np.arange(int(seen.sum()))
    rows, columns, costs = [], [], []
    for here, there in _shifts(F.shape):
        both = seen[here] & seen[there]
        step = np.array([b.start - a.start for a, b in zip(here, there, strict=True)])
        length = float(np.linalg.norm(step * scale))
        rows.append(number[here][both])
        columns.append(number[there][both])
        costs.append(0.5 * length * (resistance[here][both] + resistance[there][both]))
    n = int(seen.sum())
    entries = (np.concatenate(rows), np.concatenate(columns))
    graph = coo_array((np.concatenate(costs), entries), shape=(n, n)).tocsr()
    start, end = int(number[first]), int(number[last])
    cost, before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    if not np.isfinite(cost[end]):
        raise ValueError(
            "nothing that was seen connects the two ends of the path: run longer, or choose ends "
            "that are connected"
        )
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    nodes = np.argwhere(seen)
    return [tuple(int(i) for i in nodes[k]) for k in reversed(path)]


def _interpolator(surface: Surface, energy: Floats) -> RegularGridInterpolator:
    from scipy.ndimage import distance_transform_edt

    # Where nothing was seen the nearest seen node stands, so that a neighbour does not void a node.
    nearest = distance_transform_edt(~np.isfinite(energy), return_distances=False,
                                     return_indices=True)  # fmt: skip
    return RegularGridInterpolator(
        surface.axes, energy[tuple(nearest)], method="linear", bounds_error=False, fill_value=np.nan
    )


def _respaced(points: Floats, n: int) -> Floats:
    scale = np.ptp(points, axis=0) + 1e-12
    lengths = np.linalg.norm(np.diff(points / scale, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    keep = np.concatenate([[True], lengths > 0])
    wanted = np.linspace(0.0, at[-1], n)
    return np.stack([np.interp(wanted, at[keep], c[keep]) for c in points.T], axis=1)


def _relaxed(surface: Surface, points: Floats) -> Floats:
    """String method on a cubic spline of the surface.

    What was not seen is a plateau 0.1 eV above the highest node that was, from whose edge the
    string is pushed back.
    """
    from scipy.ndimage import map_coordinates, spline_filter

    F = surface.energy
    top = float(np.nanmax(F))
    filled = np.where(np.isfinite(F), F, top + 0.1)
    coefficients = spline_filter(filled, order=3)
    steps = np.array([axis[1] - axis[0] for axis in surface.axes])
    low = np.array([axis[0] for axis in surface.axes])

    def energy_at(places: Floats) -> Floats:
        return np.asarray(
            map_coordinates(coefficients, places.T, order=3, prefilter=False, mode="nearest")
        )

    places = (points - low) / steps  # in nodes from here on
    h = 0.05
    for _ in range(400):
        gradient = np.empty_like(places)
        for a in range(places.shape[1]):
            shift = np.zeros(places.shape[1])
            shift[a] = h
            gradient[:, a] = (energy_at(places + shift) - energy_at(places - shift)) / (2 * h)
        size = np.linalg.norm(gradient, axis=1, keepdims=True)
        move = -gradient * np.minimum(1.0, 0.1 / np.maximum(4.0 * size, 1e-12)) * 4.0
        move[[0, -1]] = 0.0
        before = places
        places = _respaced(places + move, len(places))
        if np.abs(places - before).max() < 1e-3:
            break
    relaxed: Floats = places * steps + low
    return relaxed
