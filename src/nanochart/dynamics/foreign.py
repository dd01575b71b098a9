"""Langevin dynamics of a batch of replicas with a potential that is called from Python.

The steps, the random streams and the confining sphere are those of the compiled loop, so one and
the same potential gives one trajectory by both, up to rounding. The potential is asked for all
replicas at once.
"""

import math
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nanochart.compiled.random_numbers import fill_normal
from nanochart.dynamics.confinement import confine
from nanochart.dynamics.types import Langevin, Samples, State
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential, energies_and_forces
from nanochart.units import AMU, BOLTZMANN

__all__ = ["NoPush", "Push", "run_batch"]

Floats = NDArray[np.float64]


class Push(Protocol):
    """A bias of a batch of replicas, with the time steps between its impulses."""

    stride: int

    def add(self, step: int, positions: Floats, energies: Floats, forces: Floats) -> None:
        """Add its force to ``forces`` (replica, atom, 3) after so many steps of the segment."""
        ...

    def record(self) -> None:
        """Keep what it saw last as a sample."""
        ...


class NoPush:
    """No bias."""

    stride = 1

    def add(self, step: int, positions: Floats, energies: Floats, forces: Floats) -> None:
        """Nothing."""

    def record(self) -> None:
        """Nothing."""


def run_batch(
    state: State,
    potential: Potential,
    config: Langevin,
    n_steps: int,
    sample_every: int,
    push: Push,
) -> tuple[State, Samples]:
    """As `nanochart.dynamics.run_segment`, of any potential, with a bias.

    Raises
    ------
    DynamicsError
        If the potential has no finite energy or forces where a replica is.
    """
    x, v, random = state.positions.copy(), state.velocities.copy(), state.random.copy()
    n_replicas, n_atoms = x.shape[:2]
    inertia, dt = potential.mass * AMU, config.time_step
    half_kick, decay = 0.5 * dt / inertia, math.exp(-config.friction * dt)
    kT = BOLTZMANN * state.temperatures
    amplitude = np.sqrt(kT / inertia * (1.0 - decay * decay))[:, None, None]
    sampled: list[Floats] = []
    energies: list[tuple[Floats, Floats]] = []
    kinetic = np.zeros(n_replicas)
    for step in range(n_steps + 1):
        try:
            E, f = energies_and_forces(potential, x)
        except ValueError as error:
            raise DynamicsError(
                f"the dynamics of {n_replicas} replicas ended after {step} steps of {dt:g} fs, "
                f"because {error}"
            ) from error
        E, f = np.array(E), f.copy()
        confine(x, config, E, f)
        push.add(step, x, E, f)
        if step > 0:
            v += half_kick * f
            if sample_every > 0 and step % sample_every == 0:
                sampled.append(x.copy())
                if config.friction == 0.0:
                    kinetic = push.stride * _kinetic(v, inertia)
                energies.append((E, kinetic / push.stride))
                kinetic = np.zeros(n_replicas)
                push.record()
        if step == n_steps:
            break
        v += half_kick * f
        if config.friction > 0.0:
            x += 0.5 * dt * v
            v = decay * v + amplitude * _noise(random, n_atoms)
            if sample_every > 0 and step % sample_every >= sample_every - push.stride:
                kinetic += _kinetic(v, inertia)
            x += 0.5 * dt * v
        else:
            x += dt * v
    moved = replace(state, positions=x, velocities=v, random=random, steps=state.steps + n_steps)
    samples = Samples(
        np.array(sampled).reshape(-1, n_replicas, n_atoms, 3),
        np.array([e for e, _ in energies]).reshape(-1, n_replicas),
        np.array([k for _, k in energies]).reshape(-1, n_replicas),
    )
    return moved, samples


def _kinetic(v: Floats, inertia: float) -> Floats:
    """½ m Σ v² in eV of velocities (replica, atom, 3)."""
    return np.asarray(0.5 * inertia * (v**2).sum(axis=(1, 2)))


def _noise(random: NDArray[np.uint64], n_atoms: int) -> Floats:
    """Normal numbers (replica, atom, 3) of each replica's own stream, which advances."""
    size = 3 * n_atoms
    even = size + size % 2
    numbers, uniform = np.empty((len(random), even)), np.empty(even)
    for stream, out in zip(random, numbers, strict=True):
        fill_normal(stream, uniform, out)
    return np.asarray(numbers[:, :size].reshape(-1, 3, n_atoms).swapaxes(1, 2))
