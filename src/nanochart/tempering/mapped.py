r"""Exchanges that scale each configuration about its own inherent structure.

At low temperatures the configurations of a cluster are vibrations about minima, and a plain
exchange fails because 3N - 6 of them are too small for the hotter rung and too large for the
colder one. The mapped exchange of two configurations x at T and y at T' proposes

.. math:: x' = m(x) + \sqrt{T'/T}\,(x - m(x)), \qquad y' = m(y) + \sqrt{T/T'}\,(y - m(y))

with the inherent structures m, laid onto their configurations, as lattices: the harmonically
targeted perturbation of Tan, Schultz, Kofke, J. Chem. Phys. 133, 134104 (2010).
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import superpose
from nanochart.dynamics import Langevin, confined_energies
from nanochart.minimization import QuenchResult, quench
from nanochart.potentials import Potential
from nanochart.shown import short_repr

__all__ = [
    "MappedExchange",
    "MappedMoves",
    "Minima",
    "Scaled",
    "log_rotational_jacobian",
    "mapped_exchange",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Minima of configurations (configuration, atom, 3): positions, and which of them were found.
Minima = Callable[[Floats, Executor | None], tuple[Floats, Bools]]

#: Largest force of a minimum in eV/Å: tight enough that the minimum is a property of the basin.
_MAX_FORCE = 1e-4
_MAX_EVALUATIONS = 2_000
#: Å that an atom of one and the same minimum may move from quench to quench; minima that are next
#: to each other differ by ten times as much.
_SAME = 0.05


@short_repr
@dataclass(frozen=True, eq=False)
class MappedMoves:
    """Outcome of mapped exchanges of some pairs.

    ``accepted`` (pair,); ``log_ratio`` (pair,), the logarithm of the factor that a random number
    was compared with; ``positions`` (pair, 2, atom, 3), the mapped configuration of the first and
    of the second member in Å, which count where the exchange was accepted; ``minima`` of the
    members before, laid onto them, of the same shape.
    """

    accepted: Bools
    log_ratio: Floats
    positions: Floats
    minima: Floats


@short_repr
@dataclass(frozen=True, eq=False)
class Scaled:
    """Configurations scaled about their minima to another temperature.

    ``positions`` and the ``minima`` laid onto them, (configuration, atom, 3) in Å; ``work``
    (configuration,), reduced: that of the energy less the logarithm of the ratio of the rotational
    Jacobians, without the 3N - 6 factors of the scale, which cancel in an exchange. It is infinite
    where atoms overlap.
    """

    positions: Floats
    minima: Floats
    work: Floats


@short_repr
@dataclass(frozen=True, eq=False)
class MappedExchange:
    r"""Exchange of neighbours after scaling each about its own minimum.

    The exchange of x at β with y at β' is accepted with

    .. math:: \min\Big(1, \exp[\beta E(x) + \beta' E(y) - \beta' E(x') - \beta E(y')]\,
              \frac{J(x')\, J(y')}{J(x)\, J(y)}\Big),
              \qquad J(x) = |\det \sum_i (a_i \cdot r_i\, 1 - a_i r_i^T)|

    with atoms :math:`r_i` and those of their minimum :math:`a_i`, both from the centre, *and* only
    if x' quenches to m(x) and y' to m(y), atom by atom. Then the map is its own inverse. Position
    and orientation are kept, the 3N - 6 vibrations are scaled by s and 1/s, so that the factors of
    s cancel, and J is what remains of the change from Cartesian coordinates to an orientation and
    vibrations. The product ensemble of the ladder is kept exactly.

    Attributes
    ----------
    below
        Highest temperature in K of a pair that is exchanged so; pairs above exchange plainly.
    minima
        Gives inherent structures.
    energies
        Gives the energies (configuration,) in eV that the dynamics follows.
    every
        These pairs are tried at one of so many of their turns, and not at all at the others.
    """

    below: float
    minima: Minima
    energies: Callable[[Floats], Floats]
    every: int = 1

    def attempt(
        self,
        positions: Floats,
        energies: Floats,
        betas: Floats,
        log_uniform: Floats,
        executor: Executor | None = None,
    ) -> MappedMoves:
        """Attempt an exchange in each of some pairs.

        Parameters
        ----------
        positions
            The two members of each pair, (pair, 2, atom, 3) in Å.
        energies
            Their energies, (pair, 2) in eV.
        betas
            1/kT at which they stand, (pair, 2), 1/eV.
        log_uniform
            Logarithm of a uniform random number for each pair, (pair,).
        executor
            Executor that quenches run on.
        """
        shape = positions.shape
        flat = positions.reshape(-1, *shape[2:])
        found, converged = self.minima(flat, executor)
        move = self.scaled(flat, found, energies.ravel(), betas.ravel(), betas[:, ::-1].ravel())
        log_ratio = -_pairs(move.work).sum(axis=1)
        accepted = log_uniform < log_ratio
        accepted &= _pairs(converged).all(axis=1)
        # Quenches of what is refused anyhow are spared.
        asked = np.repeat(accepted, 2)
        if asked.any():
            same = self.in_basin(move.positions[asked], move.minima[asked], executor)
            accepted[accepted] = _pairs(same).all(axis=1)
        return MappedMoves(
            accepted, log_ratio, move.positions.reshape(shape), move.minima.reshape(shape)
        )

    def scaled(
        self, positions: Floats, minima: Floats, energies: Floats, betas: Floats, onto: Floats
    ) -> Scaled:
        """Scale configurations about their minima from one temperature to another.

        Parameters
        ----------
        positions, minima
            (configuration, atom, 3) in Å.
        energies
            Of the configurations, (configuration,) in eV.
        betas, onto
            1/kT at which they stand, and that to which they are scaled, (configuration,), 1/eV.
        """
        laid = superpose(minima, positions)
        mapped = laid + np.sqrt(betas / onto)[:, None, None] * (positions - laid)
        jacobian = log_rotational_jacobian(mapped, laid) - log_rotational_jacobian(positions, laid)
        work: Floats = onto * self.finite_energies(mapped) - betas * energies - jacobian
        return Scaled(mapped, laid, work)

    def in_basin(
        self, positions: Floats, minima: Floats, executor: Executor | None = None
    ) -> Bools:
        """Whether configurations quench to minima that are laid onto them, atom by atom."""
        found, converged = self.minima(positions, executor)
        moved = superpose(found, positions) - minima
        same: Bools = converged & (np.linalg.norm(moved, axis=-1).max(axis=-1) < _SAME)
        return same

    def finite_energies(self, positions: Floats) -> Floats:
        """Energies; infinite where atoms overlap, so that the exchange is refused."""
        try:
            return self.energies(positions)
        except ValueError:
            if len(positions) == 1:
                return np.array([np.inf])
            return np.concatenate([self.finite_energies(positions[[k]])
                                   for k in range(len(positions))])  # fmt: skip


def mapped_exchange(
    potential: Potential, dynamics: Langevin, below: float, every: int = 1
) -> MappedExchange:
    """Make the mapped exchange of a potential, for pairs up to a temperature in K.

    Parameters
    ----------
    potential, dynamics
        Of the ladder.
    below
        Highest temperature of a pair that is exchanged so.
    every
        Such a pair is tried at one of so many of its turns.
    """
    energies = partial(confined_energies, potential=potential, config=dynamics)
    return MappedExchange(below, partial(quenched, potential), energies, every)


def log_rotational_jacobian(positions: Floats, minima: Floats) -> Floats:
    r"""Logarithm of :math:`|\det \sum_i (a_i \cdot r_i\, 1 - a_i r_i^T)|`, (...).

    Parameters
    ----------
    positions, minima
        Configurations r and the minima a, laid onto them, (..., atom, 3) in Å; both are taken
        from the centres of the minima.
    """
    logarithm: Floats = np.linalg.slogdet(rotational_matrix(positions, minima))[1]
    return logarithm


def rotational_matrix(vectors: Floats, minima: Floats) -> Floats:
    r"""Matrix :math:`\sum_i (a_i \cdot v_i\, 1 - a_i v_i^T)`, (..., 3, 3), linear in v.

    Parameters
    ----------
    vectors, minima
        v and a, (..., atom, 3) in Å; a is taken from its centre, where v then counts from, too.
    """
    a = minima - minima.mean(axis=-2, keepdims=True)
    products = np.swapaxes(a, -1, -2) @ vectors
    matrix: Floats = np.trace(products, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - products
    return matrix


def _pairs(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, 2)


def quenched(
    potential: Potential, positions: Floats, executor: Executor | None
) -> tuple[Floats, Bools]:
    """Inherent structures of configurations (configuration, atom, 3), and which were found."""
    found = _quench(potential, positions, executor)
    return found.positions, found.converged


def quench_evaluations(
    potential: Potential, positions: Floats, executor: Executor | None
) -> NDArray[np.int64]:
    """Force evaluations that the quench of each configuration (configuration, atom, 3) takes."""
    return _quench(potential, positions, executor).n_evaluations


def _quench(potential: Potential, positions: Floats, executor: Executor | None) -> QuenchResult:
    return quench(positions, potential, _MAX_FORCE, _MAX_EVALUATIONS, executor=executor)
