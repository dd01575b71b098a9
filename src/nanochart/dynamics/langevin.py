"""Langevin dynamics by BAOAB: the segment as a pure function."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.compiled.random_numbers import seed_streams
from nanochart.dynamics import kernels
from nanochart.dynamics.foreign import NoPush, run_batch
from nanochart.dynamics.types import Langevin, Samples, State
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential, check_positions, is_compiled
from nanochart.units import AMU, BOLTZMANN

__all__ = ["Langevin", "Samples", "State", "initialize", "join", "run_segment"]

Floats = NDArray[np.float64]


def initialize(
    positions: ArrayLike,
    potential: Potential,
    temperatures: ArrayLike,
    seed: int | np.random.Generator,
) -> State:
    """Make the state of replicas at given positions, with Maxwell-Boltzmann velocities.

    Parameters
    ----------
    positions
        Positions (replica, atom, 3) in Å, or (atom, 3) for the same start in every replica.
    potential
        Potential, which gives the mass.
    temperatures
        Temperature of each replica, (replica,), or one number, in K.
    seed
        Seed of the velocities and of the replicas' generators.
    """
    x = check_positions(positions)
    T = np.atleast_1d(np.asarray(temperatures, dtype=np.float64))
    if T.ndim != 1 or not (np.isfinite(T).all() and (T >= 0).all()):
        raise ValueError(f"temperatures must be numbers of at least 0 K; got {temperatures!r}")
    if x.ndim > 3 or (x.ndim == 3 and 1 not in (len(T), len(x)) and len(T) != len(x)):
        raise ValueError(
            f"positions must have the shape (replica, atom, 3) with one replica per temperature "
            f"({len(T)}); got {x.shape}"
        )
    n = max(len(T), len(x) if x.ndim == 3 else 1)
    x = np.array(np.broadcast_to(x, (n, *x.shape[-2:])))
    T = np.array(np.broadcast_to(T, n))
    rng = np.random.default_rng(seed)
    width = np.sqrt(BOLTZMANN * T / (potential.mass * AMU))
    velocities = rng.standard_normal(x.shape) * width[:, None, None]
    return State(x, velocities, T, seed_streams(rng, n), np.zeros(n, dtype=np.int64))


def run_segment(
    state: State, potential: Potential, config: Langevin, n_steps: int, sample_every: int = 0
) -> tuple[State, Samples]:
    """Advance every replica by ``n_steps``; a pure function of its arguments.

    The result does not depend on how a run is cut into segments: two of 500 steps give the bits
    of one of 1,000. Replicas are independent, so an executor may run ``state[k]`` anywhere.

    Parameters
    ----------
    state
        State to go on from, which is left unchanged.
    potential, config
        Potential that gives the forces, and settings of the integrator.
    n_steps
        Number of time steps.
    sample_every
        Time steps between samples; the first sample is taken after that many steps, and 0 takes
        none.

    Returns
    -------
    state, samples

    Raises
    ------
    DynamicsError
        If atoms overlap or a coordinate is no longer finite.
    """
    if n_steps < 0 or sample_every < 0:
        raise ValueError(
            f"n_steps and sample_every must not be negative; got {n_steps} and {sample_every}"
        )
    if not is_compiled(potential):
        return run_batch(state, potential, config, n_steps, sample_every, NoPush())
    n_replicas, n_atoms = state.positions.shape[:2]
    n_samples = n_steps // sample_every if sample_every else 0
    x, v, random = state.positions.copy(), state.velocities.copy(), state.random.copy()
    sampled = np.empty((n_replicas, n_samples, n_atoms, 3))
    energies = np.empty((n_replicas, n_samples, 2))
    radius = math.inf if config.sphere_radius is None else config.sphere_radius
    for k in range(n_replicas):
        status, step = kernels.run(
            potential.model, potential.mass, config.time_step, config.friction,
            BOLTZMANN * state.temperatures[k], radius, config.sphere_stiffness, config.skin,
            x[k], v[k], random[k], n_steps, sample_every, sampled[k], energies[k],
            kernels.NoBias(),
        )  # fmt: skip
        broken = _failure(status, step, x[k], v[k])
        if broken:
            raise DynamicsError(
                f"{broken[0]} at {state.temperatures[k]:g} K after {state.steps[k] + step} steps "
                f"of {config.time_step:g} fs with {potential.name}, because {broken[1]}"
            )
    samples = Samples(
        sampled.swapaxes(0, 1), energies[..., 0].swapaxes(0, 1), energies[..., 1].swapaxes(0, 1)
    )
    return replace(
        state, positions=x, velocities=v, random=random, steps=state.steps + n_steps
    ), samples


def _failure(status: int, step: int, x: Floats, v: Floats) -> tuple[str, str] | None:
    """What went wrong in a segment, and its cause with the remedy; None if nothing did."""
    if status == kernels.OVERLAP:
        what = "two atoms overlapped"
    elif status != kernels.DONE or not (np.isfinite(x).all() and np.isfinite(v).all()):
        what = "a position or velocity became infinite or NaN"
    else:
        return None
    if step == 0:
        return what, "the start is not a relaxed cluster; quench it first"
    # Repulsion keeps atoms apart at any temperature that a metal bears.
    return what, "the time step is too long for this temperature; take a shorter time step"


def join(states: list[State]) -> State:
    """Join several states into one of all their replicas, in order."""
    return State(
        *(
            np.concatenate([getattr(s, name) for s in states])
            for name in ("positions", "velocities", "temperatures", "random", "steps")
        )
    )
