"""On-the-fly probability enhanced sampling."""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias, Grid, Wall
from nanochart.biasing.methods.gaussians import check_axes, gaussian, grid_shape
from nanochart.units import BOLTZMANN

__all__ = ["OPES", "OPESState"]

Floats = NDArray[np.float64]

#: Nodes of the grid in a first width; kernels shrink to a third of it at most.
_NODES_PER_SIGMA = 6
#: Distance in widths below which a new kernel joins one that is there.
_THRESHOLD = 1.0


class OPESState(NamedTuple):
    """State of OPES: the kernels, (kernel, d) and (kernel,), and running sums.

    ``probability`` is the sum of the kernels on the grid, not normalized; ``sums`` holds Σ w, Σ w²,
    the number of samples, and Z; ``energies`` is the bias on the grid in eV.
    """

    centres: Floats
    widths: Floats
    heights: Floats
    probability: Floats
    sums: Floats
    energies: Floats


@dataclass(frozen=True)
class OPES:
    r"""On-the-fly probability enhanced sampling (OPES) in 1 to 3 variables.

    The unbiased distribution P is estimated by a compressed kernel density of the reweighted
    samples, and the bias is

    .. math:: V(s) = \Big(1 - \frac{1}{\gamma}\Big) k_B T
        \ln \Big( \frac{P(s)}{Z} + \epsilon \Big), \qquad
        \epsilon = e^{-\Delta E / ((1 - 1/\gamma) k_B T)}, \qquad \gamma = \Delta E / k_B T

    with Z the mean of P over the kernels, that is over the region explored. Each sample has the
    weight :math:`e^{V / k_B T}`; the widths shrink with the effective number of samples by
    Silverman's rule; a kernel that is closer than one width to another is merged with it.
    (Invernizzi, Parrinello, J. Phys. Chem. Lett. 11, 2731 (2020).) The bias is quasi-static soon,
    and no barrier above ΔE is crossed.

    Parameters
    ----------
    temperature
        Temperature T in K.
    barrier
        Highest free-energy barrier ΔE to be crossed, in eV.
    sigma
        First widths of the kernels, about the fluctuation within a basin, in the units of the
        variables.
    low, high
        Range of the grid that the bias is tabulated on.
    bias_factor
        Bias factor γ; None is ΔE / k_B T.
    walls
        Walls, which are added to the bias.
    narrowest
        Widths below which kernels do not shrink; by default a third of ``sigma``. The curvature
        of the bias is about :math:`k_B T / \sigma^2`, which its stride must be able to follow.
    """

    section: ClassVar[str | None] = "opes"
    State: ClassVar[type] = OPESState
    n_windows: ClassVar[int] = 1

    temperature: float
    barrier: float
    sigma: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    bias_factor: float | None = None
    walls: tuple[Wall, ...] = ()
    narrowest: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_axes(self.low, self.high, self.sigma, "OPES")
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature of OPES must be above 0 K; got {self.temperature!r}")
        if not (np.isfinite(self.barrier) and self.gamma > 1.0):
            raise ValueError(
                f"the barrier of OPES must be above kT, {BOLTZMANN * self.temperature:.4g} eV, and "
                f"the bias factor above 1; got {self.barrier!r} eV and {self.gamma:.4g}"
            )

    @property
    def gamma(self) -> float:
        """The bias factor γ."""
        if self.bias_factor is not None:
            return self.bias_factor
        return self.barrier / (BOLTZMANN * self.temperature)

    @property
    def _scale(self) -> float:
        return (1.0 - 1.0 / self.gamma) * BOLTZMANN * self.temperature

    @property
    def _reach(self) -> float:
        """Widths beyond which a kernel is below ε, and therefore zero."""
        return float(np.sqrt(2.0 * self.barrier / self._scale))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes of the grid along each axis."""
        return grid_shape(self.low, self.high, self.sigma, _NODES_PER_SIGMA)

    def at(self, temperature: float) -> "OPES":
        """Give the method at another temperature in K."""
        return replace(self, temperature=temperature)

    def initialize(self, n_variables: int) -> OPESState:
        """Begin with no kernels, and no bias."""
        d = len(self.sigma)
        if d > n_variables:
            raise ValueError(f"OPES has a width for each of {d} variables; got {n_variables}")
        empty = np.zeros((0, d))
        grid = np.zeros(self.shape)
        return OPESState(empty, empty, np.zeros(0), grid, np.array([0, 0, 0, 1.0]), grid)

    def grid(self, state: OPESState) -> Grid:
        """Give the bias so far, shifted to be zero at its lowest, which changes no force."""
        axes = tuple(range(len(self.sigma)))
        return Grid(np.array(self.low), np.array(self.high), state.energies, axes)

    def _energies(self, probability: Floats, total: float, normalization: float) -> Floats:
        """V on the grid in eV; zero where nothing was seen."""
        seen = probability > 0.0  # kernels that merged were taken away again: rounding is left
        energies = np.zeros(probability.shape)
        epsilon = np.exp(-self.barrier / self._scale)
        density = probability[seen] / (total * normalization)
        energies[seen] = self._scale * np.log(density + epsilon) + self.barrier
        return energies

    def bias(self, state: OPESState, walker: int, n_variables: int) -> Bias:
        """Give the bias of the next round, the same for every walker."""
        del walker
        return Bias(n_variables, grid=self.grid(state), walls=self.walls)

    def log_weights(self, state: OPESState, energies: Floats) -> Floats:
        """V / kT of each walker, from the energy of its bias in eV, measured from -ΔE."""
        offset = self.barrier if state.sums[0] > 0 else 0.0
        return (energies - offset) / (BOLTZMANN * self.temperature)

    def update(self, state: OPESState, values: Floats, energies: Floats) -> OPESState:
        """Add the reweighted kernels of all walkers, merge, and normalize anew.

        The weights are those of this bias alone: what walls keep out is no part of P.
        """
        del energies
        d, grid = len(self.sigma), self.grid(state)
        centres, widths, heights = (
            list(state.centres), list(state.widths), list(state.heights),
        )  # fmt: skip
        table, (total, squares, count, _) = state.probability.copy(), state.sums
        nodes = grid.nodes()
        narrowest = self._narrowest(nodes)
        log_weights = self.log_weights(state, grid(values[:, :d]))
        for s, log_weight in zip(values[:, :d], log_weights, strict=True):
            if not ((s >= self.low) & (s <= self.high)).all():
                continue
            w = float(np.exp(log_weight))
            total, squares, count = total + w, squares + w * w, count + 1
            size = total**2 / squares
            shrink = (size * (d + 2.0) / 4.0) ** (-1.0 / (d + 4.0)) if count > 1 else 1.0
            width = np.maximum(np.array(self.sigma) * min(shrink, 1.0), narrowest)
            height = w * float(np.prod(np.array(self.sigma) / width))
            _merge(table, nodes, centres, widths, heights, s, width, height, self._reach)
        if not centres:
            return state
        c, v, h = np.array(centres), np.array(widths), np.array(heights)
        normalization = _mean(nodes, table, c) / total
        sums = np.array([total, squares, count, normalization])
        return OPESState(c, v, h, table, sums, self._energies(table, total, normalization))

    def _narrowest(self, nodes: list[Floats]) -> Floats:
        """At least two nodes: a narrower Gaussian would fall through the grid."""
        least = np.array([2.0 * (axis[1] - axis[0]) for axis in nodes])
        return least if self.narrowest is None else np.maximum(least, self.narrowest)


def _merge(
    table: Floats,
    nodes: list[Floats],
    centres: list[Floats],
    widths: list[Floats],
    heights: list[float],
    s: Floats,
    width: Floats,
    height: float,
    reach: float,
) -> None:
    """Add a kernel, or merge it with the nearest so that mass, mean and variance are kept."""
    if centres:
        away = (((np.array(centres) - s) / np.array(widths)) ** 2).sum(axis=1)
        k = int(away.argmin())
        if away[k] < _THRESHOLD**2:
            old_centre, old_width, old = centres.pop(k), widths.pop(k), float(heights.pop(k))
            window, kernel = gaussian(nodes, old_centre, old_width, old, reach)
            table[window] -= kernel
            share = height + old
            centre = (height * s + old * old_centre) / share
            second = (height * (width**2 + s**2) + old * (old_width**2 + old_centre**2)) / share
            s, width = centre, np.sqrt(np.maximum(second - centre**2, 1e-30))
            height = share
    window, kernel = gaussian(nodes, s, width, height, reach)
    table[window] += kernel
    centres.append(s)
    widths.append(width)
    heights.append(float(height))


def _mean(nodes: list[Floats], table: Floats, centres: Floats) -> float:
    """Mean over the kernels of the density (not normalized) at their centres."""
    from scipy.ndimage import map_coordinates

    places = [
        (column - axis[0]) / (axis[1] - axis[0])
        for column, axis in zip(centres.T, nodes, strict=True)
    ]
    return float(map_coordinates(table, places, order=1, mode="nearest").mean())
