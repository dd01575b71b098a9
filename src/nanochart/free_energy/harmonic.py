r"""Partition functions of minima near 0 K, where they are harmonic, and what is left to that.

With the vibrations u about a minimum a, which neither move nor turn it,

.. math:: Z_a = \frac{1}{g_a} \int \frac{J(u)}{\sqrt{J(0)}}\, e^{-\beta E(a + u)}\, du,
          \qquad J(u) = \det \sum_i (a_i \cdot r_i\, 1 - a_i r_i^T)

in units of :math:`2 N!\, 8 \pi^2 V N^{3/2}`, which are those of every minimum of N equal atoms,
with the order g of the point group.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials import Potential
from nanochart.search import hessian, point_group_order
from nanochart.shown import short_repr
from nanochart.tempering import MappedExchange, log_rotational_jacobian
from nanochart.units import AMU, BOLTZMANN

__all__ = ["HarmonicMinimum", "harmonic_minimum", "log_anharmonicity"]

Floats = NDArray[np.float64]

#: Reduced Planck constant in eV fs.
_HBAR = 0.6582119569509066
#: As a share of the largest curvature: what is no vibration.
_LEAST = 1e-7
#: Effective draws below which an exponential average is that of a few.
_FEWEST = 30.0


@short_repr
@dataclass(frozen=True, eq=False)
class HarmonicMinimum:
    """A minimum as a harmonic oscillator that turns freely.

    Attributes
    ----------
    energy
        In eV.
    order
        Of its point group.
    positions
        (atom, 3) in Å, about their centre.
    curvatures
        Second derivatives along its vibrations in eV/Å², rising, (3N - 6,).
    modes
        The vibrations, orthonormal, (3N - 6, atom, 3).
    mass
        Of an atom in amu.
    """

    energy: float
    order: int
    positions: Floats
    curvatures: Floats
    modes: Floats
    mass: float

    def log_partition(self, temperature: ArrayLike) -> Floats:
        r"""Logarithm of Z, harmonic and classical, at temperatures in K."""
        kT = BOLTZMANN * np.asarray(temperature, dtype=np.float64)
        vibrations = 0.5 * np.log(2.0 * np.pi * kT[..., None] / self.curvatures).sum(axis=-1)
        turning = 0.5 * float(log_rotational_jacobian(self.positions, self.positions))
        found: Floats = vibrations + turning - np.log(self.order) - self.energy / kT
        return found

    def log_quantum(self, temperature: ArrayLike) -> Floats:
        r"""Logarithm of quantum over classical harmonic Z at temperatures in K.

        .. math:: \sum_k \ln \frac{x_k}{2 \sinh (x_k / 2)},
                  \qquad x_k = \frac{\hbar \omega_k}{k_B T}
        """
        kT = BOLTZMANN * np.asarray(temperature, dtype=np.float64)
        omega = np.sqrt(self.curvatures / (self.mass * AMU))
        x = _HBAR * omega / kT[..., None]
        # ln 2 sinh(x/2) = x/2 + ln(1 - e^-x)
        found: Floats = (np.log(x) - 0.5 * x - np.log1p(-np.exp(-x))).sum(axis=-1)
        return found


def harmonic_minimum(positions: ArrayLike, potential: Potential) -> HarmonicMinimum | None:
    """Vibrations of a minimum; None for what is none: where a curvature vanishes or is negative.

    Parameters
    ----------
    positions
        (atom, 3) in Å, quenched to 1e-4 eV/Å or less.
    potential
        Potential, which gives energy, forces and mass.
    """
    x = np.asarray(positions, dtype=np.float64)
    x = x - x.mean(axis=0)
    rigid = [np.tile(e, len(x)) for e in np.eye(3)] + [np.cross(e, x).ravel() for e in np.eye(3)]
    free = np.linalg.svd(np.array(rigid))[2][6:]
    curvatures, turns = np.linalg.eigh(free @ hessian(x, potential) @ free.T)
    if not curvatures[0] > _LEAST * curvatures[-1]:
        return None
    modes = (turns.T @ free).reshape(-1, *x.shape)
    energy = float(potential.energy_forces(x)[0])
    return HarmonicMinimum(
        energy, point_group_order(x), x, curvatures, modes, float(potential.mass)
    )


def log_anharmonicity(
    minimum: HarmonicMinimum, exchange: MappedExchange, temperature: float, n: int, seed: int
) -> tuple[float, float]:
    r"""Logarithm of Z over its harmonic value, by draws of the harmonic vibrations.

    .. math:: \ln \Big\langle e^{-\beta [E(a + u) - E_a] + \frac{\beta}{2} \sum_k \lambda_k u_k^2}
              \frac{J(u)}{J(0)}\, 1_{\mathrm{basin}} \Big\rangle

    where a draw counts nothing that quenches to another minimum.

    Parameters
    ----------
    minimum
        The minimum.
    exchange
        Gives the energies and the inherent structures of the dynamics.
    temperature
        In K; low enough that an average over harmonic draws is not that of a few of them.
    n, seed
        Number of draws, and the seed of them.

    Returns
    -------
    value, error
        With its standard error, which is infinite where the draws are worth less than thirty.
    """
    rng = np.random.default_rng(seed)
    kT = BOLTZMANN * temperature
    size = rng.normal(size=(n, len(minimum.curvatures)))
    u = np.einsum("nm,max->nax", size * np.sqrt(kT / minimum.curvatures), minimum.modes)
    drawn, own = minimum.positions + u, np.broadcast_to(minimum.positions, u.shape)
    energies = exchange.finite_energies(drawn)
    turned = log_rotational_jacobian(drawn, own) - log_rotational_jacobian(own, own)
    logs = -(energies - minimum.energy) / kT + 0.5 * (size**2).sum(axis=1) + turned
    logs[~exchange.in_basin(drawn, own)] = -np.inf
    top = float(logs.max())
    if not np.isfinite(top):
        return -np.inf, np.inf
    weights = np.exp(logs - top)
    mean = float(weights.mean())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    error = float(weights.std(ddof=1)) / (mean * np.sqrt(n)) if effective >= _FEWEST else np.inf
    return top + float(np.log(mean)), error
