"""A segment of biased dynamics, as a pure function."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias
from nanochart.biasing.cv import CVs
from nanochart.biasing.foreign import BatchBias
from nanochart.biasing.kernels_loop import run_biased
from nanochart.dynamics import OFF_CHART, Langevin, Samples, State, _failure, run_batch
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential, is_compiled
from nanochart.shown import short_repr
from nanochart.tempering import check_health
from nanochart.units import BOLTZMANN

__all__ = ["BiasedDynamics", "BiasedSamples", "BiasedState"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True)
class BiasedState:
    """Walkers, and the ``work`` (walker,) in eV that moving restraints have done on each."""

    walkers: State
    work: Floats

    def __len__(self) -> int:
        return len(self.walkers)

    def __getitem__(self, index: int) -> "BiasedState":
        return BiasedState(self.walkers[index], self.work[index : index + 1])


@short_repr
@dataclass(frozen=True)
class BiasedSamples:
    """Observations of a segment of biased dynamics; arrays are (sample, walker, ...).

    ``positions`` in Å; ``potential_energies`` (the sphere's included, the bias's not),
    ``kinetic_energies``, ``bias_energies`` and ``work`` in eV; ``values`` (sample, walker, m) of
    the variables.
    """

    positions: Floats
    potential_energies: Floats
    kinetic_energies: Floats
    values: Floats
    bias_energies: Floats
    work: Floats


@dataclass(frozen=True, eq=False)
class BiasedDynamics:
    """Langevin dynamics (BAOAB) under a bias of collective variables.

    The force of the bias acts as an impulse every ``stride`` steps, ``stride`` times as strong:
    half of it before and half after the steps between (the impulse method of multiple time steps,
    Tuckerman, Berne, Martyna, J. Chem. Phys. 97, 1990 (1992)). It is symplectic without friction,
    and sound while ``stride`` time steps are short against the periods of the biased motion.

    Parameters
    ----------
    potential, dynamics
        Potential that gives the forces, and settings of the integrator.
    cvs
        Collective variables.
    stride
        Steps between evaluations of the bias; 1 is every step.
    """

    potential: Potential
    dynamics: Langevin
    cvs: CVs
    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError(f"the stride of a bias must be at least 1 step; got {self.stride!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return self.cvs.names

    @property
    def threads(self) -> bool:
        """Whether walkers may run in threads at once: not where they call a user's Python."""
        return is_compiled(self.potential) and not self.cvs.called

    def __call__(
        self, state: BiasedState, bias: Bias, n_steps: int, sample_every: int
    ) -> tuple[BiasedState, BiasedSamples]:
        """Advance every walker by ``n_steps`` under the same bias; a pure function.

        Where the bias does not depend on the segment, two of 500 steps give the bits of one of
        1,000.

        Raises
        ------
        ValueError
            If ``n_steps`` or ``sample_every`` is no multiple of the stride.
        DynamicsError
            If a cluster falls apart or leaves the grid of the model.
        """
        if n_steps % self.stride or sample_every % self.stride or sample_every < 1:
            raise ValueError(
                f"steps and steps between samples must be multiples of the stride, {self.stride}; "
                f"got {n_steps} and {sample_every}"
            )
        if bias.n_variables != len(self.cvs):
            raise ValueError(
                f"the bias must be one of the {len(self.cvs)} variables; got one of "
                f"{bias.n_variables}"
            )
        if not is_compiled(self.potential):
            return self._called(state, bias, n_steps, sample_every)
        walkers, p, config = state.walkers, self.potential, self.dynamics
        n, n_atoms, m = len(walkers), walkers.positions.shape[1], len(self.cvs)
        n_samples = n_steps // sample_every
        x, v = walkers.positions.copy(), walkers.velocities.copy()
        random = walkers.random.copy()
        sampled, energies = np.empty((n, n_samples, n_atoms, 3)), np.empty((n, n_samples, 2))
        values, biases = np.empty((n, n_samples, m)), np.empty((n, n_samples, 2))
        work = np.empty(n)
        radius = math.inf if config.sphere_radius is None else config.sphere_radius
        for k in range(n):
            told = np.array([0.0, state.work[k]])
            status, step = run_biased(
                p.model, p.mass, config.time_step, config.friction,
                BOLTZMANN * walkers.temperatures[k], radius, config.sphere_stiffness, config.skin,
                x[k], v[k], random[k], n_steps, sample_every, sampled[k], energies[k],
                self.cvs.tables, bias.tables, self.stride, walkers.steps[k], told, values[k],
                biases[k],
            )  # fmt: skip
            work[k] = told[1]
            where = (
                f"at {walkers.temperatures[k]:g} K after {walkers.steps[k] + step} steps of "
                f"{config.time_step:g} fs"
            )
            if status == OFF_CHART:
                self.cvs.refuse(where)
                raise DynamicsError(
                    f"the cluster left the distances that the model knows {where}: an atom left "
                    "it or two came too close, because the bias is too strong or the cluster "
                    "evaporates; lower the stiffness, the height or the barrier of the bias, or "
                    "take a tighter confining sphere"
                )
            broken = _failure(status, step, x[k], v[k])
            if broken:
                raise DynamicsError(
                    f"{broken[0]} {where} with {p.name}, because the bias is too strong or "
                    f"{broken[1].removeprefix('the ')}; lower its stiffness, height or barrier"
                )
        moved = replace(
            walkers, positions=x, velocities=v, random=random, steps=walkers.steps + n_steps
        )
        samples = BiasedSamples(
            *(a.swapaxes(0, 1) for a in (sampled, energies[..., 0], energies[..., 1], values)),
            *(biases[..., c].swapaxes(0, 1) for c in (0, 1)),
        )
        self._check_health(walkers, samples, sample_every)
        return BiasedState(moved, work), samples

    def _called(
        self, state: BiasedState, bias: Bias, n_steps: int, sample_every: int
    ) -> tuple[BiasedState, BiasedSamples]:
        """The same with a potential that is called from Python."""
        walkers = state.walkers
        push = BatchBias(self.cvs, bias, self.stride, walkers.steps, state.work)
        moved, seen = run_batch(walkers, self.potential, self.dynamics, n_steps, sample_every, push)
        values, energies, work = push.sampled()
        samples = BiasedSamples(
            seen.positions, seen.potential_energies, seen.kinetic_energies, values, energies, work
        )
        self._check_health(walkers, samples, sample_every)
        return BiasedState(moved, push.work), samples

    def _check_health(self, walkers: State, samples: BiasedSamples, sample_every: int) -> None:
        plain = Samples(samples.positions, samples.potential_energies, samples.kinetic_energies)
        try:
            check_health(walkers, plain, self.potential, self.dynamics, sample_every)
        except DynamicsError as error:
            raise DynamicsError(
                f"{error}; or the bias is too strong: lower its stiffness, height, barrier or "
                "stride"
            ) from error
