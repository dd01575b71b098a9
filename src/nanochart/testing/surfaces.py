"""Free-energy surfaces in closed form, as segments for the methods of biasing."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing import Bias, BiasedSamples, BiasedState
from nanochart.compiled.random_numbers import seed_streams
from nanochart.dynamics import State
from nanochart.testing.kernels import run_on_surface
from nanochart.units import BOLTZMANN

__all__ = ["WellMixture"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WellMixture:
    r"""One particle on a surface whose Boltzmann distribution is a mixture of Gaussians.

    .. math:: U(s) = -k_B T \ln \sum_i p_i \prod_a
        \frac{e^{-(s_a - c_{i,a})^2 / 2 \sigma_a^2}}{\sqrt{2 \pi} \sigma_a},
        \qquad P(s) = e^{-U(s) / k_B T}

    in 1 to 3 dimensions, so the free energy at the temperature T is U itself, and the population
    of a well is :math:`p_i` where wells do not overlap. Between two wells that are 2Δ apart the
    barrier is about :math:`\tfrac12 (\Delta / \sigma)^2 k_B T`. The dynamics are BAOAB of unit
    mass, under the same compiled bias as the dynamics of clusters, at the temperature of each
    walker: one that is hotter follows :math:`P^{T / T'}`.

    Parameters
    ----------
    centres
        Centres of the wells, (well, d).
    populations
        Populations of the wells, (well,), which sum to 1.
    sigma
        Width of every well, the same along each axis.
    temperature
        Temperature T in K.
    time_step, friction
        Time step and friction of the particle, in units where energies are in eV and the mass is 1.
    """

    centres: tuple[tuple[float, ...], ...]
    populations: tuple[float, ...]
    sigma: float = 0.15
    temperature: float = 300.0
    time_step: float = 0.1
    friction: float = 1.0
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        d = len(self.centres[0])
        if not 1 <= d <= 3 or len(self.populations) != len(self.centres):
            raise ValueError(
                "a mixture of wells needs centres in 1 to 3 dimensions and a population for each; "
                f"got {self.centres!r} and {self.populations!r}"
            )
        object.__setattr__(self, "names", tuple(f"x{a + 1}" for a in range(d)))

    @property
    def threads(self) -> bool:
        """Walkers may run in threads."""
        return True

    @property
    def kT(self) -> float:  # noqa: N802  the symbol
        """Thermal energy k_B T in eV."""
        return BOLTZMANN * self.temperature

    def start(self, n_walkers: int, seed: int, well: int = 0) -> BiasedState:
        """Walkers at rest at the bottom of a well."""
        d = len(self.names)
        positions = np.zeros((n_walkers, 1, 3))
        positions[:, 0, :d] = self.centres[well]
        rng = np.random.default_rng(seed)
        walkers = State(
            positions,
            np.zeros_like(positions),
            np.full(n_walkers, self.temperature),
            seed_streams(rng, n_walkers),
            np.zeros(n_walkers, dtype=np.int64),
        )
        return BiasedState(walkers, np.zeros(n_walkers))

    def __call__(
        self, state: BiasedState, bias: Bias, n_steps: int, sample_every: int
    ) -> tuple[BiasedState, BiasedSamples]:
        """A segment, as `nanochart.biasing.BiasedDynamics` is one."""
        walkers, d = state.walkers, len(self.names)
        n, n_samples = len(walkers), n_steps // sample_every
        x, v = walkers.positions.copy(), walkers.velocities.copy()
        random, work = walkers.random.copy(), state.work.copy()
        values, energies = np.empty((n, n_samples, d)), np.empty((n, n_samples, 4))
        weights, centres, widths = self._wells()
        for k in range(n):
            run_on_surface(
                weights, centres, widths, self.kT, BOLTZMANN * walkers.temperatures[k],
                self.time_step, self.friction, x[k, 0, :d], v[k, 0, :d], random[k], n_steps,
                sample_every, bias.tables,
                int(walkers.steps[k]), work[k : k + 1], values[k], energies[k],
            )  # fmt: skip
        moved = replace(
            walkers, positions=x, velocities=v, random=random, steps=walkers.steps + n_steps
        )
        positions = np.zeros((n_samples, n, 1, 3))
        positions[:, :, 0, :d] = values.swapaxes(0, 1)
        by_sample = energies.swapaxes(0, 1)
        samples = BiasedSamples(
            positions, by_sample[..., 0], by_sample[..., 1], values.swapaxes(0, 1),
            by_sample[..., 2], by_sample[..., 3],
        )  # fmt: skip
        return BiasedState(moved, work), samples

    def _wells(self) -> tuple[Floats, Floats, Floats]:
        centres = np.array(self.centres, dtype=np.float64)
        return np.array(self.populations), centres, np.full_like(centres, self.sigma)

    def density(self, s: ArrayLike) -> Floats:
        """P(s) of points (..., d)."""
        points = np.asarray(s, dtype=np.float64)
        z = (points[..., None, :] - np.array(self.centres)) / self.sigma
        size = (np.sqrt(2.0 * np.pi) * self.sigma) ** len(self.names)
        density: Floats = (np.array(self.populations) * np.exp(-0.5 * (z**2).sum(axis=-1))).sum(
            axis=-1
        ) / size
        return density

    def free_energy(self, s: ArrayLike) -> Floats:
        """-k_B T ln P(s) in eV."""
        energy: Floats = -self.kT * np.log(self.density(s))
        return energy

    def well(self, s: ArrayLike) -> NDArray[np.int64]:
        """The nearest well of points (..., d)."""
        points = np.asarray(s, dtype=np.float64)
        away = ((points[..., None, :] - np.array(self.centres)) ** 2).sum(axis=-1)
        return np.asarray(away.argmin(axis=-1), dtype=np.int64)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Independent points (n, d) of the distribution."""
        chosen = rng.choice(len(self.populations), n, p=self.populations)
        centres = np.array(self.centres)[chosen]
        return np.asarray(centres + rng.normal(0.0, self.sigma, centres.shape))
