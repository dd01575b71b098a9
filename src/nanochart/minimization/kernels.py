"""Compiled minimization: limited-memory BFGS without a line search."""

import math

import numpy as np
from numba import njit

from nanochart.compiled.neighbours import all_pairs, list_is_stale, make_workspace, rebuild_list
from nanochart.compiled.options import FAST, REORDERED
from nanochart.potentials import evaluate

U = np.uint64

CONVERGED = 0
EXHAUSTED = 1
OVERLAP = 2

_MEMORY = 8


@njit(**REORDERED)
def _dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(**FAST)
def _add(a, factor, b):
    """A += factor * b."""
    for i in range(U(a.size)):
        a[i] += factor * b[i]


@njit(**FAST)
def largest_norm(vectors):
    """Largest Euclidean norm of the columns of (3, N)."""
    largest = 0.0
    for i in range(vectors.shape[1]):
        square = vectors[0, i] ** 2 + vectors[1, i] ** 2 + vectors[2, i] ** 2
        # Written so that NaN becomes the largest.
        if not square <= largest:
            largest = square
    return math.sqrt(largest)


@njit(**FAST)
def _direction(forces, s, y, rho, stored, newest, alpha, step):
    """Two-loop recursion (Nocedal, Math. Comput. 35, 773 (1980)): step = -H ∇E."""
    step[:] = forces
    for back in range(stored):
        k = (newest - back) % _MEMORY
        alpha[k] = rho[k] * _dot(s[k], step)
        _add(step, -alpha[k], y[k])
    if stored > 0:
        scale = 1.0 / (rho[newest] * _dot(y[newest], y[newest]))
        for i in range(U(step.size)):
            step[i] *= scale
    for back in range(stored - 1, -1, -1):
        k = (newest - back) % _MEMORY
        beta = rho[k] * _dot(y[k], step)
        _add(step, alpha[k] - beta, s[k])


@njit(**FAST)
def minimize(model, positions, max_force, max_step, max_evaluations, skin, result):
    """Minimize one cluster in place.

    Parameters
    ----------
    model
        Potential as the kernels see it.
    positions
        (N, 3) in Å, overwritten.
    max_force
        Target of the largest force on an atom, eV/Å.
    max_step
        Longest move of an atom in one iteration, Å.
    max_evaluations
        Force evaluations at most.
    skin
        Margin of the Verlet list, Å.
    result
        (3,): energy in eV, largest force in eV/Å, evaluations; overwritten.

    Returns
    -------
    status
        CONVERGED, EXHAUSTED or OVERLAP.
    """
    n = positions.shape[0]
    size = 3 * n
    x = np.empty((3, n))
    x[:, :] = positions.T
    trial = np.empty((3, n))
    f = np.empty((3, n))
    f_trial = np.empty((3, n))
    flat_x, flat_trial = x.reshape(size), trial.reshape(size)
    flat_f, flat_f_trial = f.reshape(size), f_trial.reshape(size)
    step2 = np.empty((3, n))
    step = step2.reshape(size)
    s = np.empty((_MEMORY, size))
    y = np.empty((_MEMORY, size))
    rho = np.empty(_MEMORY)
    alpha = np.empty(_MEMORY)
    ws = make_workspace(n, min(all_pairs(n), 60 * n))
    reach = model.cutoff + skin
    stored = 0
    newest = -1

    ws = rebuild_list(x, reach, ws)
    energy, overlapping = evaluate(model, x, ws, f)
    evaluations = 1
    status = EXHAUSTED
    # Below this, two energies differ by rounding only, and a step is not held against it.
    noise = 1e-13 * (abs(energy) + 1.0)
    while not overlapping:
        if largest_norm(f) < max_force:
            status = CONVERGED
            break
        if evaluations >= max_evaluations:
            break
        _direction(flat_f, s, y, rho, stored, newest, alpha, step)
        if _dot(step, flat_f) <= 0.0:
            stored = 0
            step[:] = flat_f
        if stored == 0:
            # Without curvature: a tenth of the longest step, along the force.
            scale = 0.1 * max_step / largest_norm(step2)
            for i in range(U(size)):
                step[i] *= scale
        longest = largest_norm(step2)
        shrink = max_step / longest if longest > max_step else 1.0
        descended = False
        for _ in range(6):
            flat_trial[:] = flat_x
            _add(flat_trial, shrink, step)
            if list_is_stale(trial, skin, ws):
                ws = rebuild_list(trial, reach, ws)
            e_trial, bad = evaluate(model, trial, ws, f_trial)
            evaluations += 1
            if not bad and e_trial <= energy + noise:
                descended = True
                break
            shrink *= 0.2
            if evaluations >= max_evaluations:
                break
        if not descended:
            if stored == 0:
                break
            stored = 0
            continue
        slot = (newest + 1) % _MEMORY
        for i in range(U(size)):
            s[slot, i] = flat_trial[i] - flat_x[i]
            y[slot, i] = flat_f[i] - flat_f_trial[i]
        curvature = _dot(s[slot], y[slot])
        # Negative curvature would make the inverse Hessian indefinite: forget that pair.
        if curvature > 1e-12 * _dot(y[slot], y[slot]):
            rho[slot] = 1.0 / curvature
            newest = slot
            stored = min(stored + 1, _MEMORY)
        flat_x[:] = flat_trial
        flat_f[:] = flat_f_trial
        energy = e_trial
    if overlapping:
        status = OVERLAP
    result[0] = energy
    result[1] = largest_norm(f)
    result[2] = evaluations
    positions[:, :] = x.T
    return status
