"""The compiled bias of collective variables: restraint, tabulated potential, walls."""

from typing import NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.options import FUSED

__all__ = ["BiasTables", "evaluate_bias", "interpolate", "restraint_centre", "restraint_energy"]


class BiasTables(NamedTuple):
    """A bias of m variables as the kernels see it; energies in eV."""

    stiffness: np.ndarray  # (m,) of the restraint, eV per unit²; zero where there is none
    knot_steps: np.ndarray  # (K,) int64, when the centre is at a knot; K = 0: no restraint
    knots: np.ndarray  # (K, m)
    axes: np.ndarray  # (d,) int64, variables of the grid
    low: np.ndarray  # (d,) first node of each axis
    spacing: np.ndarray  # (d,)
    shape: np.ndarray  # (d,) int64, nodes
    values: np.ndarray  # flat, eV; empty without a grid
    lower: np.ndarray  # (m,) walls; infinite where there is none
    upper: np.ndarray  # (m,)
    lower_stiffness: np.ndarray  # (m,) eV per unit²
    upper_stiffness: np.ndarray  # (m,)


@njit(**FUSED)
def restraint_centre(tables, step, centre):
    """Centre of the restraint after ``step`` steps: linear between the knots, at rest outside."""
    steps, knots = tables.knot_steps, tables.knots
    last = steps.shape[0] - 1
    if step <= steps[0]:
        centre[:] = knots[0]
        return
    if step >= steps[last]:
        centre[:] = knots[last]
        return
    k = 0
    while step >= steps[k + 1]:
        k += 1
    share = (step - steps[k]) / (steps[k + 1] - steps[k])
    for a in range(centre.shape[0]):
        centre[a] = knots[k, a] + share * (knots[k + 1, a] - knots[k, a])


@njit(**FUSED)
def restraint_energy(tables, s, step, centre):
    """½ Σ κ (s - c)² at ``step``; leaves c in ``centre``. Zero without a restraint."""
    energy = 0.0
    if tables.knot_steps.shape[0] > 0:
        restraint_centre(tables, step, centre)
        for a in range(s.shape[0]):
            energy += 0.5 * tables.stiffness[a] * (s[a] - centre[a]) ** 2
    return energy


@njit(**FUSED)
def _weights(u, n, w, dw):
    """Catmull-Rom weights of four nodes around ``u`` (in nodes), their derivatives, the first node.

    Outside of the grid the value at the edge holds, with no slope.
    """
    inside = 0.0 <= u <= n - 1.0
    u = min(max(u, 0.0), n - 1.0)
    m = min(int(u), n - 2)
    t = u - m
    w[0] = t * (-0.5 + t * (1.0 - 0.5 * t))
    w[1] = 1.0 + t * t * (1.5 * t - 2.5)
    w[2] = t * (0.5 + t * (2.0 - 1.5 * t))
    w[3] = t * t * (0.5 * t - 0.5)
    dw[0] = -0.5 + t * (2.0 - 1.5 * t)
    dw[1] = t * (4.5 * t - 5.0)
    dw[2] = 0.5 + t * (4.0 - 4.5 * t)
    dw[3] = t * (1.5 * t - 1.0)
    if not inside:
        dw[:] = 0.0
    return m - 1


@njit(**FUSED)
def interpolate(low, spacing, shape, values, s, slope):
    """Value and slope (d,) of a tabulated function at ``s`` (d,), d = 1..3: C1, cubic."""
    d = s.shape[0]
    w = np.empty((3, 4))
    dw = np.empty((3, 4))
    first = np.zeros(3, np.int64)
    n = np.ones(3, np.int64)
    for a in range(3):
        w[a, 0], w[a, 1], w[a, 2], w[a, 3] = 1.0, 0.0, 0.0, 0.0
        dw[a, :] = 0.0
    for a in range(d):
        n[a] = shape[a]
        first[a] = _weights((s[a] - low[a]) / spacing[a], shape[a], w[a], dw[a])
    energy = 0.0
    d0 = 0.0
    d1 = 0.0
    d2 = 0.0
    for i in range(4):
        ia = min(max(first[0] + i, 0), n[0] - 1)
        for j in range(4 if d > 1 else 1):
            jb = min(max(first[1] + j, 0), n[1] - 1) if d > 1 else 0
            for k in range(4 if d > 2 else 1):
                kc = min(max(first[2] + k, 0), n[2] - 1) if d > 2 else 0
                v = values[(ia * n[1] + jb) * n[2] + kc]
                energy += w[0, i] * w[1, j] * w[2, k] * v
                d0 += dw[0, i] * w[1, j] * w[2, k] * v
                if d > 1:
                    d1 += w[0, i] * dw[1, j] * w[2, k] * v
                if d > 2:
                    d2 += w[0, i] * w[1, j] * dw[2, k] * v
    slope[0] = d0 / spacing[0]
    if d > 1:
        slope[1] = d1 / spacing[1]
    if d > 2:
        slope[2] = d2 / spacing[2]
    return energy


@njit(**FUSED)
def evaluate_bias(tables, s, step, slope):
    """Energy of the bias in eV at ``s`` (m,) after ``step`` steps; overwrites ``slope`` (m,)."""
    m = s.shape[0]
    slope[:] = 0.0
    centre = np.empty(m)
    energy = restraint_energy(tables, s, step, centre)
    if tables.knot_steps.shape[0] > 0:
        for a in range(m):
            slope[a] += tables.stiffness[a] * (s[a] - centre[a])
    d = tables.axes.shape[0]
    if tables.values.shape[0] > 0:
        part = np.empty(d)
        rise = np.zeros(d)
        for a in range(d):
            part[a] = s[tables.axes[a]]
        energy += interpolate(tables.low, tables.spacing, tables.shape, tables.values, part, rise)
        for a in range(d):
            slope[tables.axes[a]] += rise[a]
    for a in range(m):
        below = tables.lower[a] - s[a]
        if below > 0.0:
            energy += 0.5 * tables.lower_stiffness[a] * below * below
            slope[a] -= tables.lower_stiffness[a] * below
        above = s[a] - tables.upper[a]
        if above > 0.0:
            energy += 0.5 * tables.upper_stiffness[a] * above * above
            slope[a] += tables.upper_stiffness[a] * above
    return energy
