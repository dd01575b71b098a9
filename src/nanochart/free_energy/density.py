"""Kernel density of weighted samples on a grid that is as fine as the narrowest basin asks for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nanochart.shown import short_repr

__all__ = ["Density", "grid_shape", "resolved_density"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Effective samples near a node below which it was not seen: those of one at 1.7 bandwidths.
_SEEN = 0.25
#: Bandwidth in nodes, and the least of it where the grid can be made no finer.
_NODES, _LEAST_NODES = 1.2, 0.6
#: Samples near a node from which it may be the zero of a free energy.
_ENOUGH = 100.0
#: Nodes of each axis to begin with, and of the whole grid at most.
_SHAPE = {1: 120, 2: 60, 3: 32}
_MOST = {1: 16_000, 2: 1_000_000, 3: 3_000_000}
#: Nodes of a grid that is asked for, at most, and the bytes that each takes with its errors.
_MOST_ASKED, _BYTES = 4_000_000, 250
#: Change with the bandwidth, in kT, below which a density is resolved; the height in kT up to which
#: that is asked; and the change in errors of chance that is lost in them.
_RESOLVED, _HIGH, _NOISE = 0.2, 15.0, 2.5


@short_repr
@dataclass(frozen=True, eq=False)
class Density:
    """Weighted samples on a grid, smoothed by a Gaussian.

    Attributes
    ----------
    axes
        Nodes of each axis.
    place
        (time, walker), node of each sample, counted through; the number of nodes for those that lie
        off the grid.
    smooth
        Width of the kernel along each axis, in nodes.
    values, wider
        The density at the nodes, and that with twice the width.
    seen
        Nodes that samples are near.
    worth
        Samples of equal weight near each node.
    """

    axes: tuple[Floats, ...]
    place: Ints
    smooth: tuple[float, ...]
    values: Floats
    wider: Floats
    seen: NDArray[np.bool_]
    worth: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """Nodes of each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def bandwidth(self) -> tuple[float, ...]:
        """Width of the kernel in the units of the variables."""
        return tuple(float(b * (a[1] - a[0])) for a, b in zip(self.axes, self.smooth, strict=True))

    def of(self, weights: Floats, samples: NDArray[np.bool_] | None = None) -> Floats:
        """The density of other weights (time, walker) of the same samples, or of some of them."""
        place, w = self.place, weights
        if samples is not None:
            place, w = place[samples], w[samples]
        return _smoothed(place, w, self.shape, self.smooth)

    @property
    def best(self) -> tuple[int, ...]:
        """Node of the highest density among those that enough samples are near."""
        enough = self.worth >= min(_ENOUGH, 0.25 * float(self.worth[self.seen].max()))
        seen = np.where(self.seen & enough, self.values, -1.0)
        return tuple(int(i) for i in np.unravel_index(int(seen.argmax()), seen.shape))

    def energies(self) -> tuple[Floats, Floats]:
        """-ln of the density and of the wider one, zero at the best node, NaN where not seen."""
        found = []
        for density in (self.values, self.wider):
            energy = np.full(self.shape, np.nan)
            energy[self.seen] = -np.log(density[self.seen])
            found.append(energy - energy[self.best])
        return found[0], found[1]


def grid_shape(shape: int | Sequence[int], d: int) -> tuple[int, ...]:
    """Nodes of each of d axes.

    Raises
    ------
    ValueError
        If these are too few, or more than a grid can have.
    """
    n = (int(shape),) * d if isinstance(shape, int) else tuple(int(k) for k in shape)
    if len(n) != d or min(n) < 4:
        raise ValueError(f"the grid needs at least 4 nodes for each of the {d} variables; got {n}")
    total = math.prod(n)
    if total > _MOST_ASKED:
        raise ValueError(
            f"the grid of a surface must have at most {_MOST_ASKED:,} nodes; got "
            f"{' x '.join(map(str, n))}, which take about {total * _BYTES / 1e9:,.0f} GB: take at "
            f"most {int(_MOST_ASKED ** (1 / d)):,} for each variable (--nodes), or fewer "
            "variables (--dimensions)"
        )
    return n


