"""Elementary functions that LLVM can inline and vectorize in Numba loops.

The C library's ``exp``, ``log`` and ``sin`` are calls, and a loop with a call in it is not
vectorized. These are straight-line polynomials on the range-reduced argument (Cody and Waite,
*Software Manual for the Elementary Functions*, 1980), accurate to a few units in the last place
over the stated range, without branches.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["exp2", "log", "sincos_turns"]

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# Adding this to |x| < 2**51 leaves round(x) in the low bits of the mantissa.
_ROUND = 6755399441055744.0


@intrinsic
def _bits(typingctx, value):
    """Bit pattern of a float64, as int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def _float(typingctx, bits):
    """float64 with this bit pattern (int64)."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@njit(nogil=True, inline="always", error_model="numpy")
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


@njit(nogil=True, inline="always", error_model="numpy")
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


@njit(nogil=True, inline="always", error_model="numpy")
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
