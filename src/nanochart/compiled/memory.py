"""Arrays that begin where a cache line does, which vectors are loaded from in one piece."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from nanochart.compiled.options import EXACT

__all__ = ["aligned", "single"]

_LINE = 64


@njit(**EXACT)
def aligned(n: int, kind: Any) -> Any:
    """``n`` zeros of a type, as ``np.float32``, from the start of a cache line on."""
    memory = np.zeros(n + 16, kind)
    skip = (_LINE - memory.ctypes.data % _LINE) % _LINE // memory.itemsize
    return memory[skip : skip + n]


def single(values: ArrayLike) -> NDArray[np.float32]:
    """A copy in single precision, from the start of a cache line on."""
    array = np.asarray(values, dtype=np.float32)
    out: NDArray[np.float32] = aligned(array.size, np.float32).reshape(array.shape)
    out[...] = array
    return out
