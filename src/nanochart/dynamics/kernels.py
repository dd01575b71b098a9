"""The compiled loop of molecular dynamics: BAOAB with a confining sphere."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.compiled.neighbours import all_pairs, list_is_stale, make_workspace, rebuild_list
from nanochart.compiled.options import FAST
from nanochart.compiled.random_numbers import fill_normal
from nanochart.potentials import evaluate
from nanochart.units import AMU

U = np.uint64

DONE = 0
OVERLAP = 1
EXPLODED = 2
OFF_CHART = 3


class NoBias(NamedTuple):
    """Dynamics as the potential has it. A bias is another type with its own two functions below."""

    nothing: int = 0


def add_bias(bias, x, energy, step, forces):
    """Add the force of a bias to ``forces`` (3, N) after ``step`` steps; False if it cannot be."""
    raise NotImplementedError  # compiled only


def record_bias(bias, sample):
    """Write what the bias saw in the last ``add_bias`` as that sample."""
    raise NotImplementedError  # compiled only


def bias_stride(bias):
    """Time steps between impulses of a bias; 1 without one."""
    raise NotImplementedError  # compiled only


@overload(bias_stride)
def _no_bias_stride(bias):
    if getattr(bias, "instance_class", None) is NoBias:
        return lambda bias: 1
    return None


@overload(add_bias)
def _add_no_bias(bias, x, energy, step, forces):
    if getattr(bias, "instance_class", None) is NoBias:
        return lambda bias, x, energy, step, forces: True
    return None


@overload(record_bias)
def _record_no_bias(bias, sample):
    if getattr(bias, "instance_class", None) is NoBias:
        return lambda bias, sample: None
    return None


@njit(**FAST)
def add_sphere(x, radius, stiffness, forces):
    """Harmonic wall around the centre of mass: energy, with forces (3, N) added.

    U = Σ_i ½ k max(0, |x_i - X| - R)², X = Σ_j x_j / N. Because X moves with the atoms, every
    atom also takes its share of the opposite force: the wall neither pushes nor turns the cluster
    as a whole.
    """
    n = x.shape[1]
    px, py, pz = x[0], x[1], x[2]
    cx = 0.0
    cy = 0.0
    cz = 0.0
    for i in range(U(n)):
        cx += px[i]
        cy += py[i]
        cz += pz[i]
    cx /= n
    cy /= n
    cz /= n
    limit = radius * radius
    outside = False
    for i in range(U(n)):
        dx = px[i] - cx
        dy = py[i] - cy
        dz = pz[i] - cz
        outside |= dx * dx + dy * dy + dz * dz > limit
    energy = 0.0
    if not outside:
        return energy
    gx = 0.0
    gy = 0.0
    gz = 0.0
    for i in range(U(n)):
        dx = px[i] - cx
        dy = py[i] - cy
        dz = pz[i] - cz
        distance = math.sqrt(dx * dx + dy * dy + dz * dz)
        excess = distance - radius
        if excess > 0.0:
            energy += 0.5 * stiffness * excess * excess
            w = -stiffness * excess / distance
            forces[0, i] += w * dx
            forces[1, i] += w * dy
            forces[2, i] += w * dz
            gx += w * dx
            gy += w * dy
            gz += w * dz
    for i in range(U(n)):
        forces[0, i] -= gx / n
        forces[1, i] -= gy / n
        forces[2, i] -= gz / n
    return energy


@njit(**FAST)
def _kick(v, forces, factor):
    """V += factor * F over flat arrays."""
    for i in range(U(v.size)):
        v[i] += factor * forces[i]


@njit(**FAST)
def _drift(x, v, dt):
    for i in range(U(x.size)):
        x[i] += dt * v[i]


@njit(**FAST)
def _kick_and_drift(x, v, forces, noise, half_kick, half_drift, decay, amplitude):
    """Half a kick, half a drift, the Ornstein-Uhlenbeck process, half a drift: one pass."""
    for i in range(U(v.size)):
        before = v[i] + half_kick * forces[i]
        after = decay * before + amplitude * noise[i]
        x[i] = x[i] + half_drift * before + half_drift * after
        v[i] = after


@njit(**FAST)
def _kinetic(v, mass):
    """½ m Σ v² in eV of velocities (3, N) in Å/fs, ``mass`` in eV fs²/Å²."""
    total = 0.0
    for i in range(U(v.size)):
        total += v[i] * v[i]
    return 0.5 * mass * total


@njit(**FAST)
def run(
    model,
    mass,
    dt,
    friction,
    kT,
    radius,
    stiffness,
    skin,
    positions,
    velocities,
    random,
    n_steps,
    sample_every,
    sampled_positions,
    sampled_energies,
    bias,
):
    """Advance one replica in place by ``n_steps`` of BAOAB.

    Parameters
    ----------
    model
        Potential as the kernels see it.
    mass
        Atomic mass in amu.
    dt, friction, kT
        fs, 1/fs, eV. ``friction`` zero leaves velocity Verlet.
    radius, stiffness
        Confining sphere, Å and eV/Å²; an infinite radius is no sphere.
    skin
        Margin of the Verlet list in Å.
    positions, velocities
        (N, 3), Å and Å/fs, overwritten.
    random
        (4,) uint64, overwritten.
    n_steps, sample_every
        A sample is taken after every ``sample_every`` steps (0: never).
    sampled_positions
        (n_samples, N, 3).
    sampled_energies
        (n_samples, 2): potential (with the sphere's) and kinetic energy in eV, as `Samples` has
        them.
    bias
        `NoBias`, or what adds a force of its own.

    Returns
    -------
    status
        DONE, OVERLAP, EXPLODED or OFF_CHART.
    step
        Steps completed.
    """
    n = positions.shape[0]
    x = np.empty((3, n))
    v = np.empty((3, n))
    x[:, :] = positions.T
    v[:, :] = velocities.T
    flat_x = x.reshape(3 * n)
    flat_v = v.reshape(3 * n)
    forces = np.empty((3, n))
    flat_forces = forces.reshape(3 * n)
    even = 3 * n + (3 * n) % 2  # Box-Muller makes pairs
    noise = np.empty(even)
    uniform = np.empty(even)
    capacity = all_pairs(n)
    # A cluster's atom has at most about 60 neighbours in reach; grown below when that is too few.
    ws = make_workspace(n, min(capacity, 60 * n))
    reach = model.cutoff + skin
    inertia = mass * AMU
    half_kick = 0.5 * dt / inertia
    decay = math.exp(-friction * dt)
    amplitude = math.sqrt(kT / inertia * (1.0 - decay * decay))
    confined = math.isfinite(radius)
    samples = 0
    energy = 0.0
    stride = bias_stride(bias)
    kinetic = 0.0
    for step in range(n_steps + 1):
        # Positions are new here: evaluate, then finish the previous step with its second kick.
        if list_is_stale(x, skin, ws):
            if not np.isfinite(flat_x.sum()):
                return EXPLODED, step
            ws = rebuild_list(x, reach, ws)
        energy, overlapping = evaluate(model, x, ws, forces)
        if overlapping:
            return OVERLAP, step
        if confined:
            energy += add_sphere(x, radius, stiffness, forces)
        if not add_bias(bias, x, energy, step, forces):
            return OFF_CHART, step
        if step > 0:
            _kick(flat_v, flat_forces, half_kick)
            if sample_every > 0 and step % sample_every == 0:
                sampled_positions[samples] = x.T
                sampled_energies[samples, 0] = energy
                if friction > 0.0:
                    sampled_energies[samples, 1] = kinetic / stride
                    kinetic = 0.0
                else:
                    sampled_energies[samples, 1] = _kinetic(flat_v, inertia)
                record_bias(bias, samples)
                samples += 1
        if step == n_steps:
            break
        if friction > 0.0:
            fill_normal(random, uniform, noise)
            _kick_and_drift(
                flat_x, flat_v, flat_forces, noise, half_kick, 0.5 * dt, decay, amplitude
            )
            if sample_every > 0 and step % sample_every >= sample_every - stride:
                kinetic += _kinetic(flat_v, inertia)
        else:
            _kick(flat_v, flat_forces, half_kick)
            _drift(flat_x, flat_v, dt)
    positions[:, :] = x.T
    velocities[:, :] = v.T
    return DONE, n_steps
