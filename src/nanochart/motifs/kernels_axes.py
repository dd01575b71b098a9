"""Compiled search for five-fold axes, where they meet, and opened vertices of icosahedra.

A line is a row of six numbers: a point on it and its direction.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import EXACT
from nanochart.descriptors import AXIS, ICO

#: Lines are one axis if they are parallel within this cosine and this close (in bond lengths).
_PARALLEL = math.cos(math.radians(25.0))
_SAME_LINE = 0.5
#: A five-fold axis goes through a point if it passes within this many bond lengths.
_MEETING = 0.6

MOST_LINES = 256


@njit(**EXACT)
def unit(x, i, j, out):
    """Direction from atom ``i`` to atom ``j``."""
    a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
    r = 1.0 / math.sqrt(a * a + b * b + c * c)
    out[0], out[1], out[2] = a * r, b * r, c * r


@njit(**EXACT)
def off_line(p, origin, direction):
    """Distance of the point ``p`` from a line."""
    a, b, c = p[0] - origin[0], p[1] - origin[1], p[2] - origin[2]
    along = a * direction[0] + b * direction[1] + c * direction[2]
    return math.sqrt(max(a * a + b * b + c * c - along * along, 0.0))


@njit(**EXACT)
def _add_line(point, direction, d, lines, weight, count):
    """Enter a five-fold axis through ``point``, or count the point to one that is there.

    A line is the mean of its members, so that it does not depend on which of them came first.
    """
    for k in range(count):
        u = lines[k, 3:]
        cosine = u[0] * direction[0] + u[1] * direction[1] + u[2] * direction[2]
        if abs(cosine) > _PARALLEL and off_line(point, lines[k, :3], u) < _SAME_LINE * d:
            sign = 1.0 if cosine >= 0.0 else -1.0
            old = weight[k]
            size = 0.0
            for c in range(3):
                lines[k, c] += (point[c] - lines[k, c]) / (old + 1)
                u[c] = old * u[c] + sign * direction[c]
                size += u[c] * u[c]
            size = math.sqrt(size)
            for c in range(3):
                u[c] /= size
            weight[k] += 1
            return count
    if count < MOST_LINES:
        lines[count, :3] = point
        lines[count, 3:] = direction
        weight[count] = 1
        count += 1
    return count


@njit(**EXACT)
def find_lines(x, d, kinds, fivefold, neighbours, lines, weight):
    """Five-fold axes: lines through the atoms of the types axis and ico along their 555 bonds."""
    n = x.shape[1]
    u, v, point = np.empty(3), np.empty(3), np.empty(3)
    count = 0
    for i in range(n):
        if kinds[i] != AXIS and kinds[i] != ICO:
            continue
        for k in range(3):
            point[k] = x[k, i]
        if kinds[i] == AXIS:
            unit(x, neighbours[i, fivefold[i, 0]], neighbours[i, fivefold[i, 1]], u)
            count = _add_line(point, u, d, lines, weight, count)
            continue
        for a in range(12):
            unit(x, i, neighbours[i, fivefold[i, a]], u)
            for b in range(a):
                unit(x, i, neighbours[i, fivefold[i, b]], v)
                if u[0] * v[0] + u[1] * v[1] + u[2] * v[2] < -0.9:
                    for k in range(3):
                        v[k] = u[k] - v[k]
                    size = math.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
                    for k in range(3):
                        v[k] /= size
                    count = _add_line(point, v, d, lines, weight, count)
                    break
    return count


@njit(**EXACT)
def meet(lines, count, d, point):
    """Put the point through which most of the lines pass into ``point``; returns how many do."""
    most = 0
    trial = np.empty(3)
    for a in range(count):
        for b in range(a):
            u, v = lines[a, 3:], lines[b, 3:]
            cosine = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
            sine2 = 1.0 - cosine * cosine
            if sine2 < 0.1:
                continue
            along_u = along_v = 0.0
            for k in range(3):
                between = lines[b, k] - lines[a, k]
                along_u += between * (u[k] - cosine * v[k])
                along_v += between * (cosine * u[k] - v[k])
            for k in range(3):
                on_a = lines[a, k] + along_u / sine2 * u[k]
                on_b = lines[b, k] + along_v / sine2 * v[k]
                trial[k] = 0.5 * (on_a + on_b)
            passing = through(lines, count, d, trial)
            if passing > most:
                most = passing
                point[:] = trial
    return most


@njit(**EXACT)
def through(lines, count, d, point):
    """Number of lines that pass a point."""
    passing = 0
    for k in range(count):
        passing += off_line(point, lines[k, :3], lines[k, 3:]) < _MEETING * d
    return passing


@njit(**EXACT)
def intact(hub, kinds, neighbours, coordination):
    """Share of the neighbours of ``hub`` within the cluster that lie on five-fold axes."""
    within = on_axis = 0
    for a in range(coordination[hub]):
        i = neighbours[hub, a]
        within += coordination[i] >= 12
        on_axis += kinds[i] == AXIS or kinds[i] == ICO
    return on_axis / within if within > 0 else 1.0


@njit(**EXACT)
def rosettes(x, centre, kinds, fivefold, neighbours, coordination):
    """Vertices of an icosahedron around the atom ``centre`` that opened into a ring of six.

    From the centre each of the twelve 555 bonds is followed outwards, atom by atom. A ray that ends
    at a vertex ends with an atom that has all its neighbours behind it; where the vertex is missing
    its last atom has a ring of five around it and none ahead, and in a rosette a ring of six.
    """
    count = 0
    u, v = np.empty(3), np.empty(3)
    n = x.shape[1]
    for a in range(12):
        i = neighbours[centre, fivefold[centre, a]]
        unit(x, centre, i, u)
        for _ in range(n):
            ahead, best = -1, 0.85
            for b in range(coordination[i]):
                unit(x, i, neighbours[i, b], v)
                cosine = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
                if cosine > best:
                    ahead, best = neighbours[i, b], cosine
            if ahead < 0:
                break
            i = ahead
        ring = 0
        for b in range(coordination[i]):
            unit(x, i, neighbours[i, b], v)
            if u[0] * v[0] + u[1] * v[1] + u[2] * v[2] > -0.2:
                ring += 1
        count += ring == 6 and kinds[i] != AXIS
    return count
