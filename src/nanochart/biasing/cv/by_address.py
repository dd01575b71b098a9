"""Kernels of variables that the compiled loop calls by their address in memory.

The loop is compiled once; a variable, also one of the user's, is compiled alone and added to the
table of addresses. Arguments travel as in C: arrays by their address. A kernel is

``value(x, n, energy, parameters, memory) -> float``
    of rows x (3, n) in Å and the potential energy in eV. It may leave in ``memory`` what the pull
    needs. NaN says that there is no value, and ends the segment.
``pull(x, n, base, parameters, memory, value, slope, forces) -> float``
    subtracts ``slope`` times the gradient from ``forces`` (3, n), at the last value. ``base``
    (3, n) are the forces of the potential. What it returns means nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from nanochart.compiled.options import CALLED
from nanochart.shown import short_repr

__all__ = [
    "NO_PARAMETERS", "PULL", "VALUE", "Kernel", "LazyAddress", "call_pull", "call_value",
    "pull_kernel", "value_kernel",
]  # fmt: skip

_AT: Final = types.CPointer(types.float64)
VALUE: Final = types.float64(_AT, types.intp, types.float64, _AT, _AT)
PULL: Final = types.float64(
    _AT, types.intp, _AT, _AT, _AT, types.float64, types.float64, _AT
)  # fmt: skip
NO_PARAMETERS: Final = np.zeros(0)


class LazyAddress:
    """A kernel that is compiled, or read from Numba's cache, when its address is first asked for.

    Parameters
    ----------
    function
        What Numba compiles.
    signature
        VALUE or PULL.
    cache
        Whether the result is kept on disk, which a function without a file of its own cannot be.
    """

    def __init__(self, function: Callable[..., float], signature: Any, *, cache: bool) -> None:
        self.function, self.signature, self.cache = function, signature, cache
        self._compiled: Any = None

    @property
    def address(self) -> int:
        """Where the machine code begins; it stays there while this object lives."""
        if self._compiled is None:
            self._compiled = cfunc(self.signature, cache=self.cache, **CALLED)(self.function)
        return int(self._compiled.address)


def value_kernel(function: Callable[..., float]) -> LazyAddress:
    """Decorator of a value kernel."""
    return LazyAddress(function, VALUE, cache=True)


def pull_kernel(function: Callable[..., float]) -> LazyAddress:
    """Decorator of a pull kernel."""
    return LazyAddress(function, PULL, cache=True)


@short_repr
@dataclass(frozen=True, eq=False)
class Kernel:
    """A variable as the loop calls it.

    Attributes
    ----------
    value, pull
        Anything with an ``address``; kept alive with this.
    parameters
        Numbers that both read.
    memory
        Numbers that the value leaves for the pull.
    memory_per_atom
        As many again for each atom.
    """

    value: Any
    pull: Any
    parameters: NDArray[np.float64]
    memory: int = 0
    memory_per_atom: int = 0


def _caller(signature: Any) -> Callable[..., Any]:
    """An intrinsic ``(address, arguments...)`` that calls what is there."""
    is_number = [argument == types.float64 for argument in signature.args]

    def build(_typing: Any, address: Any, arguments: Any) -> Any:
        passed = types.Tuple(
            [types.float64 if number else types.intp for number in is_number]
        )  # fmt: skip

        def generate(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            where, values = given
            word, number = ir.IntType(64), ir.DoubleType()
            kind = ir.FunctionType(number, [number if n else word for n in is_number])
            function = builder.inttoptr(where, kind.as_pointer())
            parts = [builder.extract_value(values, k) for k in range(len(is_number))]
            return builder.call(function, parts)

        del arguments
        return types.float64(address, passed), generate

    return build


@intrinsic
def call_value(typingctx, address, arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    return _caller(VALUE)(typingctx, address, arguments)


@intrinsic
def call_pull(typingctx, address, arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    return _caller(PULL)(typingctx, address, arguments)
