"""Products of matrices in single precision, a tile of the result at a time.

    out[to + jump p + o] = bias[o] + Σ_k x[at + stride p + k] weights[width k + o]

of p < count, k < depth and o < width. Windows of ``x`` may overlap, so this is a convolution, too.
"""

from numba import njit, types
from numba.extending import intrinsic

from nanochart.compiled.lanes.vectors import (
    Loop,
    arrays,
    integer,
    load,
    multiply_add,
    splat,
    store,
)
from nanochart.compiled.options import INLINE

__all__ = ["product_8", "product_16", "product_32"]

_WIDEST = 16


def _make_tile(width, height):
    """The product for ``height`` positions, whose sums stay in registers."""
    lanes = min(width, _WIDEST)

    @intrinsic
    def tile(typingctx, x, weights, bias, out, at, to, stride, jump, depth):
        def emit(context, builder, signature, arguments):
            x, weights, bias, out = arrays(context, builder, signature, arguments, 4)
            at, to, stride, jump, depth = arguments[4:]
            columns = range(0, width, lanes)
            start = [load(builder, bias, integer(c), lanes) for c in columns]
            places = [builder.add(at, builder.mul(stride, integer(p))) for p in range(height)]
            loop = Loop(builder, integer(0), depth, integer(1), start * height)
            row = builder.mul(loop.index, integer(width))
            vectors = [load(builder, weights, builder.add(row, integer(c)), lanes) for c in columns]
            new = []
            for p, place in enumerate(places):
                scalar = builder.load(builder.gep(x, [builder.add(place, loop.index)]))
                value = splat(builder, scalar, lanes)
                new += [
                    multiply_add(builder, value, vector, loop.values[p * len(vectors) + c])
                    for c, vector in enumerate(vectors)
                ]
            loop.close(new)
            for p in range(height):
                row = builder.add(to, builder.mul(jump, integer(p)))
                for c, column in enumerate(columns):
                    index = builder.add(row, integer(column))
                    store(builder, loop.values[p * len(columns) + c], out, index)
            return context.get_dummy_value()

        return types.void(x, weights, bias, out, *(types.int64,) * 5), emit

    return tile


def _make_product(width, height):
    """The product for any number of positions, ``height`` at a time."""
    many, one = _make_tile(width, height), _make_tile(width, 1)

    @njit(**INLINE)
    def product(x, weights, bias, out, count, at, to, stride, jump, depth):
        p = 0
        while p + height <= count:
            many(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
            p += height
        while p < count:
            one(x, weights, bias, out, at + stride * p, to + jump * p, stride, jump, depth)
            p += 1

    return product


# By the number of channels; as many positions at a time as there are registers for.
product_8 = _make_product(8, 8)
product_16 = _make_product(16, 8)
product_32 = _make_product(32, 6)
