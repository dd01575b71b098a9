"""Compiled search for empty sites: those of a surface, and vacancies inside."""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import EXACT

#: Room around an empty site, and between two of them, in bond lengths.
_EMPTY, _APART = 0.8, 0.6

MOST_SITES = 4096

#: Vacancies inside a cluster that are looked for, at most.
MOST_HOLES = 8
#: Neighbours of a vacancy inside, as of an atom there; two side by side have eleven atoms each.
_INSIDE = 11
#: Neighbours that an atom and a vacancy beside it have in common: four in a lattice, five along a
#: five-fold axis, one less beside a second vacancy.
_SHARED = 3
#: Times that a trial site is moved to the middle of the atoms that it touches.
_CENTRINGS = 3


@njit(**EXACT)
def holes(x, d, cutoff, neighbours, coordination, found):
    """Put the vacancies inside a cluster into ``found`` (hole, 3); returns how many there are.

    An atom inside that lacks one or two of twelve neighbours points at the place of what it lacks:
    against the sum of the directions of those it has. There is a vacancy where ``_INSIDE`` atoms or
    more touch the middle of themselves and none is closer to it than ``_EMPTY`` d.
    """
    n = x.shape[1]
    near, limit, apart = (_EMPTY * d) ** 2, cutoff * cutoff, (_APART * d) ** 2
    p, middle = np.empty(3), np.empty(3)
    count = 0
    for i in range(n):
        if coordination[i] < 10 or coordination[i] > 11:
            continue
        p[:] = 0.0
        for a in range(coordination[i]):
            j = neighbours[i, a]
            e0, e1, e2 = x[0, i] - x[0, j], x[1, i] - x[1, j], x[2, i] - x[2, j]
            r = math.sqrt(e0 * e0 + e1 * e1 + e2 * e2)
            p[0] += e0 / r
            p[1] += e1 / r
            p[2] += e2 / r
        size = max(math.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2), 1e-9)
        for k in range(3):
            p[k] = x[k, i] + d / size * p[k]
        shared = 0  # neighbours of the atom that touch the site, of which a surface has few
        for a in range(coordination[i]):
            j = neighbours[i, a]
            e0, e1, e2 = x[0, j] - p[0], x[1, j] - p[1], x[2, j] - p[2]
            shared += e0 * e0 + e1 * e1 + e2 * e2 <= limit
        known = False
        for h in range(count):
            e0, e1, e2 = found[h, 0] - p[0], found[h, 1] - p[1], found[h, 2] - p[2]
            known |= e0 * e0 + e1 * e1 + e2 * e2 < apart
        if known or shared < _SHARED:
            continue
        touching, closest = 0, np.inf
        for _ in range(_CENTRINGS):
            touching, closest = 0, np.inf
            middle[:] = 0.0
            for q in range(n):
                e0, e1, e2 = x[0, q] - p[0], x[1, q] - p[1], x[2, q] - p[2]
                r2 = e0 * e0 + e1 * e1 + e2 * e2
                closest = min(closest, r2)
                if r2 <= limit:
                    touching += 1
                    for k in range(3):
                        middle[k] += x[k, q]
            if touching < _INSIDE:
                break
            for k in range(3):
                p[k] = middle[k] / touching
        if touching < _INSIDE or closest < near or count == MOST_HOLES:
            continue
        for h in range(count):
            e0, e1, e2 = found[h, 0] - p[0], found[h, 1] - p[1], found[h, 2] - p[2]
            known |= e0 * e0 + e1 * e1 + e2 * e2 < apart
        if not known:
            found[count] = p
            count += 1
    return count


@njit(**EXACT)
def empty_sites(x, d, cutoff, neighbours, coordination, bonded, sites):
    """Count empty sites with six neighbours, and with more.

    A site touches three atoms that touch one another, at the distance ``d`` of each, and has no
    atom closer than ``_EMPTY`` d.
    """
    n = x.shape[1]
    near, limit, apart = (_EMPTY * d) ** 2, cutoff * cutoff, (_APART * d) ** 2
    u, v, w, c, p = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    row = np.empty(n)
    found = 0
    for i in range(n):
        for a in range(coordination[i]):
            j = neighbours[i, a]
            if j <= i:
                continue
            for b in range(a + 1, coordination[i]):
                k = neighbours[i, b]
                if coordination[i] >= 12 and coordination[j] >= 12 and coordination[k] >= 12:
                    continue
                if not (bonded[j, k >> 6] >> np.uint64(k & 63)) & np.uint64(1):
                    continue
                for m in range(3):
                    u[m] = x[m, j] - x[m, i]
                    v[m] = x[m, k] - x[m, i]
                w[0] = u[1] * v[2] - u[2] * v[1]
                w[1] = u[2] * v[0] - u[0] * v[2]
                w[2] = u[0] * v[1] - u[1] * v[0]
                ww = w[0] ** 2 + w[1] ** 2 + w[2] ** 2
                uu = u[0] ** 2 + u[1] ** 2 + u[2] ** 2
                vv = v[0] ** 2 + v[1] ** 2 + v[2] ** 2
                # Centre of the circle through the three atoms, from atom i.
                c[0] = vv * (w[1] * u[2] - w[2] * u[1]) + uu * (v[1] * w[2] - v[2] * w[1])
                c[1] = vv * (w[2] * u[0] - w[0] * u[2]) + uu * (v[2] * w[0] - v[0] * w[2])
                c[2] = vv * (w[0] * u[1] - w[1] * u[0]) + uu * (v[0] * w[1] - v[1] * w[0])
                cc = 0.0
                for m in range(3):
                    c[m] *= 0.5 / ww
                    cc += c[m] ** 2
                if cc >= d * d:
                    continue
                height = math.sqrt((d * d - cc) / ww)
                for side in range(2):
                    lift = height if side == 0 else -height
                    for m in range(3):
                        p[m] = x[m, i] + c[m] + lift * w[m]
                    blocked = False
                    for e in range(coordination[i]):
                        q = neighbours[i, e]
                        r2 = (x[0, q] - p[0]) ** 2 + (x[1, q] - p[1]) ** 2 + (x[2, q] - p[2]) ** 2
                        if r2 < near:
                            blocked = True
                            break
                    if blocked:
                        continue
                    for q in range(n):
                        e0, e1, e2 = x[0, q] - p[0], x[1, q] - p[1], x[2, q] - p[2]
                        row[q] = e0 * e0 + e1 * e1 + e2 * e2
                    touching = 0
                    closest = np.inf
                    for q in range(n):
                        closest = min(closest, row[q])
                        touching += row[q] <= limit
                    if closest < near or touching < 6 or found >= MOST_SITES:
                        continue
                    known = False
                    for s in range(found):
                        e0 = sites[s, 0] - p[0]
                        e1 = sites[s, 1] - p[1]
                        e2 = sites[s, 2] - p[2]
                        if e0 * e0 + e1 * e1 + e2 * e2 < apart:
                            sites[s, 3] = max(sites[s, 3], touching)
                            known = True
                            break
                    if not known:
                        sites[found, 0], sites[found, 1], sites[found, 2] = p[0], p[1], p[2]
                        sites[found, 3] = touching
                        found += 1
    six = 0
    for s in range(found):
        six += sites[s, 3] == 6
    return six, found - six
