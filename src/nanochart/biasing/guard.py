"""A wall around the places that a model was trained on."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from nanochart.biasing.bias import Bias, Grid
from nanochart.shown import short_repr

__all__ = ["Guarded", "guard_grid", "known_distance", "known_reach"]

Floats = NDArray[np.float64]

#: Neighbour whose distance tells the density of the known points at a place.
_NEIGHBOUR = 10
#: Share of the known points themselves that count as outside.
_OUTSIDE = 0.01
_NODES = 101


def known_reach(known: ArrayLike) -> float:
    """Distance beyond which a place is outside of the known points (point, d).

    It is the distance that 99 % of the points keep to their tenth nearest: a threshold of the
    density of the points, by which one in a hundred of them is outside.
    """
    points = np.asarray(known, dtype=np.float64)
    if points.ndim != 2 or len(points) <= _NEIGHBOUR:
        raise ValueError(
            f"known points must have the shape (point, d), more than {_NEIGHBOUR}; got "
            f"{points.shape}"
        )
    some = points[:: max(1, len(points) // 5000)]
    # One more, because a point is its own nearest.
    tenth = cKDTree(points).query(some, k=[_NEIGHBOUR + 1])[0][:, 0]
    return float(np.quantile(tenth, 1.0 - _OUTSIDE))


def known_distance(tree: cKDTree, points: ArrayLike) -> Floats:
    """Distance of places (..., d) to the tenth nearest of the known points in a tree."""
    p = np.asarray(points, dtype=np.float64)
    distance: Floats = tree.query(p.reshape(-1, p.shape[-1]), k=[_NEIGHBOUR])[0][:, 0]
    return distance.reshape(p.shape[:-1])


def guard_grid(
    known: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    stiffness: float,
    reach: float | None = None,
) -> Grid:
    r"""Tabulate :math:`\frac{\kappa}{2} \max(0, d(s) - R)^2`.

    d is the distance to the tenth nearest known point.

    Parameters
    ----------
    known
        Known points (point, d) of the variables, d = 1 to 3.
    low, high
        Ends of the grid, (d,).
    stiffness
        Stiffness κ in eV per unit².
    reach
        Distance R; by default that of `known_reach`.
    """
    points = np.asarray(known, dtype=np.float64)
    R = known_reach(points) if reach is None else reach
    a, b = (np.asarray(v, dtype=np.float64) for v in (low, high))
    d = points.shape[1]
    n = _NODES if d < 3 else 48
    nodes = [np.linspace(x, y, n) for x, y in zip(a, b, strict=True)]
    grid = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
    excess = np.maximum(known_distance(cKDTree(points), grid) - R, 0.0)
    return Grid(a, b, 0.5 * stiffness * excess**2, tuple(range(d)))


@short_repr
@dataclass(frozen=True, eq=False)
class Guarded:
    """A bias method with a guard: its bias plus a static potential.

    Attributes
    ----------
    method
        Bias method, any of `nanochart.biasing`.
    guard
        Guard on the first d variables. Where the method has a grid of its own, that must have the
        same axes.
    """

    method: Any
    guard: Grid
    _resampled: dict[Any, Floats] = field(default_factory=dict, init=False, repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in {"method", "guard"}:
            raise AttributeError(name)
        return getattr(self.method, name)

    def initialize(self, n_variables: int) -> Any:
        """Do as the method does."""
        return self.method.initialize(n_variables)

    def bias(self, state: Any, walker: int, n_variables: int) -> Bias:
        """Give the method's bias with the guard added."""
        bias: Bias = self.method.bias(state, walker, n_variables)
        if bias.grid is None:
            return replace(bias, grid=self.guard)
        if bias.grid.axes != self.guard.axes:
            raise ValueError(
                f"the guard must be on the variables of the bias grid, {bias.grid.axes}; got "
                f"{self.guard.axes}"
            )
        total = bias.grid.values + self._on(bias.grid)
        return replace(bias, grid=replace(bias.grid, values=total))

    def _on(self, grid: Grid) -> Floats:
        """The guard at the nodes of the method's grid, linear between its own; computed once."""
        from scipy.interpolate import RegularGridInterpolator

        key = (tuple(grid.low), tuple(grid.high), grid.values.shape)
        if key not in self._resampled:
            nodes = np.stack(np.meshgrid(*grid.nodes(), indexing="ij"), axis=-1)
            found = RegularGridInterpolator(
                self.guard.nodes(), self.guard.values, bounds_error=False, fill_value=None
            )(nodes)
            self._resampled[key] = np.maximum(np.asarray(found), 0.0)
        return self._resampled[key]

    def update(self, state: Any, values: Floats, energies: Floats) -> Any:
        """Do as the method does."""
        return self.method.update(state, values, energies)

    def log_weights(self, state: Any, energies: Floats) -> Floats:
        """Give the weights of the method: the guard is part of the bias that is weighted away."""
        weights: Floats = self.method.log_weights(state, energies)
        return weights
