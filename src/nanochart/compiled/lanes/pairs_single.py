"""Pairs of atoms on the grid of an RDF in single precision, sixteen at a time.

The moments of a cell are four, and pairs go in rows: (i, i + d) of sixteen i and all d.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nanochart.compiled.lanes.pairs import grid_places, pulls
from nanochart.compiled.lanes.vectors import (
    INDEX,
    LANE,
    Loop,
    arrays,
    constant,
    full,
    integer,
    load,
    multiply_add,
    shuffle,
    splat,
    store,
)

__all__ = [
    "COPIES", "collect_pairs", "combine_moments", "place_pairs", "push_pairs", "tabulate_slopes",
]  # fmt: skip

_WIDTH = 16
_SIXTEEN = ir.VectorType(ir.FloatType(), _WIDTH)
#: Copies of the moments, so that few pairs wait for one before them in the same cell.
COPIES = 4


def _rows(builder, columns):
    """Four vectors of sixteen -> four vectors that hold rows of four, lane by lane of 128 bits.

    Row ``4 l + k`` of the pairs stands in the quarter ``l`` of the vector ``k``.
    """
    a, b, c, d = columns
    low = [4 * quarter + lane for quarter in range(4) for lane in (0, 16, 1, 17)]
    high = [4 * quarter + lane for quarter in range(4) for lane in (2, 18, 3, 19)]
    ab_low, ab_high = shuffle(builder, a, b, low), shuffle(builder, a, b, high)
    cd_low, cd_high = shuffle(builder, c, d, low), shuffle(builder, c, d, high)
    first = [4 * quarter + lane for quarter in range(4) for lane in (0, 1, 16, 17)]
    second = [4 * quarter + lane for quarter in range(4) for lane in (2, 3, 18, 19)]
    return [
        shuffle(builder, ab_low, cd_low, first),
        shuffle(builder, ab_low, cd_low, second),
        shuffle(builder, ab_high, cd_high, first),
        shuffle(builder, ab_high, cd_high, second),
    ]


@intrinsic
def place_pairs(typingctx, x, rows, ts, at, n, length, r_min, inverse, top):
    """Find the cells and places of the pairs (i, i + d), i = at..at+15, d = 1..n/2.

    With u = (r - r_min) * inverse of the distance r between ``x[c, i]`` and ``x[c, i + d]`` (rows
    of ``length`` in the flat float32 ``x``), the cell is m = int(u) and the place t = u - m - 1/2.
    ``rows`` takes 4 m, ``ts`` takes t, sixteen for each d from index 0 on. What is no pair, or off
    the grid (unless 0 <= u <= top), goes to the cell top + 1. Returns 0 if no pair is off.
    """

    def emit(context, builder, signature, arguments):
        x, rows, ts = arrays(context, builder, signature, arguments, 3)
        at, n, length, r_min, inverse, top = arguments[3:]
        starts = [at, builder.add(at, length), builder.add(at, builder.add(length, length))]
        here = [load(builder, x, start, _WIDTH) for start in starts]
        r_min, inverse, top = (splat(builder, v, _WIDTH) for v in (r_min, inverse, top))
        half = builder.sdiv(n, integer(2))
        none = ir.Constant(ir.VectorType(ir.IntType(1), _WIDTH), None)
        loop = Loop(builder, integer(1), builder.add(half, integer(1)), integer(1), [none])
        d = loop.index
        there = [load(builder, x, builder.add(start, d), _WIDTH) for start in starts]
        differences = [builder.fsub(b, a) for a, b in zip(here, there, strict=True)]
        square = builder.fmul(differences[0], differences[0])
        for difference in differences[1:]:
            square = multiply_add(builder, difference, difference, square)
        twice = builder.icmp_signed("==", builder.add(d, d), n)  # each pair would appear twice
        count = builder.trunc(builder.sub(builder.select(twice, half, n), at), LANE)
        lanes = constant(LANE, range(_WIDTH))
        counted = builder.icmp_signed("<", lanes, splat(builder, count, _WIDTH))
        cell, t, missed = grid_places(builder, square, counted, r_min, inverse, top)
        to = builder.mul(builder.sub(d, integer(1)), integer(_WIDTH))
        store(builder, builder.shl(cell, full(cell.type, 2)), rows, to)
        store(builder, t, ts, to)
        loop.close([builder.or_(loop.values[0], missed)])
        bits = builder.bitcast(loop.values[0], ir.IntType(_WIDTH))
        return builder.zext(bits, INDEX)

    scalars = (types.int64,) * 3 + (types.float32,) * 3
    return types.int64(x, rows, ts, *scalars), emit


@intrinsic
def collect_pairs(typingctx, moments, rows, ts, count, copy):
    """``moments[rows[i] + q + (i % COPIES) * copy] += ts[i]**q`` for q = 0..3, i < count.

    ``count`` is a multiple of sixteen. ``moments`` holds copies of ``copy`` numbers each, so
    that one pair need not wait for the sum of the one before it in the same cell, and is aligned
    to 16 bytes.
    """

    def emit(context, builder, signature, arguments):
        moments, rows, ts = arrays(context, builder, signature, arguments, 3)
        copies = [
            builder.gep(moments, [builder.mul(arguments[4], integer(k))]) for k in range(COPIES)
        ]
        loop = Loop(builder, integer(0), arguments[3], integer(_WIDTH), [])
        t = load(builder, ts, loop.index, _WIDTH)
        t2 = builder.fmul(t, t)
        packed = _rows(builder, [full(_SIXTEEN, 1.0), t, t2, builder.fmul(t2, t)])
        for lane in range(_WIDTH):
            quarter, k = divmod(lane, 4)
            powers = shuffle(builder, packed[k], packed[k], range(4 * quarter, 4 * quarter + 4))
            index = builder.load(builder.gep(rows, [builder.add(loop.index, integer(lane))]))
            index = builder.zext(index, INDEX)
            copy = copies[lane % COPIES]
            old = load(builder, copy, index, 4, align=16)
            store(builder, builder.fadd(old, powers), copy, index, align=16)
        loop.close([])
        return context.get_dummy_value()

    return types.void(moments, rows, ts, types.int64, types.int64), emit


@intrinsic
def push_pairs(typingctx, first, second, x, slopes, rows, ts, at, n, length, middle, spacing):
    """Add up the gradients of the pairs (i, i + d), i = at..at+15, d = 1..n/2, at their atoms.

    A pair of the row 4 m and place t pulls with the slope sum_q slopes[4 m + q] t**q, q = 0..2,
    over its distance (m + t) spacing + middle, along the vector from ``x[c, i]`` to
    ``x[c, i + d]``: subtracted from ``first[c, i]``, added to ``second[c, i + d]``. These three are
    flat with rows of ``length``; ``slopes`` is aligned to 16 bytes.
    """

    def emit(context, builder, signature, arguments):
        first, second, x, slopes, rows, ts = arrays(context, builder, signature, arguments, 6)
        at, n, length, middle, spacing = arguments[6:]
        starts = [at, builder.add(at, length), builder.add(at, builder.add(length, length))]
        here = [load(builder, x, start, _WIDTH) for start in starts]
        middle, spacing = (splat(builder, v, _WIDTH) for v in (middle, spacing))
        half = builder.sdiv(n, integer(2))
        sums = [load(builder, first, start, _WIDTH) for start in starts]
        zeros = full(_SIXTEEN, 0.0)
        loop = Loop(
            builder, integer(1), builder.add(half, integer(1)), integer(1), sums + [zeros] * 3
        )
        d = loop.index
        of = builder.mul(builder.sub(d, integer(1)), integer(_WIDTH))
        t = load(builder, ts, of, _WIDTH)
        quarters = []
        for k in range(4):
            fours = []
            for quarter in range(4):
                lane = integer(4 * quarter + k)
                index = builder.load(builder.gep(rows, [builder.add(of, lane)]))
                fours.append(load(builder, slopes, builder.zext(index, INDEX), 4, align=16))
            left = shuffle(builder, fours[0], fours[1], range(8))
            right = shuffle(builder, fours[2], fours[3], range(8))
            quarters.append(shuffle(builder, left, right, range(16)))
        # The transposition is its own inverse but for the order of the vectors.
        c0, c1, c2, _ = _rows(builder, quarters)
        slope = multiply_add(builder, multiply_add(builder, c2, t, c1), t, c0)
        cells = load(builder, rows, of, _WIDTH)
        cells = builder.lshr(cells, full(cells.type, 2))
        strength = pulls(builder, slope, cells, t, spacing, middle)
        near, far = [], []
        for start, old, window, place in zip(
            starts, loop.values[:3], loop.values[3:], here, strict=True
        ):
            there = builder.add(start, d)
            part = builder.fmul(strength, builder.fsub(load(builder, x, there, _WIDTH), place))
            near.append(builder.fsub(old, part))
            passing = builder.fadd(window, part)
            lowest = builder.gep(second, [there])
            leaving = builder.extract_element(passing, ir.Constant(LANE, 0))
            builder.store(builder.fadd(builder.load(lowest), leaving), lowest)
            far.append(shuffle(builder, passing, zeros, range(1, _WIDTH + 1)))
        loop.close(near + far)
        for start, value, window in zip(starts, loop.values[:3], loop.values[3:], strict=True):
            store(builder, value, first, start)
            there = builder.add(start, builder.add(half, integer(1)))
            store(
                builder, builder.fadd(load(builder, second, there, _WIDTH), window), second, there
            )
        return context.get_dummy_value()

    scalars = (types.int64,) * 3 + (types.float32,) * 2
    return types.void(first, second, x, slopes, rows, ts, *scalars), emit


def _quarters(builder, vectors):
    """Transpose four vectors by their quarters: from quarter j of i to quarter i of j."""
    a, b, c, d = vectors

    def pick(left, right, quarters):
        lanes = [4 * quarter + lane for quarter in quarters for lane in range(4)]
        return shuffle(builder, left, right, lanes)

    ab_low, ab_high = pick(a, b, (0, 1, 4, 5)), pick(a, b, (2, 3, 6, 7))
    cd_low, cd_high = pick(c, d, (0, 1, 4, 5)), pick(c, d, (2, 3, 6, 7))
    even, odd = (0, 2, 4, 6), (1, 3, 5, 7)
    return [
        pick(ab_low, cd_low, even),
        pick(ab_low, cd_low, odd),
        pick(ab_high, cd_high, even),
        pick(ab_high, cd_high, odd),
    ]


def _factors(builder, table, count):
    """The first ``count`` rows of a table (4, 4), each number in all lanes."""
    return [
        [
            splat(builder, builder.load(builder.gep(table, [integer(4 * i + q)])), _WIDTH)
            for q in range(4)
        ]
        for i in range(count)
    ]


def _combination(builder, factors, vectors):
    total = builder.fmul(factors[0], vectors[0])
    for factor, vector in zip(factors[1:], vectors[1:], strict=True):
        total = multiply_add(builder, factor, vector, total)
    return total


@intrinsic
def combine_moments(typingctx, moments, spline, weights, to, cells, copy):
    """``weights[to + m + i] = sum_q spline[4 i + q] M[4 m + q]``, summed over i = 0..3.

    M is the sum of the copies of ``moments``. Of m < ``cells``, a multiple of sixteen; the last
    three of these must be empty.
    """

    def emit(context, builder, signature, arguments):
        moments, spline, weights = arrays(context, builder, signature, arguments, 3)
        to, cells, copy = arguments[3:]
        factors = _factors(builder, spline, 4)
        starts = [builder.mul(copy, integer(k)) for k in range(COPIES)]
        loop = Loop(builder, integer(0), cells, integer(_WIDTH), [full(_SIXTEEN, 0.0)] * 3)
        vectors = []
        for k in range(4):
            at = builder.add(builder.mul(loop.index, integer(4)), integer(_WIDTH * k))
            total = load(builder, moments, at, _WIDTH)
            for start in starts[1:]:
                total = builder.fadd(total, load(builder, moments, builder.add(at, start), _WIDTH))
            vectors.append(total)
        powers = _rows(builder, _quarters(builder, vectors))
        splines = [_combination(builder, row, powers) for row in factors]
        total = splines[0]
        for i, (before, now) in enumerate(zip(loop.values, splines[1:], strict=True), 1):
            lanes = range(_WIDTH - i, 2 * _WIDTH - i)
            total = builder.fadd(total, shuffle(builder, before, now, lanes))
        store(builder, total, weights, builder.add(to, loop.index))
        loop.close(splines[1:])
        return context.get_dummy_value()

    return types.void(moments, spline, weights, *(types.int64,) * 3), emit


@intrinsic
def tabulate_slopes(typingctx, weights, slope, slopes, cells):
    """``slopes[4 m + q] = sum_i slope[4 q + i] weights[m + i]`` for q = 0..2, zero for q = 3.

    Of m < ``cells``, a multiple of sixteen.
    """

    def emit(context, builder, signature, arguments):
        weights, slope, slopes = arrays(context, builder, signature, arguments, 3)
        factors = _factors(builder, slope, 3)
        loop = Loop(builder, integer(0), arguments[3], integer(_WIDTH), [])
        near = [
            load(builder, weights, builder.add(loop.index, integer(i)), _WIDTH) for i in range(4)
        ]
        powers = [_combination(builder, row, near) for row in factors]
        rows = _quarters(builder, _rows(builder, [*powers, full(_SIXTEEN, 0.0)]))
        for k, row in enumerate(rows):
            at = builder.add(builder.mul(loop.index, integer(4)), integer(_WIDTH * k))
            store(builder, row, slopes, at)
        loop.close([])
        return context.get_dummy_value()

    return types.void(weights, slope, slopes, types.int64), emit
