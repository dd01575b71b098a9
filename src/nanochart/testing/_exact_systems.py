"""Systems whose averages are known in closed form, as segments for parallel tempering."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import gamma

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
        """0 or 1: the basin of one configuration (atom, 3)."""
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
