"""Vector operations in single precision: sixteen pairs of atoms, or a tile of a matrix product.

Each of these is one short loop of LLVM vector code whose sums stay in registers, which Numba's own
loops over arrays do not achieve. They are not written for one processor: LLVM splits a vector that
is wider than the machine's. They trust their indices.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "COPIES", "collect_pairs", "combine_moments", "place_pairs", "push_pairs", "tabulate_slopes",
    "tile_1x8", "tile_1x16", "tile_1x32", "tile_6x32", "tile_8x8", "tile_8x16",
]  # fmt: skip

_REAL = ir.FloatType()
_INDEX = ir.IntType(64)
_LANE = ir.IntType(32)
_FUSE = ("contract",)
_WIDTH = 16
#: Copies of the moments, so that few pairs wait for one before them in the same cell.
COPIES = 4


def _arrays(context, builder, signature, arguments, count):
    """Data pointers of the first ``count`` arguments."""
    pairs = zip(signature.args[:count], arguments[:count], strict=True)
    return [
        cgutils.create_struct_proxy(kind)(context, builder, value).data for kind, value in pairs
    ]


def _load(builder, data, index, lanes=_WIDTH, align=4, element=_REAL):
    pointer = builder.bitcast(
        builder.gep(data, [index]), ir.VectorType(element, lanes).as_pointer()
    )
    value = builder.load(pointer)
    value.align = align
    return value


def _store(builder, value, data, index, align=4):
    pointer = builder.bitcast(builder.gep(data, [index]), value.type.as_pointer())
    builder.store(value, pointer).align = align


def _constant(values, element=_REAL):
    kind = ir.VectorType(element, len(values))
    return ir.Constant(kind, [ir.Constant(element, value) for value in values])


def _full(value, lanes=_WIDTH):
    return _constant([value] * lanes)


def _integer(value):
    return ir.Constant(_INDEX, value)


def _shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, _constant(lanes, _LANE))


def _splat(builder, scalar, lanes=_WIDTH):
    undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_LANE, 0))
    return _shuffle(builder, first, undefined, [0] * lanes)


def _fma(builder, a, b, c):
    kind = a.type
    name = f"llvm.fma.v{kind.count}f32"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), name
    )
    return builder.call(function, [a, b, c])


def _sqrt(builder, a):
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(a.type, [a.type]), f"llvm.sqrt.v{a.type.count}f32"
    )
    return builder.call(function, [a])


class _Loop:
    """A counted loop whose carried values stay in registers."""

    def __init__(self, builder, start, stop, step, carried):
        self.builder = builder
        self.before = builder.block
        self.head = builder.append_basic_block("head")
        self.body = builder.append_basic_block("body")
        self.after = builder.append_basic_block("after")
        builder.branch(self.head)
        builder.position_at_end(self.head)
        self.index = builder.phi(_INDEX)
        self.index.add_incoming(start, self.before)
        self.values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, self.before)
        self.step = step
        builder.cbranch(builder.icmp_signed("<", self.index, stop), self.body, self.after)
        builder.position_at_end(self.body)

    def close(self, carried):
        """End the body with the new values; afterwards ``values`` are the last."""
        builder = self.builder
        self.index.add_incoming(builder.add(self.index, self.step), builder.block)
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(self.head)
        builder.position_at_end(self.after)


def _rows(builder, columns):
    """Four vectors of sixteen -> four vectors that hold rows of four, lane by lane of 128 bits.

    Row ``4 l + k`` of the pairs stands in the quarter ``l`` of the vector ``k``.
    """
    a, b, c, d = columns
    low = [4 * quarter + lane for quarter in range(4) for lane in (0, 16, 1, 17)]
    high = [4 * quarter + lane for quarter in range(4) for lane in (2, 18, 3, 19)]
    ab_low, ab_high = _shuffle(builder, a, b, low), _shuffle(builder, a, b, high)
    cd_low, cd_high = _shuffle(builder, c, d, low), _shuffle(builder, c, d, high)
    first = [4 * quarter + lane for quarter in range(4) for lane in (0, 1, 16, 17)]
    second = [4 * quarter + lane for quarter in range(4) for lane in (2, 3, 18, 19)]
    return [
        _shuffle(builder, ab_low, cd_low, first),
        _shuffle(builder, ab_low, cd_low, second),
        _shuffle(builder, ab_high, cd_high, first),
        _shuffle(builder, ab_high, cd_high, second),
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
        x, rows, ts = _arrays(context, builder, signature, arguments, 3)
        at, n, length, r_min, inverse, top = arguments[3:]
        starts = [at, builder.add(at, length), builder.add(at, builder.add(length, length))]
        here = [_load(builder, x, start) for start in starts]
        r_min, inverse, limit = (_splat(builder, v) for v in (r_min, inverse, top))
        outside = builder.fadd(limit, _full(1.5))
        half = builder.sdiv(n, _integer(2))
        lanes = ir.Constant(
            ir.VectorType(_LANE, _WIDTH), [ir.Constant(_LANE, k) for k in range(_WIDTH)]
        )
        none = ir.Constant(
            ir.VectorType(ir.IntType(1), _WIDTH), [ir.Constant(ir.IntType(1), 0)] * _WIDTH
        )
        loop = _Loop(builder, _integer(1), builder.add(half, _integer(1)), _integer(1), [none])
        d = loop.index
        there = [_load(builder, x, builder.add(start, d)) for start in starts]
        differences = [builder.fsub(b, a) for a, b in zip(here, there, strict=True)]
        square = builder.fmul(differences[0], differences[0])
        for difference in differences[1:]:
            square = _fma(builder, difference, difference, square)
        u = builder.fmul(builder.fsub(_sqrt(builder, square), r_min), inverse)
        # Unordered comparisons: also true where u is not a number.
        below = builder.fcmp_unordered("<", u, _full(0.0))
        off = builder.or_(below, builder.fcmp_unordered(">", u, limit))
        twice = builder.icmp_signed("==", builder.add(d, d), n)  # each pair would appear twice
        count = builder.sub(builder.select(twice, half, n), at)
        counted = builder.icmp_signed("<", lanes, _splat(builder, builder.trunc(count, _LANE)))
        wanted = builder.and_(counted, builder.not_(off))
        u = builder.select(wanted, u, outside)
        cell = builder.fptosi(u, ir.VectorType(_LANE, _WIDTH))
        t = builder.fsub(builder.fsub(u, builder.sitofp(cell, u.type)), _full(0.5))
        to = builder.mul(builder.sub(d, _integer(1)), _integer(_WIDTH))
        two = _constant([2] * _WIDTH, _LANE)
        _store(builder, builder.shl(cell, two), rows, to)
        _store(builder, t, ts, to)
        loop.close([builder.or_(loop.values[0], builder.and_(counted, off))])
        bits = builder.bitcast(loop.values[0], ir.IntType(_WIDTH))
        return builder.zext(bits, _INDEX)

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
        moments, rows, ts = _arrays(context, builder, signature, arguments, 3)
        copies = [
            builder.gep(moments, [builder.mul(arguments[4], _integer(k))]) for k in range(COPIES)
        ]
        loop = _Loop(builder, _integer(0), arguments[3], _integer(_WIDTH), [])
        t = _load(builder, ts, loop.index)
        t2 = builder.fmul(t, t)
        packed = _rows(builder, [_full(1.0), t, t2, builder.fmul(t2, t)])
        for lane in range(_WIDTH):
            quarter, k = divmod(lane, 4)
            powers = _shuffle(builder, packed[k], packed[k], range(4 * quarter, 4 * quarter + 4))
            index = builder.load(builder.gep(rows, [builder.add(loop.index, _integer(lane))]))
            index = builder.zext(index, _INDEX)
            copy = copies[lane % COPIES]
            old = _load(builder, copy, index, 4, align=16)
            _store(builder, builder.fadd(old, powers), copy, index, align=16)
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
        first, second, x, slopes, rows, ts = _arrays(context, builder, signature, arguments, 6)
        at, n, length, middle, spacing = arguments[6:]
        starts = [at, builder.add(at, length), builder.add(at, builder.add(length, length))]
        here = [_load(builder, x, start) for start in starts]
        middle, spacing = _splat(builder, middle), _splat(builder, spacing)
        half = builder.sdiv(n, _integer(2))
        sums = [_load(builder, first, start) for start in starts]
        zeros = _full(0.0)
        loop = _Loop(
            builder, _integer(1), builder.add(half, _integer(1)), _integer(1), sums + [zeros] * 3
        )
        d = loop.index
        of = builder.mul(builder.sub(d, _integer(1)), _integer(_WIDTH))
        t = _load(builder, ts, of)
        quarters = []
        for k in range(4):
            fours = []
            for quarter in range(4):
                lane = _integer(4 * quarter + k)
                index = builder.load(builder.gep(rows, [builder.add(of, lane)]))
                fours.append(_load(builder, slopes, builder.zext(index, _INDEX), 4, align=16))
            left = _shuffle(builder, fours[0], fours[1], range(8))
            right = _shuffle(builder, fours[2], fours[3], range(8))
            quarters.append(_shuffle(builder, left, right, range(16)))
        # The transposition is its own inverse but for the order of the vectors.
        c0, c1, c2, _ = _rows(builder, quarters)
        slope = _fma(builder, _fma(builder, c2, t, c1), t, c0)
        cells = _load(builder, rows, of, element=_LANE)
        cells = builder.lshr(cells, _constant([2] * _WIDTH, _LANE))
        u = builder.fadd(builder.sitofp(cells, t.type), t)
        pull = builder.fdiv(slope, _fma(builder, u, spacing, middle))
        near, far = [], []
        for start, old, window, place in zip(
            starts, loop.values[:3], loop.values[3:], here, strict=True
        ):
            there = builder.add(start, d)
            part = builder.fmul(pull, builder.fsub(_load(builder, x, there), place))
            near.append(builder.fsub(old, part))
            passing = builder.fadd(window, part)
            lowest = builder.gep(second, [there])
            leaving = builder.extract_element(passing, ir.Constant(_LANE, 0))
            builder.store(builder.fadd(builder.load(lowest), leaving), lowest)
            far.append(_shuffle(builder, passing, zeros, range(1, _WIDTH + 1)))
        loop.close(near + far)
        for start, value, window in zip(starts, loop.values[:3], loop.values[3:], strict=True):
            _store(builder, value, first, start)
            there = builder.add(start, builder.add(half, _integer(1)))
            _store(builder, builder.fadd(_load(builder, second, there), window), second, there)
        return context.get_dummy_value()

    scalars = (types.int64,) * 3 + (types.float32,) * 2
    return types.void(first, second, x, slopes, rows, ts, *scalars), emit


def _quarters(builder, vectors):
    """Transpose four vectors by their quarters: from quarter j of i to quarter i of j."""
    a, b, c, d = vectors

    def pick(left, right, quarters):
        lanes = [4 * quarter + lane for quarter in quarters for lane in range(4)]
        return _shuffle(builder, left, right, lanes)

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
        [_splat(builder, builder.load(builder.gep(table, [_integer(4 * i + q)]))) for q in range(4)]
        for i in range(count)
    ]


def _combination(builder, factors, vectors):
    total = builder.fmul(factors[0], vectors[0])
    for factor, vector in zip(factors[1:], vectors[1:], strict=True):
        total = _fma(builder, factor, vector, total)
    return total


@intrinsic
def combine_moments(typingctx, moments, spline, weights, to, cells, copy):
    """``weights[to + m + i] = sum_q spline[4 i + q] M[4 m + q]``, summed over i = 0..3.

    M is the sum of the copies of ``moments``. Of m < ``cells``, a multiple of sixteen; the last
    three of these must be empty.
    """

    def emit(context, builder, signature, arguments):
        moments, spline, weights = _arrays(context, builder, signature, arguments, 3)
        to, cells, copy = arguments[3:]
        factors = _factors(builder, spline, 4)
        starts = [builder.mul(copy, _integer(k)) for k in range(COPIES)]
        loop = _Loop(builder, _integer(0), cells, _integer(_WIDTH), [_full(0.0)] * 3)
        vectors = []
        for k in range(4):
            at = builder.add(builder.mul(loop.index, _integer(4)), _integer(_WIDTH * k))
            total = _load(builder, moments, at)
            for start in starts[1:]:
                total = builder.fadd(total, _load(builder, moments, builder.add(at, start)))
            vectors.append(total)
        powers = _rows(builder, _quarters(builder, vectors))
        splines = [_combination(builder, row, powers) for row in factors]
        total = splines[0]
        for i, (before, now) in enumerate(zip(loop.values, splines[1:], strict=True), 1):
            lanes = range(_WIDTH - i, 2 * _WIDTH - i)
            total = builder.fadd(total, _shuffle(builder, before, now, lanes))
        _store(builder, total, weights, builder.add(to, loop.index))
        loop.close(splines[1:])
        return context.get_dummy_value()

    return types.void(moments, spline, weights, *(types.int64,) * 3), emit


@intrinsic
def tabulate_slopes(typingctx, weights, slope, slopes, cells):
    """``slopes[4 m + q] = sum_i slope[4 q + i] weights[m + i]`` for q = 0..2, zero for q = 3.

    Of m < ``cells``, a multiple of sixteen.
    """

    def emit(context, builder, signature, arguments):
        weights, slope, slopes = _arrays(context, builder, signature, arguments, 3)
        factors = _factors(builder, slope, 3)
        loop = _Loop(builder, _integer(0), arguments[3], _integer(_WIDTH), [])
        near = [_load(builder, weights, builder.add(loop.index, _integer(i))) for i in range(4)]
        powers = [_combination(builder, row, near) for row in factors]
        rows = _quarters(builder, _rows(builder, [*powers, _full(0.0)]))
        for k, row in enumerate(rows):
            at = builder.add(builder.mul(loop.index, _integer(4)), _integer(_WIDTH * k))
            _store(builder, row, slopes, at)
        loop.close([])
        return context.get_dummy_value()

    return types.void(weights, slope, slopes, types.int64), emit


def _make_tile(width, height):
    """``out[to + p jump + o] = bias[o] + sum_k x[at + p stride + k] weights[k width + o]``."""
    lanes = min(width, _WIDTH)

    @intrinsic
    def tile(typingctx, x, weights, bias, out, at, to, stride, jump, depth):
        def emit(context, builder, signature, arguments):
            x, weights, bias, out = _arrays(context, builder, signature, arguments, 4)
            at, to, stride, jump, depth = arguments[4:]
            columns = range(0, width, lanes)
            start = [_load(builder, bias, _integer(c), lanes) for c in columns]
            places = [builder.add(at, builder.mul(stride, _integer(p))) for p in range(height)]
            loop = _Loop(builder, _integer(0), depth, _integer(1), start * height)
            row = builder.mul(loop.index, _integer(width))
            vectors = [
                _load(builder, weights, builder.add(row, _integer(c)), lanes) for c in columns
            ]
            new = []
            for p, place in enumerate(places):
                scalar = builder.load(builder.gep(x, [builder.add(place, loop.index)]))
                value = _splat(builder, scalar, lanes)
                new += [
                    _fma(builder, value, vector, loop.values[p * len(vectors) + c])
                    for c, vector in enumerate(vectors)
                ]
            loop.close(new)
            for p in range(height):
                row = builder.add(to, builder.mul(jump, _integer(p)))
                for c, column in enumerate(columns):
                    index = builder.add(row, _integer(column))
                    _store(builder, loop.values[p * len(columns) + c], out, index)
            return context.get_dummy_value()

        return types.void(x, weights, bias, out, *(types.int64,) * 5), emit

    return tile


# So many positions by so many channels.
tile_8x8, tile_1x8 = _make_tile(8, 8), _make_tile(8, 1)
tile_8x16, tile_1x16 = _make_tile(16, 8), _make_tile(16, 1)
tile_6x32, tile_1x32 = _make_tile(32, 6), _make_tile(32, 1)
