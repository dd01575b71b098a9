"""The potential energy as a collective variable."""

from dataclasses import dataclass
from typing import Any

from numba import carray

from nanochart.biasing.cv.by_address import NO_PARAMETERS, Kernel, pull_kernel, value_kernel
from nanochart.biasing.cv.plain import PlainVariable

__all__ = ["PotentialEnergy"]


@dataclass(frozen=True)
class PotentialEnergy(PlainVariable):
    """Potential energy of the cluster in eV, with that of the confining sphere."""

    name = "energy"
    unit = "eV"

    def kernel(self, nearest_neighbour: float) -> Kernel:
        """As compiled."""
        del nearest_neighbour
        return Kernel(_value, _pull, NO_PARAMETERS)


@value_kernel
def _value(_x: Any, _n: int, energy: float, _parameters: Any, _memory: Any) -> float:
    return energy


@pull_kernel
def _pull(
    _x: Any, n: int, base: Any, _parameters: Any, _memory: Any, _value: float, slope: float,
    forces: Any,
) -> float:  # fmt: skip
    f, f0 = carray(forces, (3, n)), carray(base, (3, n))
    for c in range(3):
        for i in range(n):
            f[c, i] += slope * f0[c, i]
    return 0.0
