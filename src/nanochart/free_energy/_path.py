"""Minimum free-energy paths, and basins of a surface."""

import heapq
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from nanochart.free_energy._surface import Surface
from nanochart.units import BOLTZMANN

__all__ = ["Basin", "FreeEnergyPath", "basins", "minimum_path"]

Floats = NDArray[np.float64]

#: Height in kT above the higher end from which the highest point of a path is a maximum.
_LEAST = 0.01


@dataclass(frozen=True, eq=False)
class FreeEnergyPath:
    """A minimum free-energy path.

    Attributes
    ----------
    points
        (point, d), equally spaced along the path.
    energy
        F along it in eV, above its first point.
    barrier
        Highest point above the first, in eV; NaN where the path has no maximum between its ends, as
        where it only rises.
    barrier_error
        Standard error, from the bootstrap of the surface; NaN where it cannot be told.
    saddle
        Place of the highest point, (d,); NaN where there is no barrier.
    """

    points: Floats
    energy: Floats
    barrier: float
    barrier_error: float
    saddle: Floats


@dataclass(frozen=True, eq=False)
class Basin:
    """A minimum of a surface: its ``place``, ``energy`` in eV and the ``nodes`` that flow to it."""

    place: Floats
    energy: float
    nodes: NDArray[np.bool_]


def minimum_path(
    surface: Surface, start: ArrayLike, end: ArrayLike, n_points: int = 60
) -> FreeEnergyPath:
    r"""Path of least resistance between two places of a surface.

    Among all paths on the grid that of the smallest :math:`\int e^{F / k_B T} dl` is found by
    Dijkstra's algorithm (the path of maximum flux: Berkowitz et al., J. Chem. Phys. 79, 5563
    (1983)), and relaxed by the string method on the interpolated surface, until its points move no
    more but along it (E, Ren, Vanden-Eijnden, J. Chem. Phys. 126, 164103 (2007)).

    Parameters
    ----------
    surface
        In 1 to 3 dimensions.
    start, end
        Places (d,); each is moved to the lowest node that was seen nearby.
    n_points
        Of the path.

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
    # A path whose highest point is an end goes over nothing: that end is no transition state.
    if energy[top] - max(energy[0], energy[-1]) < _LEAST * BOLTZMANN * surface.temperature:
        nowhere = np.full(surface.dimension, np.nan)
        return FreeEnergyPath(points, energy, np.nan, np.nan, nowhere)
    barriers = []
    for replica in surface.replicas:
        along = _interpolator(surface, replica)(points)
        if np.isfinite(along).all():
            barriers.append(along.max() - along[0])
    known = surface.blocks.reliable and len(barriers) > 20
    error = float(np.std(barriers, ddof=1)) if known else np.nan
    return FreeEnergyPath(points, energy, float(energy[top]), error, points[top])


def basins(surface: Surface, persistence: float = 1.0) -> list[Basin]:
    """Basins of a surface, the lowest first.

    Nodes are taken in rising order; each joins the basin of its lowest neighbour, and a basin that
    is less than ``persistence`` kT deep where it meets a lower one is joined to that.
    """
    F, kT = surface.energy, BOLTZMANN * surface.temperature
    order = [tuple(n) for n in np.argwhere(np.isfinite(F))]
    order.sort(key=lambda n: F[n])
    root: dict[int, int] = {}
    bottom: list[tuple[int, ...]] = []
    label = np.full(F.shape, -1)

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for node in order:
        near = sorted({find(label[m]) for m in _around(node, F.shape) if label[m] >= 0},
                      key=lambda k: F[bottom[k]])  # fmt: skip
        if not near:
            label[node] = len(bottom)
            root[len(bottom)] = len(bottom)
            bottom.append(node)
            continue
        label[node] = near[0]
        for k in near[1:]:
            if F[node] - F[bottom[k]] < persistence * kT:
                root[k] = near[0]
    roots = np.array([find(k) for k in range(len(bottom))])
    whole = np.where(label >= 0, roots[np.maximum(label, 0)], -1)
    found = [
        Basin(
            np.array([axis[i] for axis, i in zip(surface.axes, bottom[k], strict=True)]),
            float(F[bottom[k]]),
            whole == k,
        )
        for k in np.unique(roots)
    ]
    return sorted(found, key=lambda basin: basin.energy)


def _around(node: tuple[int, ...], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    found = []
    for step in product((-1, 0, 1), repeat=len(node)):
        other = tuple(i + s for i, s in zip(node, step, strict=True))
        if any(step) and all(0 <= i < n for i, n in zip(other, shape, strict=True)):
            found.append(other)
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
    F, kT = surface.energy, BOLTZMANN * surface.temperature
    steps = np.array([axis[1] - axis[0] for axis in surface.axes])
    scale = steps / steps.max()
    resistance = np.exp(np.clip((F - np.nanmin(F)) / kT, 0, 300))
    best = {first: 0.0}
    before: dict[tuple[int, ...], tuple[int, ...]] = {}
    queue = [(0.0, first)]
    done = set()
    while queue:
        cost, node = heapq.heappop(queue)
        if node == last:
            break
        if node in done:
            continue
        done.add(node)
        for other in _around(node, F.shape):
            if not np.isfinite(F[other]) or other in done:
                continue
            length = float(np.linalg.norm((np.array(other) - node) * scale))
            new = cost + length * 0.5 * (resistance[node] + resistance[other])
            if new < best.get(other, np.inf):
                best[other], before[other] = new, node
                heapq.heappush(queue, (new, other))
    if last not in best:
        raise ValueError(
            "nothing that was seen connects the two ends of the path: run longer, or choose ends "
            "that are connected"
        )
    path = [last]
    while path[-1] != first:
        path.append(before[path[-1]])
    return path[::-1]


def _interpolator(surface: Surface, energy: Floats) -> RegularGridInterpolator:
    return RegularGridInterpolator(
        surface.axes, energy, method="linear", bounds_error=False, fill_value=np.nan
    )


def _respaced(points: Floats, n: int) -> Floats:
    scale = np.ptp(points, axis=0) + 1e-12
    lengths = np.linalg.norm(np.diff(points / scale, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    keep = np.concatenate([[True], lengths > 0])
    wanted = np.linspace(0.0, at[-1], n)
    return np.stack([np.interp(wanted, at[keep], c[keep]) for c in points.T], axis=1)


def _relaxed(surface: Surface, points: Floats) -> Floats:
    """String method on a cubic spline of the surface; points that leave what was seen stay."""
    from scipy.ndimage import map_coordinates, spline_filter

    F = surface.energy
    top = float(np.nanmax(F))
    # Not seen is high: the string is pushed back from it.
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
