"""A compiled move that makes a cluster symmetric: orbits of its atoms under a point group.

Low minima of clusters are often symmetric, and moves that know nothing of symmetry must find each
atom of an orbit by itself. This one takes the atoms from the centre outwards and repeats each by a
group of random kind and orientation, as long as there is room; what is missing then goes onto
surface sites.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import FAST
from nanochart.compiled.random_numbers import draw_uniform
from nanochart.search.kernels_moves import draw_normal, squared_distance
from nanochart.search.kernels_sites import fill

#: In nearest-neighbour distances. Images that are closer than this are one atom on an element of
#: symmetry, and atoms of one or of two orbits are no closer than that.
_ONE = 0.65
_WITHIN = 0.70
_BETWEEN = 0.75
#: Images of one place, up to rounding and the average over the images that are one atom.
_SAME = 0.15
#: Shift of the centre, and noise in the order of the radii.
_SHIFT = 0.3
_ORDER = 0.1


@njit(**FAST)
def random_rotation(random, out):
    """Write a rotation (3, 3), uniform over all, by a random unit quaternion."""
    q = np.empty(4)
    for k in range(4):
        q[k] = draw_normal(random)
    q /= math.sqrt((q * q).sum())
    w, a, b, c = q[0], q[1], q[2], q[3]
    out[0, 0] = 1.0 - 2.0 * (b * b + c * c)
    out[0, 1] = 2.0 * (a * b - w * c)
    out[0, 2] = 2.0 * (a * c + w * b)
    out[1, 0] = 2.0 * (a * b + w * c)
    out[1, 1] = 1.0 - 2.0 * (a * a + c * c)
    out[1, 2] = 2.0 * (b * c - w * a)
    out[2, 0] = 2.0 * (a * c - w * b)
    out[2, 1] = 2.0 * (b * c + w * a)
    out[2, 2] = 1.0 - 2.0 * (a * a + b * b)


@njit(**FAST)
def _apply(matrix, v, out):
    for k in range(3):
        out[k] = matrix[k, 0] * v[0] + matrix[k, 1] * v[1] + matrix[k, 2] * v[2]


@njit(**FAST)
def _orbit(group, v, distance, out):
    """Images (image, 3) of one atom, moved onto the element of symmetry that it is close to.

    Returns their number; 0 where two are too close and yet not one.
    """
    p = np.empty((1, 3))
    own = np.empty((1, 3))
    own[0] = v
    centre = np.zeros(3)
    close = 0
    for g in range(group.shape[0]):
        _apply(group[g], v, p[0])
        if squared_distance(p, 0, own, 0) < (_ONE * distance) ** 2:
            centre += p[0]
            close += 1
    centre /= close
    size = 0
    for g in range(group.shape[0]):
        _apply(group[g], centre, p[0])
        new = True
        for q in range(size):
            r2 = squared_distance(p, 0, out, q)
            if r2 < (_SAME * distance) ** 2:
                new = False
                break
            if r2 < (_WITHIN * distance) ** 2:
                return 0
        if new:
            out[size] = p[0]
            size += 1
    return size


@njit(**FAST)
def symmetrize(x, group, distance, random):
    """Make a cluster symmetric under a group (element, 3, 3) in a random orientation.

    Returns whether as many atoms found a place; otherwise ``x`` (N, 3) is as it was.
    """
    n = x.shape[0]
    turn = np.empty((3, 3))
    random_rotation(random, turn)
    centre = np.zeros(3)
    for i in range(n):
        centre += x[i] / n
    # Half of the time about another point: the axis of a growing cluster is not its middle.
    if draw_uniform(random) < 0.5:
        for k in range(3):
            centre[k] += _SHIFT * distance * (n / 38.0) ** (1.0 / 3.0) * draw_normal(random)
    v = np.empty((n, 3))
    radius = np.empty(n)
    for i in range(n):
        _apply(turn, x[i] - centre, v[i])
        radius[i] = math.sqrt((v[i] * v[i]).sum()) + _ORDER * distance * draw_normal(random)
    y = np.empty((n, 3))
    orbit = np.empty((group.shape[0], 3))
    m = 0
    for i in np.argsort(radius):
        size = _orbit(group, v[i], distance, orbit)
        room = size > 0 and m + size <= n
        for q in range(m):
            room = room and squared_distance(orbit, 0, y, q) >= (_BETWEEN * distance) ** 2
        if room:
            for q in range(size):
                y[m] = orbit[q]
                m += 1
    if m < 3 or not fill(y, m, distance, random):
        return False
    x[:, :] = y
    return True
