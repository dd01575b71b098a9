"""Compiled moves of a whole cluster: a random start, a shake, a twist of one half.

All take positions (N, 3) in Å, which they overwrite, and the state (4,) of a random generator.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import FAST
from nanochart.compiled.random_numbers import draw_uniform

#: Share of the ball that spheres of the nearest-neighbour diameter would fill, and how close atoms
#: may come in such diameters before a quench. Both are low, because parting atoms is to be no
#: packing: of 3,000 such starts of 38 atoms none quenches into the truncated octahedron.
_FILLING = 0.30
CONTACT = 0.70


@njit(**FAST)
def draw_normal(random):
    """Draw one standard normal number."""
    radius = math.sqrt(-2.0 * math.log(draw_uniform(random)))
    return radius * math.cos(2.0 * math.pi * draw_uniform(random))


@njit(**FAST)
def draw_direction(random, out):
    """Draw a unit vector (3,) into ``out``."""
    z = 2.0 * draw_uniform(random) - 1.0
    angle = 2.0 * math.pi * draw_uniform(random)
    across = math.sqrt(1.0 - z * z)
    out[0] = across * math.cos(angle)
    out[1] = across * math.sin(angle)
    out[2] = z


@njit(**FAST)
def squared_distance(x, i, y, j):
    """Between the rows i of x and j of y."""
    dx = x[i, 0] - y[j, 0]
    dy = x[i, 1] - y[j, 1]
    dz = x[i, 2] - y[j, 2]
    return dx * dx + dy * dy + dz * dz


@njit(**FAST)
def part(x, contact):
    """Push pairs that are closer than ``contact`` (Å) apart, until none is."""
    n = x.shape[0]
    for _ in range(200):
        touched = False
        for i in range(n):
            for j in range(i):
                r2 = squared_distance(x, i, x, j)
                if r2 >= contact * contact:
                    continue
                touched = True
                if r2 < 1e-8:  # no direction: any will do, and the next sweep goes on with it
                    x[i, i % 3] += 0.1 * contact
                    continue
                r = math.sqrt(r2)
                push = 0.5 * (1.01 * contact - r) / r
                for k in range(3):
                    move = push * (x[i, k] - x[j, k])
                    x[i, k] += move
                    x[j, k] -= move
        if not touched:
            break


@njit(**FAST)
def random_start(x, distance, random):
    """Throw atoms into a ball, uniformly, and part those that lie on top of each other."""
    n = x.shape[0]
    radius = 0.5 * (n / _FILLING) ** (1.0 / 3.0)
    centres = max(radius - 0.5, 0.5) * distance
    for i in range(n):
        draw_direction(random, x[i])
        r = centres * draw_uniform(random) ** (1.0 / 3.0)
        for k in range(3):
            x[i, k] *= r
    part(x, CONTACT * distance)


@njit(**FAST)
def shake(x, amplitude, random):
    """Move each coordinate by a number that is uniform within ± ``amplitude`` (Å)."""
    for i in range(x.shape[0]):
        for k in range(3):
            x[i, k] += amplitude * (2.0 * draw_uniform(random) - 1.0)


@njit(**FAST)
def twist(x, random):
    """Turn what lies beyond a random plane by a random angle about the plane's normal."""
    n = x.shape[0]
    u = np.empty(3)
    draw_direction(random, u)
    centre = np.zeros(3)
    for i in range(n):
        for k in range(3):
            centre[k] += x[i, k] / n
    height = np.empty(n)
    for i in range(n):
        height[i] = 0.0
        for k in range(3):
            height[i] += (x[i, k] - centre[k]) * u[k]
    plane = (2.0 * draw_uniform(random) - 1.0) * 0.5 * height.max()
    angle = 2.0 * math.pi * draw_uniform(random)
    cosine, sine = math.cos(angle), math.sin(angle)
    for i in range(n):
        if height[i] <= plane:
            continue
        a, b, c = x[i, 0] - centre[0], x[i, 1] - centre[1], x[i, 2] - centre[2]
        along = height[i] * (1.0 - cosine)
        # Rodrigues: v cos + (u x v) sin + u (u.v)(1 - cos)
        x[i, 0] = centre[0] + a * cosine + (u[1] * c - u[2] * b) * sine + u[0] * along
        x[i, 1] = centre[1] + b * cosine + (u[2] * a - u[0] * c) * sine + u[1] * along
        x[i, 2] = centre[2] + c * cosine + (u[0] * b - u[1] * a) * sine + u[2] * along


@njit(**FAST)
def is_whole(x, reach):
    """Whether steps of at most ``reach`` (Å) lead from each atom to each other."""
    n = x.shape[0]
    seen = np.zeros(n, np.bool_)
    waiting = np.empty(n, np.int64)
    waiting[0] = 0
    seen[0] = True
    top = 1
    count = 1
    while top > 0:
        top -= 1
        i = waiting[top]
        for j in range(n):
            if not seen[j] and squared_distance(x, i, x, j) < reach * reach:
                seen[j] = True
                waiting[top] = j
                top += 1
                count += 1
    return count == n
