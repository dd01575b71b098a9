"""The mean coordination number as a collective variable."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numba import carray

from nanochart.biasing.cv.by_address import Kernel, pull_kernel, value_kernel
from nanochart.biasing.cv.plain import APART, BONDED, PlainVariable
from nanochart.biasing.cv.switch import switch

__all__ = ["Coordination"]


@dataclass(frozen=True)
class Coordination(PlainVariable):
    """Mean number of neighbours of an atom, 2/N Σ_{i<j} w(r_ij).

    w falls smoothly (quintic) from 1 to 0 between 1.15 and 1.40 nearest-neighbour distances.
    """

    name = "coordination"
    unit = "1"
    needs_energy: ClassVar[bool] = False

    def kernel(self, nearest_neighbour: float) -> Kernel:
        """As compiled; its parameters are the ends of the cut-off in Å."""
        ends = np.array([BONDED, APART]) * nearest_neighbour
        return Kernel(_value, _pull, ends)


@value_kernel
def _value(rows: Any, n: int, _energy: float, parameters: Any, _memory: Any) -> float:
    x, (low, high) = carray(rows, (3, n)), carray(parameters, (2,))
    total = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if r2 < high * high:
                w, _ = switch(math.sqrt(r2), low, high)
                total += w
    return 2.0 * total / n


@pull_kernel
def _pull(
    rows: Any, n: int, _base: Any, parameters: Any, _memory: Any, _value: float, slope: float,
    pulled: Any,
) -> float:  # fmt: skip
    x, forces = carray(rows, (3, n)), carray(pulled, (3, n))
    low, high = carray(parameters, (2,))
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if low * low < r2 < high * high:
                r = math.sqrt(r2)
                _, dw = switch(r, low, high)
                f = slope * 2.0 * dw / (n * r)
                forces[0, i] += f * a
                forces[1, i] += f * b
                forces[2, i] += f * c
                forces[0, j] -= f * a
                forces[1, j] -= f * b
                forces[2, j] -= f * c
    return 0.0
