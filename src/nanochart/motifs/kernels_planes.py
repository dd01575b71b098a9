"""Compiled search for close-packed planes of hcp atoms."""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import EXACT
from nanochart.descriptors import HCP
from nanochart.motifs.kernels_axes import unit

#: Atoms are in one close-packed plane if it is tilted less than this between them, and this flat.
_SAME_TILT = math.cos(math.radians(20.0))
_FLAT = 0.4


@njit(**EXACT)
def find_planes(x, d, kinds, in_plane, line, has_line):
    """Close-packed planes of hcp atoms; ``in_plane`` (atom, 3) holds each one's normal.

    Returns planes of at least two atoms, their orientations, and groups and atoms that do not hold
    the five-fold axis ``line``.
    """
    n = x.shape[1]
    member = np.full(n, -1)
    stack = np.empty(n, np.int64)
    normals = np.empty((n, 3))
    planes = orientations = islands = island_atoms = 0
    point = np.empty(3)
    for seed in range(n):
        if kinds[seed] != HCP or member[seed] >= 0:
            continue
        member[seed] = seed
        stack[0] = seed
        size, first = 1, 0
        mean = np.zeros(3)
        while first < size:
            i = stack[first]
            first += 1
            u = in_plane[i]
            sign = 1.0 if mean[0] * u[0] + mean[1] * u[1] + mean[2] * u[2] >= 0.0 else -1.0
            for k in range(3):
                mean[k] += sign * u[k]
            for j in range(n):
                if kinds[j] != HCP or member[j] >= 0:
                    continue
                v = in_plane[j]
                a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
                if (
                    a * a + b * b + c * c < 6.25 * d * d
                    and abs(u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) > _SAME_TILT
                    and abs(a * u[0] + b * u[1] + c * u[2]) < _FLAT * d
                    and abs(a * v[0] + b * v[1] + c * v[2]) < _FLAT * d
                ):
                    member[j] = seed
                    stack[size] = j
                    size += 1
        norm = math.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)
        for k in range(3):
            mean[k] /= norm
        off_axis = True
        if has_line:
            # A twin plane of a decahedron holds the axis: its normal is at right angles to it, and
            # the plane through its atoms passes the axis.
            tilt = abs(mean[0] * line[3] + mean[1] * line[4] + mean[2] * line[5])
            away = 0.0
            for m in range(size):
                i = stack[m]
                for k in range(3):
                    point[k] = x[k, i] - line[k]
                away += point[0] * mean[0] + point[1] * mean[1] + point[2] * mean[2]
            off_axis = tilt > 0.34 or abs(away) / size > _FLAT * d
        if off_axis:
            islands += 1
            island_atoms += size
        if size < 2:
            continue
        planes += 1
        new = True
        for k in range(orientations):
            w = normals[k]
            if abs(w[0] * mean[0] + w[1] * mean[1] + w[2] * mean[2]) > _SAME_TILT:
                new = False
        if new:
            normals[orientations] = mean
            orientations += 1
    return planes, orientations, islands, island_atoms


@njit(**EXACT)
def plane_normal(x, i, count, shell, neighbours, out):
    """Normal of the close-packed plane of an hcp atom: at right angles to its six 422 bonds."""
    first = -1
    u, v = np.empty(3), np.empty(3)
    out[:] = 0.0
    for a in range(count):
        common = shell[a]
        most = 0
        for b in range(count):
            if (common >> np.uint64(b)) & np.uint64(1):
                degree = 0
                rest = shell[b] & common
                while rest:
                    rest &= rest - np.uint64(1)
                    degree += 1
                most = max(most, degree)
        if most != 2:
            continue
        if first < 0:
            first = a
            unit(x, i, neighbours[i, a], u)
            continue
        unit(x, i, neighbours[i, a], v)
        p = u[1] * v[2] - u[2] * v[1]
        q = u[2] * v[0] - u[0] * v[2]
        r = u[0] * v[1] - u[1] * v[0]
        sign = 1.0 if p * out[0] + q * out[1] + r * out[2] >= 0.0 else -1.0
        out[0] += sign * p
        out[1] += sign * q
        out[2] += sign * r
    size = math.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
    for k in range(3):
        out[k] /= max(size, 1e-9)
