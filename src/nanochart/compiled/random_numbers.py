"""Normal random numbers for compiled loops: xoshiro256++ and Box-Muller.

The generator's state is four uint64 that travel with the replica, so a trajectory continues
exactly where it was cut. Integers are drawn one after another and then turned into normal numbers
in a vectorized pass. Source of the generator: Blackman, Vigna, ACM Trans. Math. Softw. 47, 36
(2021).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nanochart.compiled.lanes.functions import log, sincos_turns
from nanochart.compiled.options import FAST

__all__ = ["draw_uniform", "fill_normal", "seed_streams"]


def seed_streams(rng: np.random.Generator, n: int) -> NDArray[np.uint64]:
    """Fresh states (n, 4) of ``n`` independent generators, drawn from ``rng``."""
    return rng.integers(0, np.iinfo(np.uint64).max, size=(n, 4), dtype=np.uint64, endpoint=True)


@njit(**FAST)
def _fill_uniform(state, out):
    """Uniform numbers in (0, 1): half a step above k 2**-53, so that their logarithm is finite."""
    a, b, c, d = state[0], state[1], state[2], state[3]
    for k in range(out.size):
        total = a + d
        result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
        t = b << np.uint64(17)
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = (d << np.uint64(45)) | (d >> np.uint64(19))
        out[k] = (np.float64(np.int64(result >> np.uint64(11))) + 0.5) * 1.1102230246251565e-16
    state[0], state[1], state[2], state[3] = a, b, c, d


@njit(**FAST)
def draw_uniform(state):
    """One number of the sequence that ``fill_normal`` draws from, uniform in (0, 1)."""
    one = np.empty(1)
    _fill_uniform(state, one)
    return one[0]


@njit(**FAST)
def _box_muller(u1, u2, out1, out2):
    for k in range(u1.size):
        radius = math.sqrt(-2.0 * log(u1[k]))
        sine, cosine = sincos_turns(u2[k])
        out1[k] = radius * cosine
        out2[k] = radius * sine


@njit(**FAST)
def fill_normal(state, uniform, out):
    """Fill ``out`` with standard normal numbers and advance ``state`` (4,).

    ``out`` and the scratch array ``uniform`` have the same even length, which alone decides how
    far the state advances.
    """
    half = out.size // 2
    _fill_uniform(state, uniform)
    _box_muller(uniform[:half], uniform[half:], out[:half], out[half:])
