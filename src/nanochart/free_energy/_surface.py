"""Free-energy surfaces on a grid, with errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from nanochart.free_energy._blocks import Blocks, make_blocks
from nanochart.free_energy._umbrella import UmbrellaWeights
from nanochart.free_energy._weights import (
    effective_sample_size,
    log_weights_of,
    normalized,
    resampled_sums,
)
from nanochart.units import BOLTZMANN

__all__ = ["Surface", "free_energy_surface"]

Floats = NDArray[np.float64]

#: Effective samples near a node below which it was not seen: those of one at 1.7 bandwidths.
_SEEN = 0.25
_N_BOOTSTRAP = 200


@dataclass(frozen=True, eq=False)
class Surface:
    r"""A free energy on a regular grid in 1 to 3 dimensions.

    Attributes
    ----------
    axes
        Nodes of each axis, in the units of the variables.
    energy
        F in eV above its minimum; NaN where nothing was seen.
    error
        Standard error in eV of F minus F at the minimum (zero there), by the bootstrap of blocks;
        NaN where only a few blocks know the node, and everywhere if there are too few blocks.
    temperature
        K.
    bandwidth
        Of the kernel along each axis, in the units of the variables.
    replicas
        (bootstrap, ...) resampled surfaces in eV, zero at the node of the minimum.
    effective
        Samples of equal weight that the weights are worth (Kish).
    blocks
        What was resampled.
    gauge_invariant
        Whether it is the geometric free energy.
    """

    axes: tuple[Floats, ...]
    energy: Floats
    error: Floats
    temperature: float
    bandwidth: tuple[float, ...]
    replicas: Floats
    effective: float
    blocks: Blocks
    gauge_invariant: bool = False

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.axes)

    @property
    def minimum(self) -> tuple[int, ...]:
        """Node of the lowest free energy."""
        return tuple(int(i) for i in np.unravel_index(np.nanargmin(self.energy), self.energy.shape))


def free_energy_surface(
    values: ArrayLike,
    log_weights: ArrayLike | UmbrellaWeights,
    temperature: float,
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    shape: int | Sequence[int] | None = None,
    bandwidth: Sequence[float] | None = None,
    log_gram: ArrayLike | None = None,
    blocks: Blocks | None = None,
    seed: int = 0,
) -> Surface:
    r"""Free energy :math:`F(s) = -k_B T \ln P(s)` from weighted samples, with errors.

    P is a kernel density on a grid: the weighted histogram, smoothed by a Gaussian of
    ``bandwidth``. With ``log_gram`` it is the geometric free energy

    .. math:: F_G(s) = -k_B T \ln \big\langle \delta(s(x) - s) \sqrt{\det J J^T} \big\rangle ,
        \qquad J = \partial s / \partial x ,

    which a smooth reparametrization of s leaves as it is, so that two trainings of a chart can
    agree on it (Hartmann, Latorre, Ciccotti, Eur. Phys. J. Spec. Top. 200, 73 (2011); Dietrich,
    Salvalaglio, J. Chem. Phys. 163 (2025)); F itself changes by the Jacobian.

    Parameters
    ----------
    values
        (time, walker, d), d = 1 to 3.
    log_weights
        (time, walker), logarithms of the weights; zero for unbiased samples; `umbrella_weights`
        of umbrella windows.
    temperature
        K.
    low, high
        Ends of the grid; by default those of the samples with a margin.
    shape
        Nodes of each axis; 120 in one dimension, 60 in two, 32 in three.
    bandwidth
        Of the kernel; by default 1.2 nodes.
    log_gram
        (time, walker), ½ ln det J J^T of each sample; None for the plain surface.
    blocks
        What is resampled; by default from the variables.
    seed
        Of the bootstrap.

    Raises
    ------
    ValueError
        If shapes do not fit, or nothing has a weight.
    """
    s = np.asarray(values, dtype=np.float64)
    logs = log_weights_of(log_weights)
    if s.ndim != 3 or not 1 <= s.shape[2] <= 3 or logs.shape != s.shape[:2]:
        raise ValueError(
            "a surface needs values (time, walker, 1 to 3 variables) and log-weights (time, "
            f"walker); got {s.shape} and {logs.shape}"
        )
    if not temperature > 0:
        raise ValueError(f"the temperature of a surface must be above 0 K; got {temperature!r}")
    d = s.shape[2]
    factor = np.zeros_like(logs) if log_gram is None else np.asarray(log_gram, dtype=np.float64)
    total = logs + factor
    weights = normalized(total)
    nodes = _nodes(s, weights, low, high, shape)
    steps = np.array([axis[1] - axis[0] for axis in nodes])
    widths = 1.2 * steps if bandwidth is None else np.asarray(bandwidth, dtype=np.float64)
    if widths.shape != (d,) or not (widths > 0).all():
        raise ValueError(
            f"the bandwidth must have {d} positive numbers, one for each variable; got {bandwidth}"
        )
    if blocks is None:
        blocks = make_blocks(s)
    place = [np.rint((s[..., a] - nodes[a][0]) / steps[a]).astype(np.int64) for a in range(d)]
    sizes = tuple(len(axis) for axis in nodes)
    inside = np.all([(p >= 0) & (p < n) for p, n in zip(place, sizes, strict=True)], axis=0)
    flat = np.ravel_multi_index([np.where(inside, p, 0) for p in place], sizes)
    # Samples off the grid have no place; they are collected behind its last node.
    n_nodes = int(np.prod(sizes))
    flat = np.where(inside, flat, n_nodes)
    sums, resamples = resampled_sums(
        log_weights, blocks, flat, n_nodes + 1, _N_BOOTSTRAP, seed, factor=factor
    )
    squares = np.asarray(
        np.bincount(flat.ravel(), (weights**2).ravel(), n_nodes + 1)[:n_nodes], dtype=np.float64
    )
    smooth = tuple(widths / steps)

    def density(histogram: Floats) -> Floats:
        return np.asarray(gaussian_filter(histogram.reshape(sizes), smooth, mode="constant"))

    kT = BOLTZMANN * temperature
    p = density(sums[:n_nodes])
    # Kish's number of samples near each node, times the kernel; of a lone sample it is the kernel.
    near = np.divide(p**2, density(squares), out=np.zeros_like(p), where=p > 0)
    peak = float(np.prod([1.0 / (np.sqrt(2.0 * np.pi) * b) for b in smooth]))
    seen = (p > 0) & (near > _SEEN * peak)
    if not seen.any():
        raise ValueError("no node of the grid was seen: choose low and high around the samples")
    energy = np.full(sizes, np.nan)
    energy[seen] = -kT * np.log(p[seen])
    best = np.unravel_index(np.nanargmin(energy), sizes)
    energy = energy - energy[best]
    replicas = np.full((_N_BOOTSTRAP, *sizes), np.nan, dtype=np.float64)
    for k, resample in enumerate(resamples):
        q = density(resample[:n_nodes])
        known = seen & (q > 0)
        if q[best] > 0:
            replicas[k][known] = -kT * np.log(q[known] / q[best])
    error = np.full(sizes, np.nan)
    # A node that a tenth of the resamples lose is known by a few blocks only.
    kept = seen & (np.isnan(replicas).mean(axis=0) <= 0.1)
    if blocks.reliable:
        error[kept] = np.nanstd(replicas[:, kept], axis=0, ddof=1)
    return Surface(
        nodes, energy, error, temperature, tuple(float(b) for b in widths), replicas,
        effective_sample_size(total), blocks, log_gram is not None,
    )  # fmt: skip


def _nodes(
    s: Floats,
    weights: Floats,
    low: Sequence[float] | None,
    high: Sequence[float] | None,
    shape: int | Sequence[int] | None,
) -> tuple[Floats, ...]:
    d = s.shape[2]
    known = s[weights > 0]
    margin = 0.06 * np.ptp(known, axis=0)
    a = known.min(axis=0) - margin if low is None else np.asarray(low, dtype=np.float64)
    b = known.max(axis=0) + margin if high is None else np.asarray(high, dtype=np.float64)
    sizes = {1: 120, 2: 60, 3: 32}[d] if shape is None else shape
    n = (int(sizes),) * d if isinstance(sizes, int) else tuple(int(k) for k in sizes)
    if len(a) != d or len(b) != d or len(n) != d or not (b > a).all() or min(n) < 4:
        raise ValueError(
            f"the grid needs low below high and at least 4 nodes for each of the {d} variables; "
            f"got {list(a)}, {list(b)} and {n}"
        )
    return tuple(np.linspace(x, y, k) for x, y, k in zip(a, b, n, strict=True))
