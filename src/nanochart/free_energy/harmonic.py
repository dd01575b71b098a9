r"""Partition functions of minima near 0 K, where they are harmonic, and what is left to that.

With the vibrations u about a minimum a, which neither move nor turn it,

.. math:: Z_a = \frac{1}{g_a} \int \frac{J(u)}{\sqrt{J(0)}}\, e^{-\beta E(a + u)}\, du,
          \qquad J(u) = \det \sum_i (a_i \cdot r_i\, 1 - a_i r_i^T)

in units of :math:`2 N!\, 8 \pi^2 V N^{3/2}`, which are those of every minimum of N equal atoms,
with the order g of the point group.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from nanochart.clusters import superpose
from nanochart.potentials import Potential
from nanochart.search import hessian, point_group_order
from nanochart.shown import short_repr
from nanochart.tempering import MappedExchange, log_rotational_jacobian
from nanochart.units import AMU, BOLTZMANN

__all__ = ["HarmonicMinimum", "draw_vibrations", "harmonic_minimum", "works_of_frames"]

Floats = NDArray[np.float64]

#: Reduced Planck constant in eV fs.
_HBAR = 0.6582119569509066
#: As a share of the largest curvature: what is no vibration.
_LEAST = 1e-7
#: Share of its displacement by which a minimum is moved for the forces on both sides of it.
_STEP = 1e-3


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


def draw_vibrations(
    minima: Sequence[HarmonicMinimum],
    exchange: MappedExchange,
    temperature: float,
    n: int,
    seed: int,
    executor: Executor | None = None,
) -> tuple[float, Floats]:
    r"""Draws of harmonic vibrations about minima, and the works to the true vibrations.

    .. math:: w = \beta [E(a + u) - E_a] - \frac{\beta}{2} \sum_k \lambda_k u_k^2
              - \ln \frac{J(u)}{J(0)}

    and infinite for a draw that quenches to another minimum.

    Parameters
    ----------
    minima
        Drawn from as often as their harmonic partition functions say.
    exchange
        Gives the energies and the inherent structures of the dynamics.
    temperature
        In K.
    n, seed
        Number of draws, and the seed of them.
    executor
        Executor that quenches run on.

    Returns
    -------
    log_partition, works
        The logarithm of the sum of the harmonic partition functions, and (draw,).
    """
    rng = np.random.default_rng(seed)
    logs = np.array([float(m.log_partition(temperature)) for m in minima])
    total = float(logsumexp(logs))
    chosen = rng.choice(len(minima), n, p=np.exp(logs - total))
    works = np.empty(n)
    for k, minimum in enumerate(minima):
        here = np.flatnonzero(chosen == k)
        size = rng.normal(size=(len(here), len(minimum.curvatures)))
        scale = np.sqrt(BOLTZMANN * temperature / minimum.curvatures)
        own = np.broadcast_to(minimum.positions, (len(here), *minimum.positions.shape))
        drawn = own + np.einsum("nm,max->nax", size * scale, minimum.modes)
        energies = exchange.finite_energies(drawn) - minimum.energy
        found = _work(drawn, own, energies, temperature, 0.5 * (size**2).sum(axis=1))
        works[here] = np.where(exchange.in_basin(drawn, own, executor), found, np.inf)
    return total, works


def works_of_frames(
    potential: Potential, positions: Floats, minima: Floats, energies: Floats, temperature: float
) -> Floats:
    """Works of configurations from the true vibrations to the harmonic ones, (frame,).

    They are the negative of those of `draw_vibrations`. The harmonic energy follows from the
    forces on both sides of each minimum.

    Parameters
    ----------
    potential
        Gives the forces.
    positions, minima
        Configurations and their inherent structures, (frame, atom, 3) in Å.
    energies
        Of the configurations above those of their inherent structures, (frame,) in eV.
    temperature
        In K.
    """
    own = superpose(minima, positions)
    u = positions - own
    ahead, behind = (potential.energy_forces(own + sign * _STEP * u)[1] for sign in (1.0, -1.0))
    harmonic = ((behind - ahead) * u).sum(axis=(1, 2)) / (4.0 * _STEP)
    return -_work(positions, own, energies, temperature, harmonic / (BOLTZMANN * temperature))


def _work(
    positions: Floats, own: Floats, energies: Floats, temperature: float, harmonic: Floats
) -> Floats:
    turned = log_rotational_jacobian(positions, own) - log_rotational_jacobian(own, own)
    found: Floats = energies / (BOLTZMANN * temperature) - harmonic - turned
    return found
