"""Small clusters of harmonic basins that turn and move freely, with exact averages."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.clusters import superpose
from nanochart.dynamics import Samples, State
from nanochart.shown import short_repr
from nanochart.units import BOLTZMANN

__all__ = ["SuperposedBasins"]

Floats = NDArray[np.float64]

#: Proposals of a replica in a call.
_PROPOSALS = 24


@short_repr
@dataclass(frozen=True, eq=False)
class SuperposedBasins:
    r"""Basins that are harmonic in the least-squares distance to a structure.

    .. math:: E(x) = \min_b \Big[\epsilon_b + \frac{k_b}{2} \min_{R, t} \sum_i
              |x_i - R a_{b,i} - t|^2\Big]

    Nothing else in it depends on where the cluster is and how it is turned, so averages are
    integrals over the 3N - 6 vibrations u about each structure,

    .. math:: dx = dt\, dR\, \frac{J(u)}{\sqrt{J(0)}}\, du, \qquad
              J(u) = \det \sum_i (a_i \cdot r_i\, 1 - a_i r_i^T), \quad r_i = a_i + u_i

    and `exact` takes them by importance sampling of normal vibrations. As a segment of parallel
    tempering the system draws anew within its basin, and from ``crossing`` kelvins on in all of
    them: the populations of what is colder are brought by exchanges.

    Attributes
    ----------
    structures
        a_b, (basin, atom, 3) in Å.
    depths
        ε_b, (basin,) in eV.
    stiffnesses
        k_b, (basin,) in eV/Å².
    crossing
        Temperature in K from which on a replica may change its basin.
    """

    structures: Floats
    depths: tuple[float, ...]
    stiffnesses: tuple[float, ...]
    crossing: float = 0.0

    @cached_property
    def _modes(self) -> Floats:
        """Orthonormal vibrations about each structure, (basin, 3N - 6, atom, 3)."""
        found = []
        for structure in self.structures:
            a = structure - structure.mean(axis=0)
            rigid = [np.tile(e, len(a)) for e in np.eye(3)]
            rigid += [np.cross(e, a).ravel() for e in np.eye(3)]
            _, _, rows = np.linalg.svd(np.array(rigid))
            found.append(rows[6:].reshape(-1, len(a), 3))
        return np.array(found)

    @cached_property
    def _log_inertia(self) -> Floats:
        """Logarithm of J(0) of each structure, (basin,): it weighs the one against the other."""
        a = self.structures - self.structures.mean(axis=1, keepdims=True)
        squares = np.swapaxes(a, 1, 2) @ a
        inertia = np.trace(squares, axis1=1, axis2=2)[:, None, None] * np.eye(3) - squares
        found: Floats = np.linalg.slogdet(inertia)[1]
        return found

    def parts(self, positions: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Energy and logarithm of J(u) / √J(0) in each basin, and its structure laid onto x.

        Returns
        -------
        energies, log_jacobians, laid
            (configuration, basin) in eV, the same, and (configuration, basin, atom, 3) in Å.
        """
        x = np.asarray(positions, dtype=np.float64)[:, None]
        x = np.broadcast_to(x, (len(x), *self.structures.shape))
        laid = superpose(np.broadcast_to(self.structures, x.shape), x)
        squares = ((x - laid) ** 2).sum(axis=(-2, -1))
        centre = laid.mean(axis=-2, keepdims=True)
        products = np.swapaxes(laid - centre, -1, -2) @ (x - centre)
        inertia = np.trace(products, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - products
        energies = np.array(self.depths) + 0.5 * np.array(self.stiffnesses) * squares
        return energies, np.linalg.slogdet(inertia)[1] - 0.5 * self._log_inertia, laid

    def energies(self, positions: ArrayLike) -> Floats:
        """E of configurations (configuration, atom, 3), in eV."""
        lowest: Floats = self.parts(positions)[0].min(axis=1)
        return lowest

    def minima(
        self, positions: Floats, executor: Executor | None = None
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Structure of the basin of each configuration, laid onto it."""
        del executor
        energies, _, laid = self.parts(positions)
        own = energies.argmin(axis=1)
        return laid[np.arange(len(own)), own], np.ones(len(own), dtype=bool)

    def _draw(self, basins: NDArray[np.int64], kT: float, rng: np.random.Generator) -> Floats:
        """Structures of basins with normal vibrations, (configuration, atom, 3)."""
        modes = self._modes[basins]
        widths = np.sqrt(kT / np.array(self.stiffnesses)[basins])
        size = rng.normal(size=modes.shape[:2]) * widths[:, None]
        drawn: Floats = self.structures[basins] + np.einsum("cm,cmax->cax", size, modes)
        return drawn

    def _log_weights(
        self, positions: Floats, kT: float, drawn_from: int | None = None
    ) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Boltzmann factor over the density of what was drawn, in logarithms; basin and energy.

        It was drawn from one basin, or from each with the same probability (None).
        """
        energies, jacobians, _ = self.parts(positions)
        depths, k = np.array(self.depths), np.array(self.stiffnesses)
        freedom = self._modes.shape[1]
        logs = -(energies - depths) / kT + 0.5 * freedom * np.log(k / kT) - jacobians
        density = np.logaddexp.reduce(logs, axis=1) if drawn_from is None else logs[:, drawn_from]
        basins, lowest = energies.argmin(axis=1), energies.min(axis=1)
        return -lowest / kT - density, basins, lowest

    def draw(self, temperature: float, n: int, seed: int = 0) -> Floats:
        """Independent configurations of the ensemble at a temperature in K, (n, atom, 3).

        Normal vibrations are resampled with their weights; n of four times as many are kept, so
        that hardly any is kept twice.
        """
        rng = np.random.default_rng(seed)
        kT = BOLTZMANN * temperature
        drawn = self._draw(rng.integers(0, len(self.depths), 4 * n), kT, rng)
        logs, _, _ = self._log_weights(drawn, kT)
        w = np.exp(logs - logs.max())
        return drawn[rng.choice(len(w), n, p=w / w.sum())]

    def exact(
        self, temperature: float, n: int = 400_000, seed: int = 0
    ) -> tuple[Floats, float, float]:
        """Population of each basin, mean and standard deviation of the energy in eV.

        Parameters
        ----------
        temperature
            In K.
        n, seed
            Number of drawn configurations, and the seed of them.
        """
        rng = np.random.default_rng(seed)
        kT = BOLTZMANN * temperature
        drawn = self._draw(rng.integers(0, len(self.depths), n), kT, rng)
        logs, found, energies = self._log_weights(drawn, kT)
        w = np.exp(logs - logs.max())
        w /= w.sum()
        mean = float(w @ energies)
        shares = np.array([w[found == b].sum() for b in range(len(self.depths))])
        return shares, mean, float(np.sqrt(w @ (energies - mean) ** 2))

    def __call__(self, state: State, n_steps: int, sample_every: int) -> tuple[State, Samples]:
        """Metropolis moves to drawn configurations in place of dynamics."""
        n_samples, n_replicas = n_steps // sample_every, len(state)
        sampled = np.empty((n_samples, *state.positions.shape))
        energies = np.empty((n_samples, n_replicas))
        x, random = state.positions.copy(), state.random.copy()
        for k in range(n_replicas):
            rng = np.random.default_rng(state.random[k])
            for n in range(n_samples):
                x[k], energies[n, k] = self._walk(x[k], state.temperatures[k], rng)
                sampled[n, k] = x[k]
            random[k] = rng.integers(0, 2**63, 4, dtype=np.uint64)
        moved = replace(state, positions=x, random=random, steps=state.steps + n_steps)
        return moved, Samples(sampled, energies, np.zeros_like(energies))

    def _walk(
        self, x: Floats, temperature: float, rng: np.random.Generator
    ) -> tuple[Floats, float]:
        kT = BOLTZMANN * temperature
        own = None if temperature >= self.crossing else int(self.parts(x[None])[0].argmin())
        basins = rng.integers(0, len(self.depths), _PROPOSALS)
        if own is not None:
            basins[:] = own
        tried = np.concatenate([x[None], self._draw(basins, kT, rng)])
        logs, found, energies = self._log_weights(tried, kT, own)
        at = 0
        for k, number in enumerate(np.log(rng.random(_PROPOSALS)), start=1):
            if found[k] == own or own is None:
                at = k if number < logs[k] - logs[at] else at
        return tried[at], float(energies[at])
