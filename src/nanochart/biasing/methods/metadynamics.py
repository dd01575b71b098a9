"""Well-tempered metadynamics."""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias, Grid, Wall
from nanochart.biasing.methods.gaussians import check_axes, gaussian, grid_shape
from nanochart.units import BOLTZMANN

__all__ = ["Metadynamics", "MetadynamicsState"]

Floats = NDArray[np.float64]

#: Nodes of the grid in a width of the Gaussians.
_NODES_PER_SIGMA = 5


class MetadynamicsState(NamedTuple):
    """State of metadynamics: the bias on the grid and the hills.

    ``values`` is the bias on the grid in eV; ``centres`` (hill, d) and ``heights`` (hill,) are
    those of the hills; ``logs`` (2,) are the logarithms of the sums over nodes whose ratio is c(t).
    """

    values: Floats
    centres: Floats
    heights: Floats
    logs: Floats


@dataclass(frozen=True)
class Metadynamics:
    r"""Well-tempered metadynamics on a grid in 1 to 3 variables, with any number of walkers.

    After every round each walker adds a Gaussian where it is,

    .. math:: V(s) \leftarrow V(s) + h\, e^{-V(s_t) / (k_B (\gamma - 1) T)}
        \prod_a e^{-(s_a - s_{t,a})^2 / 2 \sigma_a^2}

    so that V tends to :math:`-(1 - 1/\gamma) F(s)` (Barducci, Bussi, Parrinello, Phys. Rev. Lett.
    100, 020603 (2008)). The walkers share the bias (Raiteri et al., J. Phys. Chem. B 110, 3533
    (2006)); each sees the hills of all from the next round on. A configuration has the weight
    :math:`e^{(V(s, t) - c(t)) / k_B T}` with

    .. math:: c(t) = k_B T \ln \frac{\int e^{\frac{\gamma}{\gamma - 1} V / k_B T} ds}
                                    {\int e^{\frac{1}{\gamma - 1} V / k_B T} ds}

    (Tiwary, Parrinello, J. Phys. Chem. B 119, 736 (2015)).

    Parameters
    ----------
    temperature
        Temperature T in K.
    height
        Height h of a Gaussian where there is no bias yet, in eV.
    sigma
        Widths σ of the Gaussians along the first d variables, in the units of these.
    bias_factor
        Bias factor γ, above 1.
    low, high
        Range of the grid; a walker outside adds nothing and feels nothing, so walls belong inside.
    walls
        Walls, which are added to the bias.
    """

    section: ClassVar[str | None] = "metadynamics"
    State: ClassVar[type] = MetadynamicsState
    n_windows: ClassVar[int] = 1

    temperature: float
    height: float
    sigma: tuple[float, ...]
    bias_factor: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    walls: tuple[Wall, ...] = ()

    def __post_init__(self) -> None:
        check_axes(self.low, self.high, self.sigma, "metadynamics")
        for name, value, least, unit in (
            ("temperature", self.temperature, 0.0, "K"),
            ("height", self.height, 0.0, "eV"),
            ("bias_factor", self.bias_factor, 1.0, ""),
        ):
            if not (np.isfinite(value) and value > least):
                raise ValueError(
                    f"{name} of metadynamics must be a number above {least:g} {unit}".rstrip()
                    + f"; got {value!r}"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of nodes of the grid along each axis."""
        return grid_shape(self.low, self.high, self.sigma, _NODES_PER_SIGMA)

    def at(self, temperature: float) -> "Metadynamics":
        """Give the method at another temperature in K."""
        return replace(self, temperature=temperature)

    def initialize(self, n_variables: int) -> MetadynamicsState:
        """Begin with no hills."""
        d = len(self.sigma)
        if d > n_variables:
            raise ValueError(
                f"metadynamics has a width for each of {d} variables; got {n_variables} variables"
            )
        logs = np.full(2, np.log(np.prod(self.shape)))
        return MetadynamicsState(np.zeros(self.shape), np.zeros((0, d)), np.zeros(0), logs)

    def grid(self, state: MetadynamicsState) -> Grid:
        """Give the bias so far."""
        axes = tuple(range(len(self.sigma)))
        return Grid(np.array(self.low), np.array(self.high), state.values, axes)

    def bias(self, state: MetadynamicsState, walker: int, n_variables: int) -> Bias:
        """Give the bias of the next round, the same for every walker."""
        del walker
        return Bias(n_variables, grid=self.grid(state), walls=self.walls)

    def update(
        self, state: MetadynamicsState, values: Floats, energies: Floats
    ) -> MetadynamicsState:
        """Add a hill for every walker that is on the grid."""
        del energies
        d, kT = len(self.sigma), BOLTZMANN * self.temperature
        grid = self.grid(state)
        on_grid = ((values[:, :d] >= self.low) & (values[:, :d] <= self.high)).all(axis=1)
        centres = values[on_grid, :d]
        if len(centres) == 0:
            return state
        heights = self.height * np.exp(-grid(centres) / ((self.bias_factor - 1.0) * kT))
        table, logs = state.values.copy(), state.logs
        nodes, sigma = grid.nodes(), np.array(self.sigma)
        for centre, height in zip(centres, heights, strict=True):
            window, hill = gaussian(nodes, centre, sigma, float(height))
            logs = np.logaddexp(logs, self._gain(table[window], hill))
            table[window] += hill
        return MetadynamicsState(
            table,
            np.concatenate([state.centres, centres]),
            np.concatenate([state.heights, heights]),
            logs,
        )

    @property
    def _exponents(self) -> tuple[float, float]:
        """Of the two integrals of c(t), in 1/eV."""
        kT, gamma = BOLTZMANN * self.temperature, self.bias_factor
        return gamma / ((gamma - 1.0) * kT), 1.0 / ((gamma - 1.0) * kT)

    def _gain(self, before: Floats, hill: Floats) -> Floats:
        """Logarithms of what a hill adds to the two sums, so that nodes it misses cost nothing."""
        gains = np.empty(2)
        for k, exponent in enumerate(self._exponents):
            after = before + hill
            top = float(after.max())
            added = np.exp(exponent * (after - top)) * -np.expm1(-exponent * hill)
            gains[k] = exponent * top + np.log(added.sum())
        return gains

    def offset(self, state: MetadynamicsState) -> float:
        """c(t) in eV."""
        return float(BOLTZMANN * self.temperature * (state.logs[0] - state.logs[1]))

    def log_weights(self, state: MetadynamicsState, energies: Floats) -> Floats:
        """(V - c(t)) / kT of each walker, from the energy of its bias in eV."""
        return (energies - self.offset(state)) / (BOLTZMANN * self.temperature)
