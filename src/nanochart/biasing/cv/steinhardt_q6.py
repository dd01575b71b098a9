"""Steinhardt's order parameter Q6 of a whole cluster as a collective variable.

The real spherical harmonics of degree 6 are combinations of the 28 monomials of degree 6 in the
components of a unit vector; the sums over bonds are taken of the monomials.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from nanochart.biasing.cv.by_address import Kernel, pull_kernel, value_kernel
from nanochart.biasing.cv.plain import APART, BONDED, PlainVariable
from nanochart.biasing.cv.switch import switch
from nanochart.compiled.options import FUSED

__all__ = ["SteinhardtQ6"]

Floats = NDArray[np.float64]


#: Exponents of x, y, z.
_MONOMIALS = np.array([(a, b, 6 - a - b) for a in range(7) for b in range(7 - a)], dtype=np.int64)
_FACTOR = 4.0 * math.pi / 13.0


@dataclass(frozen=True)
class SteinhardtQ6(PlainVariable):
    r"""Order parameter of bond directions of degree 6, over all bonds of the cluster.

    .. math:: Q_6 = \Big( \frac{4\pi}{13} \sum_m |\bar q_{6m}|^2 \Big)^{1/2}, \qquad
        \bar q_{6m} = \frac{\sum_{i<j} w(r_{ij}) Y_{6m}(\hat r_{ij})}{\sum_{i<j} w(r_{ij})}

    with w as in :class:`Coordination` (Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983)).
    It is 0.5745 in fcc and 0.4848 in hcp without a surface.
    """

    name = "q6"
    unit = "1"
    needs_energy: ClassVar[bool] = False

    def kernel(self, nearest_neighbour: float) -> Kernel:
        """As compiled; its parameters are the ends of the cut-off in Å and the harmonics."""
        ends = np.array([BONDED, APART]) * nearest_neighbour
        return Kernel(_value, _pull, np.concatenate([ends, _harmonics().ravel()]), memory=29)


@cache
def _harmonics() -> Floats:
    """Real spherical harmonics of degree 6 in the monomials, (13, 28), by solving for them."""
    from scipy.special import lpmv

    u = np.random.default_rng(0).normal(size=(200, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    phi = np.arctan2(u[:, 1], u[:, 0])
    columns = []
    for m in range(7):
        size = math.sqrt(13.0 / (4.0 * math.pi) * math.factorial(6 - m) / math.factorial(6 + m)) * (
            math.sqrt(2.0) if m else 1.0
        )
        legendre = size * lpmv(m, 6, u[:, 2])
        columns += [legendre * np.cos(m * phi)] + ([legendre * np.sin(m * phi)] if m else [])
    powers = np.prod(u[:, None, :] ** _MONOMIALS[None], axis=2)
    found = np.linalg.lstsq(powers, np.stack(columns, axis=1), rcond=None)[0]
    return np.ascontiguousarray(found.T)


@njit(**FUSED)
def _powers(u: float, table: Floats) -> None:
    table[0] = 1.0
    for k in range(1, 7):
        table[k] = table[k - 1] * u


@njit(**FUSED)
def _sums(x: Floats, low: float, high: float, harmonics: Floats, sums: Floats) -> float:
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
                sums[m] += w * px[_MONOMIALS[m, 0]] * py[_MONOMIALS[m, 1]] * pz[_MONOMIALS[m, 2]]
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


@njit(**FUSED)
def _gradient(  # noqa: C901  one compiled loop
    x: Floats, low: float, high: float, harmonics: Floats, sums: Floats, value: float,
    slope: float, forces: Floats,
) -> None:  # fmt: skip
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
                p, q, s = _MONOMIALS[m, 0], _MONOMIALS[m, 1], _MONOMIALS[m, 2]
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


@value_kernel
def _value(rows: Any, n: int, _energy: float, parameters: Any, memory: Any) -> float:
    numbers = carray(parameters, (366,))
    harmonics = numbers[2:].reshape(13, 28)
    sums = carray(memory, (29,))
    value: float = _sums(carray(rows, (3, n)), numbers[0], numbers[1], harmonics, sums)
    return value


@pull_kernel
def _pull(
    rows: Any, n: int, _base: Any, parameters: Any, memory: Any, value: float, slope: float,
    pulled: Any,
) -> float:  # fmt: skip
    numbers = carray(parameters, (366,))
    harmonics = numbers[2:].reshape(13, 28)
    _gradient(
        carray(rows, (3, n)), numbers[0], numbers[1], harmonics, carray(memory, (29,)), value,
        slope, carray(pulled, (3, n)),
    )  # fmt: skip
    return 0.0