def resolved_density(
    values: Floats,
    weights: Floats,
    low: Floats,
    high: Floats,
    *,
    shape: int | Sequence[int] | None,
    bandwidth: Sequence[float] | None,
    inefficiency: float,
) -> Density:
    """Halve the bandwidth, and the nodes, until the free energy changes no more.

    It has changed no more where -ln of the density differs from that with twice the bandwidth by
    less than 2.5 of its errors of chance or 0.2, in 99 of 100 nodes below 15. One error of chance
    is exceeded by chance alone at one node in three, so that no bandwidth would pass.

    Parameters
    ----------
    values
        (time, walker, d).
    weights
        (time, walker).
    low, high
        Ends of the grid, (d,).
    shape, bandwidth
        Where one is given, nothing is halved.
    inefficiency
        Samples per independent sample.
    """
    d = values.shape[2]
    n = grid_shape(_SHAPE[d] if shape is None else shape, d)
    if bandwidth is not None:
        if shape is None:  # at least a node for each bandwidth
            spans = (high - low) / np.asarray(bandwidth)
            n = tuple(int(min(max(k, np.ceil(x)), _MOST[d] ** (1 / d)))
                      for k, x in zip(n, spans, strict=True))  # fmt: skip
        steps = (high - low) / (np.array(n) - 1)
        return _density(values, weights, low, high, n, np.asarray(bandwidth) / steps)
    found = _density(values, weights, low, high, n, np.full(d, _NODES))
    while shape is None and not _is_resolved(found, inefficiency):
        finer = tuple(2 * k for k in found.shape)
        smooth = np.full(d, _NODES)
        if np.prod(finer) > _MOST[d]:
            if found.shape != n and found.smooth[0] < _NODES:
                break
            factor = (_MOST[d] / np.prod(found.shape)) ** (1.0 / d)
            finer = tuple(int(k * factor) for k in found.shape)
            smooth = np.full(d, max(_LEAST_NODES, 0.5 * _NODES * factor))
        found = _density(values, weights, low, high, finer, smooth)
    return found


def _density(
    values: Floats, weights: Floats, low: Floats, high: Floats, shape: tuple[int, ...],
    smooth: Floats,
) -> Density:  # fmt: skip
    axes = tuple(np.linspace(a, b, k) for a, b, k in zip(low, high, shape, strict=True))
    steps = np.array([axis[1] - axis[0] for axis in axes])
    index = np.rint((values - low) / steps)
    inside = ((index >= 0) & (index < np.array(shape))).all(axis=-1)
    index = np.where(inside[..., None], index, 0).astype(np.int64)
    flat = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), shape)
    place = np.where(inside, flat, int(np.prod(shape)))
    widths = tuple(float(b) for b in smooth)
    p = _smoothed(place, weights, shape, widths)
    squares = _smoothed(place, weights**2, shape, widths)
    # Kish's number of samples near each node, times the kernel; of a lone sample it is the kernel.
    near = np.divide(p**2, squares, out=np.zeros_like(p), where=squares > 0)
    peak = float(np.prod([1.0 / (np.sqrt(2.0 * np.pi) * b) for b in smooth]))
    seen = (p > 0) & (near > _SEEN * peak)
    if not seen.any():
        raise ValueError("no node of the grid was seen: choose low and high around the samples")
    wider = _smoothed(place, weights, shape, tuple(2.0 * b for b in widths))
    # ∫K² is 2^(-d/2) of the peak: the variance of p is that of Σ w² K².
    worth = near / peak * 2.0 ** (0.5 * len(shape))
    return Density(axes, place, widths, p, wider, seen, worth)


def _smoothed(
    place: Ints, weights: Floats, shape: tuple[int, ...], smooth: tuple[float, ...]
) -> Floats:
    n = int(np.prod(shape))
    histogram = np.bincount(place.ravel(), weights.ravel(), n + 1)[:n].reshape(shape)
    return np.asarray(gaussian_filter(histogram, smooth, mode="constant"))


def _is_resolved(density: Density, inefficiency: float) -> bool:
    energy, wider = density.energies()
    chance = np.sqrt(inefficiency / np.maximum(density.worth, 1e-12))
    asked = density.seen & (np.nan_to_num(energy, nan=np.inf) < _HIGH) & (chance < 1.0)
    if not asked.any():
        return True
    excess = np.abs(energy - wider)[asked] - np.maximum(_RESOLVED, _NOISE * chance[asked])
    return bool(np.mean(excess > 0.0) <= 0.01)
