"""Systems whose averages are known in closed form, as segments for parallel tempering."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import gamma, norm

from nanochart.dynamics import Samples, State
from nanochart.units import BOLTZMANN

__all__ = ["TwoBasins"]


@dataclass(frozen=True)
class TwoBasins:
    r"""Two harmonic basins that only a hot replica leaves.

    Basin b has the minimum energy ε_b and the stiffness k_b (eV/Å²) in all d = 3N coordinates,

    .. math::

        Z_b(\beta) = e^{-\beta \epsilon_b} \Big( \frac{2 \pi}{\beta k_b} \Big)^{d/2},
        \qquad p_b = \frac{Z_b}{Z_0 + Z_1}, \qquad
        \langle E \rangle = \sum_b p_b \epsilon_b + \frac{d}{2 \beta}.

    Basin 1 is centred at ``separation`` along every coordinate. A call draws each replica from
    the Boltzmann distribution of its basin; from ``crossing`` kelvins on it draws the basin, too.
    Cold replicas reach the populations of both basins by exchange alone. With equal basins at any
    temperature it is a plain harmonic well.
    """

    energies: tuple[float, float] = (0.0, 0.0)
    stiffnesses: tuple[float, float] = (1.0, 1.0)
    crossing: float = 0.0
    separation: float = 1000.0

    def __call__(self, state: State, n_steps: int, sample_every: int) -> tuple[State, Samples]:
        """Independent draws in place of dynamics."""
        n_samples = n_steps // sample_every
        n_replicas, n_atoms, _ = state.positions.shape
        sampled = np.empty((n_samples, n_replicas, n_atoms, 3))
        energies = np.empty((n_samples, n_replicas))
        random = state.random.copy()
        for k in range(n_replicas):
            rng = np.random.default_rng(state.random[k])
            beta = 1.0 / (BOLTZMANN * state.temperatures[k])
            basin = self.basin(state.positions[k])
            for n in range(n_samples):
                if state.temperatures[k] >= self.crossing:
                    basin = int(rng.random() < self.population(1, beta, 3 * n_atoms))
                width = np.sqrt(1.0 / (beta * self.stiffnesses[basin]))
                shift = rng.normal(0.0, width, (n_atoms, 3))
                sampled[n, k] = basin * self.separation + shift
                energies[n, k] = self.energies[basin] + 0.5 * self.stiffnesses[basin] * np.sum(
                    shift**2
                )
            random[k] = rng.integers(0, 2**63, 4, dtype=np.uint64)
        moved = replace(state, positions=sampled[-1], random=random, steps=state.steps + n_steps)
        return moved, Samples(sampled, energies, np.zeros_like(energies))

    def basin(self, positions: NDArray[np.float64]) -> int:
        """Give the basin of one configuration (atom, 3), 0 or 1."""
        return int(positions.mean() > 0.5 * self.separation)

    def population(self, basin: int, beta: float, dimension: int) -> float:
        """Exact probability of a basin."""
        log_z = [
            -beta * self.energies[b] - 0.5 * dimension * np.log(self.stiffnesses[b]) for b in (0, 1)
        ]
        return float(1.0 / (1.0 + np.exp(log_z[1 - basin] - log_z[basin])))

    def mean_energy(self, beta: float, dimension: int) -> float:
        """Exact average of the energy, eV."""
        basins = sum(self.population(b, beta, dimension) * self.energies[b] for b in (0, 1))
        return float(basins + 0.5 * dimension / beta)

    def heat_capacity(self, temperature: float, dimension: int) -> float:
        r"""Exact heat capacity of the potential energy in eV/K, at ``temperature`` in K.

        .. math:: C = \frac{d}{2} k + \frac{p_0 p_1 (\epsilon_1 - \epsilon_0)^2}{k T^2}
        """
        p = self.population(1, 1.0 / (BOLTZMANN * temperature), dimension)
        gap = self.energies[1] - self.energies[0]
        jumps = p * (1.0 - p) * gap**2 / (BOLTZMANN * temperature**2)
        return float(0.5 * dimension * BOLTZMANN + jumps)

    def peak_temperature(self, low: float, high: float, dimension: int) -> float:
        """Exact temperature in K of the highest heat capacity between ``low`` and ``high``."""
        found = minimize_scalar(
            lambda T: -self.heat_capacity(T, dimension),
            bounds=(low, high), method="bounded", options={"xatol": 1e-6},
        )  # fmt: skip
        return float(found.x)

    def draw(
        self,
        temperatures: ArrayLike,
        n_frames: int,
        dimension: int,
        rng: np.random.Generator,
        *,
        correlation: float = 0.0,
        shared: float = 0.0,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Energies in eV and basins, each (frame, temperature), from the exact distribution.

        Basin and energy follow from uniform numbers, each the normal distribution function of an
        autoregressive series, so that single frames are exact however long they remember.

        Parameters
        ----------
        temperatures
            Temperatures in K.
        n_frames
            Number of frames of the series.
        dimension
            Number of coordinates d.
        rng
            Random generator, which is consumed.
        correlation
            Correlation of each series from one frame to the next, 0 for independent frames.
        shared
            Correlation of simultaneous frames at different temperatures, as exchanges make.
        """
        T = np.asarray(temperatures, dtype=np.float64)
        kicks = rng.normal(size=(n_frames, 2, len(T))) * np.sqrt(1.0 - shared)
        kicks += rng.normal(size=(n_frames, 2, 1)) * np.sqrt(shared)
        series = np.empty_like(kicks)
        series[0] = kicks[0]
        for n in range(1, n_frames):
            fresh = np.sqrt(1.0 - correlation**2) * kicks[n]
            series[n] = correlation * series[n - 1] + fresh
        uniform = norm.cdf(series)
        beta = 1.0 / (BOLTZMANN * T)
        p = np.array([self.population(1, b, dimension) for b in beta])
        basins = (uniform[:, 0] < p).astype(np.int64)
        thermal = gamma.ppf(uniform[:, 1], 0.5 * dimension) / beta
        return np.asarray(self.energies)[basins] + thermal, basins

    @staticmethod
    def harmonic_acceptance(beta_i: float, beta_j: float, dimension: int) -> float:
        r"""Exact exchange acceptance between two harmonic wells of equal energy.

        Energies are gamma distributed with shape d/2; the average of
        :math:`\min(1, e^{(\beta_i - \beta_j)(E_i - E_j)})` is twice the probability that the
        colder replica has the higher energy.
        """
        cold, hot = max(beta_i, beta_j), min(beta_i, beta_j)
        shape = 0.5 * dimension
        high = gamma.ppf(1.0 - 1e-14, shape, scale=1.0 / hot)
        probability, _ = quad(
            lambda e: gamma.pdf(e, shape, scale=1.0 / hot) * gamma.sf(e, shape, scale=1.0 / cold),
            0.0, high, limit=400, points=[shape / hot, shape / cold],
        )  # fmt: skip
        return float(2.0 * probability)
