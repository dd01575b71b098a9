"""Elementary functions that LLVM can inline and vectorize in Numba loops.

The C library's ``exp``, ``log`` and ``sin`` are calls, and a loop with a call in it is not
vectorized. These are straight-line polynomials on the range-reduced argument (Cody and Waite,
*Software Manual for the Elementary Functions*, 1980), accurate to a few units in the last place
over the stated range, without branches.
"""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from nanochart.compiled.options import INLINE

__all__ = ["exp2", "log", "logistic", "sincos_turns"]


def _make_cast(target, source):
    """The number of the one type that has the bit pattern of a number of the other."""

    @intrinsic
    def cast(typingctx, value):
        def emit(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), emit

    return cast


_bits, _float = _make_cast(types.int64, types.float64), _make_cast(types.float64, types.int64)
_bits_single = _make_cast(types.int32, types.float32)
_float_single = _make_cast(types.float32, types.int32)

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Adding this to |x| < 2**51 leaves round(x) in the low bits of the mantissa.
_ROUND = 6755399441055744.0

_F = np.float32
_ONE = _F(1.0)
_ROUND_SINGLE = _F(12582912.0)  # the same for |x| < 2**22
_LOG2E = _F(-1.4426950408889634)
_LIMIT = _F(120.0)
_E6, _E5, _E4 = _F(1.5403530393381609e-4), _F(1.3333558146428443e-3), _F(9.618129107628477e-3)
_E3, _E2, _E1 = _F(5.550410866482158e-2), _F(2.402265069591007e-1), _F(6.931471805599453e-1)
_MANTISSA, _UNIT = np.int32(23), np.int32(0x3F800000)


@njit(**INLINE)
def exp2(x):
    """2**x for -1000 < x < 1000; relative error below 1e-15."""
    t = x + _ROUND
    f = x - (t - _ROUND)
    # Interpolation of 2**f at Chebyshev's points of |f| <= 1/2: 8e-18 relative.
    p = 4.4549605981865186e-10
    p = p * f + 7.072585949269223e-09
    p = p * f + 1.0178062445845774e-07
    p = p * f + 1.321544258792169e-06
    p = p * f + 1.525273382983612e-05
    p = p * f + 1.540353044173605e-04
    p = p * f + 1.3333558146416936e-03
    p = p * f + 9.618129107606888e-03
    p = p * f + 5.55041086648216e-02
    p = p * f + 2.4022650695910097e-01
    p = p * f + 6.931471805599453e-01
    p = p * f + 1.0
    return p * _float((_bits(t) << 52) + 0x3FF0000000000000)


@njit(**INLINE)
def log(x):
    """Natural logarithm of a normal x > 0; relative error below 1e-15 away from x = 1."""
    bits = _bits(x)
    # Split x = 2**n m with m in [sqrt(1/2), sqrt(2)).
    shifted = bits - 0x3FE6A09E667F3BCD
    n = shifted >> 52
    m = _float(bits - (n << 52))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    # 2 atanh(s) = log m, |s| <= 0.1716: the series to s**19 leaves 2e-17.
    p = 2.0 / 21.0
    p = p * z + 2.0 / 19.0
    p = p * z + 2.0 / 17.0
    p = p * z + 2.0 / 15.0
    p = p * z + 2.0 / 13.0
    p = p * z + 2.0 / 11.0
    p = p * z + 2.0 / 9.0
    p = p * z + 2.0 / 7.0
    p = p * z + 2.0 / 5.0
    p = p * z + 2.0 / 3.0
    p = p * z + 2.0
    # int64 -> float64 without a conversion instruction (absent before AVX-512).
    k = _float(n + _bits(_ROUND)) - _ROUND
    return k * _LN2_HIGH + (s * p + k * _LN2_LOW)


@njit(**INLINE)
def sincos_turns(u):
    """(sin 2πu, cos 2πu) for |u| < 2**50; absolute error below 1e-15."""
    # Quarter turns q and the rest |f| <= 1/8 turn.
    t = u * 4.0 + _ROUND
    q = _bits(t)
    y = (u - (t - _ROUND) * 0.25) * 6.283185307179586
    z = y * y
    s = 2.8114572543455206e-15
    s = s * z - 7.647163731819816e-13
    s = s * z + 1.6059043836821613e-10
    s = s * z - 2.505210838544172e-08
    s = s * z + 2.7557319223985893e-06
    s = s * z - 1.984126984126984e-04
    s = s * z + 8.333333333333333e-03
    s = s * z - 1.6666666666666666e-01
    s = s * z * y + y
    c = 4.779477332387385e-14
    c = c * z - 1.1470745597729725e-11
    c = c * z + 2.08767569878681e-09
    c = c * z - 2.7557319223985888e-07
    c = c * z + 2.48015873015873e-05
    c = c * z - 1.388888888888889e-03
    c = c * z + 4.1666666666666664e-02
    c = c * z - 0.5
    c = c * z + 1.0
    swap = (q & 1) == 1
    sine = c if swap else s
    cosine = s if swap else c
    # The signs follow from the quadrant: sin is negative in 2 and 3, cos in 1 and 2.
    sine = _float(_bits(sine) ^ ((q & 2) << 62))
    cosine = _float(_bits(cosine) ^ (((q + 1) & 2) << 62))
    return sine, cosine


@njit(**INLINE)
def logistic(z):
    """1 / (1 + exp(-z)) in single precision; relative error below 1e-7 (3 + |z|)."""
    x = min(max(z * _LOG2E, -_LIMIT), _LIMIT)
    t = x + _ROUND_SINGLE
    f = x - (t - _ROUND_SINGLE)
    p = _E6 * f + _E5
    p = p * f + _E4
    p = p * f + _E3
    p = p * f + _E2
    p = p * f + _E1
    p = p * f + _ONE
    return _ONE / (_ONE + p * _float_single((_bits_single(t) << _MANTISSA) + _UNIT))
