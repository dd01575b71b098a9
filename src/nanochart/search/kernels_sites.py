"""Compiled moves of the surface: the sites that a cluster offers, and atoms that change places.

Bonds are counted by distance alone, so that the moves are the same for every potential: a bond is
one up to the nearest-neighbour distance and none from 1.45 of it on.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import FAST
from nanochart.compiled.random_numbers import draw_uniform
from nanochart.search.kernels_moves import draw_normal, squared_distance

#: Reach of a bond, and of a bond for sure, in nearest-neighbour distances.
_REACH = 1.45
_BONDED = 1.25
#: Longest edge of three atoms that a site may lie above: the diagonal of a square.
_EDGE = 1.60
#: A site is no closer to an atom than this, and another site than that.
_FREE = 0.80
_APART = 0.30
#: Width (in bonds) of the noise in who is least bound, and "temperature" of the choice of a site.
_NOISE = 0.5
_CHOICE = 0.5


@njit(**FAST)
def _bond(r2, distance):
    r = math.sqrt(r2) / distance
    if r <= 1.0:
        return 1.0
    if r >= _REACH:
        return 0.0
    t = (_REACH - r) / (_REACH - 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(**FAST)
def _gumbel(random):
    """Noise with which the largest of v/T + noise is a Boltzmann choice among the v."""
    return -math.log(-math.log(draw_uniform(random)))


@njit(**FAST)
def least_bound(x, distance, count, random, chosen):
    """Mark the ``count`` atoms with the fewest bonds, up to noise, in ``chosen`` (N,)."""
    n = x.shape[0]
    bonds = np.zeros(n)
    for i in range(n):
        for j in range(i):
            bond = _bond(squared_distance(x, i, x, j), distance)
            bonds[i] += bond
            bonds[j] += bond
    for i in range(n):
        bonds[i] += _NOISE * draw_normal(random)
    chosen[:] = False
    for _ in range(count):
        least = -1
        for i in range(n):
            if not chosen[i] and (least < 0 or bonds[i] < bonds[least]):
                least = i
        chosen[least] = True


@njit(**FAST)
def _value(x, m, p, distance):
    """Bonds of an atom at p (3,) to the first m atoms; -1 where there is no room."""
    bonds = 0.0
    for q in range(m):
        dx, dy, dz = p[0] - x[q, 0], p[1] - x[q, 1], p[2] - x[q, 2]
        r2 = dx * dx + dy * dy + dz * dz
        if r2 < (_FREE * distance) ** 2:
            return -1.0
        if r2 < (_REACH * distance) ** 2:
            bonds += _bond(r2, distance)
    return bonds


@njit(**FAST)
def _apex(x, i, j, k, distance, side, p):
    """Put p (3,) at ``distance`` from three atoms, on one side of them; False where none is."""
    a0, a1, a2 = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
    b0, b1, b2 = x[k, 0] - x[i, 0], x[k, 1] - x[i, 1], x[k, 2] - x[i, 2]
    aa, bb = a0 * a0 + a1 * a1 + a2 * a2, b0 * b0 + b1 * b1 + b2 * b2
    ab = a0 * b0 + a1 * b1 + a2 * b2
    area2 = aa * bb - ab * ab
    if area2 < 1e-6 * aa * bb:
        return False
    s, t = 0.5 * bb * (aa - ab) / area2, 0.5 * aa * (bb - ab) / area2
    c0, c1, c2 = s * a0 + t * b0, s * a1 + t * b1, s * a2 + t * b2
    height2 = distance * distance - (c0 * c0 + c1 * c1 + c2 * c2)
    if height2 < 0.0:
        return False
    h = side * math.sqrt(height2 / area2)
    p[0] = x[i, 0] + c0 + h * (a1 * b2 - a2 * b1)
    p[1] = x[i, 1] + c1 + h * (a2 * b0 - a0 * b2)
    p[2] = x[i, 2] + c2 + h * (a0 * b1 - a1 * b0)
    return True


@njit(**FAST)
def find_sites(x, m, distance, sites, values):
    """Find the hollows of the first m atoms of x: places at one distance from three of them.

    Parameters
    ----------
    x
        (N, 3) positions in Å.
    m
        How many of the atoms count.
    distance
        Of nearest neighbours, Å.
    sites, values
        (site, 3) and (site,), overwritten: the places, and the bonds that an atom has there.

    Returns
    -------
    n_sites
    """
    found = 0
    near = np.empty(m, np.int64)
    p = np.empty((1, 3))
    for i in range(m):
        count = 0
        for j in range(m):
            if j != i and squared_distance(x, i, x, j) < (_BONDED * distance) ** 2:
                near[count] = j
                count += 1
        for a in range(count):
            for b in range(a):
                j, k = near[a], near[b]
                edge2 = squared_distance(x, j, x, k)
                # A triangle of three bonds is seen from each of its corners: once is enough.
                seen = edge2 < (_BONDED * distance) ** 2 and (i > j or i > k)
                if seen or edge2 > (_EDGE * distance) ** 2:
                    continue
                for side in (-1.0, 1.0):
                    if not _apex(x, i, j, k, distance, side, p[0]):
                        continue
                    bonds = _value(x, m, p[0], distance)
                    if bonds < 0.0:
                        continue
                    new = True
                    for q in range(found):
                        if squared_distance(p, 0, sites, q) < (_APART * distance) ** 2:
                            new = False
                            if bonds > values[q]:
                                sites[q] = p[0]
                                values[q] = bonds
                            break
                    if new and found < sites.shape[0]:
                        sites[found] = p[0]
                        values[found] = bonds
                        found += 1
    return found


@njit(**FAST)
def most_sites(n):
    """Room for the sites of ``n`` atoms."""
    return 6 * n + 50


@njit(**FAST)
def relocate(x, distance, count, random):
    """Move the ``count`` least bound atoms to sites, one after another, the better the likelier."""
    n = x.shape[0]
    chosen = np.zeros(n, np.bool_)
    least_bound(x, distance, count, random, chosen)
    order = np.concatenate((np.flatnonzero(~chosen), np.flatnonzero(chosen)))
    y = x[order]
    sites = np.empty((most_sites(n), 3))
    values = np.empty(most_sites(n))
    for m in range(n - count, n):
        found = find_sites(y, m, distance, sites, values)
        best, top = -1, -np.inf
        for s in range(found):
            # A single atom is to leave its place.
            if count == 1 and squared_distance(sites, s, y, m) < (0.5 * distance) ** 2:
                continue
            value = values[s] / _CHOICE + _gumbel(random)
            if value > top:
                best, top = s, value
        if best >= 0:
            y[m] = sites[best]
    x[order] = y


@njit(**FAST)
def fill(x, m, distance, random):
    """Put the atoms from the m-th on onto sites of those before; False where there are none."""
    n = x.shape[0]
    sites = np.empty((most_sites(n), 3))
    values = np.empty(most_sites(n))
    while m < n:
        found = find_sites(x, m, distance, sites, values)
        for s in range(found):
            values[s] = values[s] / _CHOICE + _gumbel(random)
        # Half of what is missing at a time: atoms that were added make the better sites.
        first, limit = m, m + max(1, (n - m + 1) // 2)
        for s in np.argsort(-values[:found]):
            room = m < limit
            for q in range(first, m):
                room = room and squared_distance(sites, s, x, q) >= (_FREE * distance) ** 2
            if room:
                x[m] = sites[s]
                m += 1
        if m == first:
            return False
    return True


@njit(**FAST)
def refill(x, distance, count, random):
    """Take the ``count`` least bound atoms away and fill up again, many at a time."""
    n = x.shape[0]
    chosen = np.zeros(n, np.bool_)
    least_bound(x, distance, count, random, chosen)
    order = np.concatenate((np.flatnonzero(~chosen), np.flatnonzero(chosen)))
    y = x[order]
    if fill(y, n - count, distance, random):
        x[order] = y
