"""Compiled Steinhardt order parameter Q6 of a whole cluster, and its gradient.

The real spherical harmonics of degree 6 are combinations of the 28 monomials of degree 6 in the
components of a unit vector; the sums over bonds are taken of the monomials.
"""

import math

import numpy as np
from numba import njit

__all__ = ["MONOMIALS", "q6_gradient", "q6_value", "switch"]

_OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"contract"}}

#: Exponents of x, y, z.
MONOMIALS = np.array([(a, b, 6 - a - b) for a in range(7) for b in range(7 - a)], dtype=np.int64)
_FACTOR = 4.0 * math.pi / 13.0


@njit(**_OPTIONS)
def switch(r, low, high):
    """1 below ``low``, 0 above ``high``, smooth between (quintic), and the derivative by r."""
    if r <= low:
        return 1.0, 0.0
    if r >= high:
        return 0.0, 0.0
    t = (r - low) / (high - low)
    value = 1.0 - t * t * t * (10.0 + t * (6.0 * t - 15.0))
    return value, -30.0 * t * t * (1.0 - t) * (1.0 - t) / (high - low)


@njit(**_OPTIONS)
def _powers(u, table):
    table[0] = 1.0
    for k in range(1, 7):
        table[k] = table[k - 1] * u


@njit(**_OPTIONS)
def q6_value(x, low, high, harmonics, sums):
    """Q6 of rows ``x`` (3, N); ``sums`` (29,) keeps the sums of monomials and of weights."""
    n = x.shape[1]
    px, py, pz = np.empty(7), np.empty(7), np.empty(7)
    sums[:] = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if r2 >= high * high:
                continue
            r = math.sqrt(r2)
            w, _ = switch(r, low, high)
            _powers(a / r, px)
            _powers(b / r, py)
            _powers(c / r, pz)
            for m in range(28):
                sums[m] += w * px[MONOMIALS[m, 0]] * py[MONOMIALS[m, 1]] * pz[MONOMIALS[m, 2]]
            sums[28] += w
    if sums[28] == 0.0:
        return 0.0
    square = 0.0
    for k in range(13):
        q = 0.0
        for m in range(28):
            q += harmonics[k, m] * sums[m]
        square += (q / sums[28]) ** 2
    return math.sqrt(_FACTOR * square)


@njit(**_OPTIONS)
def q6_gradient(x, low, high, harmonics, sums, value, slope, forces):
    """Subtract ``slope`` times the gradient of Q6, whose ``value`` and ``sums`` are known."""
    n = x.shape[1]
    if sums[28] == 0.0 or value == 0.0:
        return
    # Q = sqrt(f Σ_l (q_l / W)²): cotangents of the monomials' sums and of W.
    by_sum = np.zeros(28)
    by_weight = 0.0
    for k in range(13):
        q = 0.0
        for m in range(28):
            q += harmonics[k, m] * sums[m]
        factor = _FACTOR * q / (value * sums[28] ** 2)
        for m in range(28):
            by_sum[m] += factor * harmonics[k, m]
        by_weight -= factor * q / sums[28]
    px, py, pz = np.empty(7), np.empty(7), np.empty(7)
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if r2 >= high * high:
                continue
            r = math.sqrt(r2)
            w, dw = switch(r, low, high)
            ux, uy, uz = a / r, b / r, c / r
            _powers(ux, px)
            _powers(uy, py)
            _powers(uz, pz)
            total, gx, gy, gz = 0.0, 0.0, 0.0, 0.0
            for m in range(28):
                p, q, s = MONOMIALS[m, 0], MONOMIALS[m, 1], MONOMIALS[m, 2]
                f = by_sum[m]
                total += f * px[p] * py[q] * pz[s]
                if p > 0:
                    gx += f * p * px[p - 1] * py[q] * pz[s]
                if q > 0:
                    gy += f * q * px[p] * py[q - 1] * pz[s]
                if s > 0:
                    gz += f * s * px[p] * py[q] * pz[s - 1]
            # By the vector between the atoms: along it through the weight, across it through u.
            along = dw * (total + by_weight)
            radial = gx * ux + gy * uy + gz * uz
            fx = slope * (along * ux + w * (gx - radial * ux) / r)
            fy = slope * (along * uy + w * (gy - radial * uy) / r)
            fz = slope * (along * uz + w * (gz - radial * uz) / r)
            forces[0, i] += fx
            forces[1, i] += fy
            forces[2, i] += fz
            forces[0, j] -= fx
            forces[1, j] -= fy
            forces[2, j] -= fz
