"""Vector operations on eight pairs of atoms at a time.

LLVM vectorizes the loops of a Numba function one by one, and none that both gathers and stores.
With these the way of eight pairs, from coordinates to histogram or to gradient, is one short piece
of code, and the processor takes the square roots of the next eight pairs meanwhile.

They are LLVM vector operations and not written for one processor: LLVM splits a vector that is
wider than the machine's. They trust their indices. Cells are always within the arrays, because
what does not belong to the grid goes to a cell of its own.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["collect_eight", "place_eight", "push_eight"]

_REAL = ir.DoubleType()
_INDEX = ir.IntType(64)
_LANE = ir.IntType(32)
_FUSE = ("contract",)


def _arrays(context, builder, signature, arguments, count):
    """Data pointers of the first ``count`` arguments."""
    pairs = zip(signature.args[:count], arguments[:count], strict=True)
    return [
        cgutils.create_struct_proxy(kind)(context, builder, value).data for kind, value in pairs
    ]


def _vector(builder, data, index, element, lanes):
    pointer = builder.gep(data, [index])
    return builder.bitcast(pointer, ir.VectorType(element, lanes).as_pointer())


def _load(builder, data, index, lanes, align=8, element=_REAL):
    value = builder.load(_vector(builder, data, index, element, lanes))
    value.align = align
    return value


def _store(builder, value, data, index, align=8):
    kind = value.type
    builder.store(value, _vector(builder, data, index, kind.element, kind.count)).align = align


def _constant(values, element=_REAL):
    kind = ir.VectorType(element, len(values))
    return ir.Constant(kind, [ir.Constant(element, value) for value in values])


def _shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, _constant(lanes, _LANE))


def _splat(builder, scalar, lanes):
    undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_LANE, 0))
    return _shuffle(builder, first, undefined, [0] * lanes)


def _multiply_add(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=_FUSE), c, flags=_FUSE)


def _transpose(builder, rows):
    """Four vectors of four: from element j of vector i to element i of vector j."""
    even = [_shuffle(builder, *rows[k : k + 2], (0, 4, 2, 6)) for k in (0, 2)]
    odd = [_shuffle(builder, *rows[k : k + 2], (1, 5, 3, 7)) for k in (0, 2)]
    low, high = (0, 1, 4, 5), (2, 3, 6, 7)
    return [_shuffle(builder, *pair, half) for half in (low, high) for pair in (even, odd)]


def _row(builder, cells, lane):
    """Index of the first of the eight numbers of a cell, the one in this lane."""
    cell = builder.extract_element(cells, ir.Constant(_LANE, lane))
    return builder.shl(builder.zext(cell, _INDEX), ir.Constant(_INDEX, 3))


def _fours(builder, t):
    """Lower and upper half of eight places, with the lanes that they were in."""
    for lanes in (range(4), range(4, 8)):
        yield lanes, _shuffle(builder, t, t, lanes)


def _differences(builder, x, at, shift, length):
    """Vectors from the atoms i to the atoms i + shift of eight pairs: three components."""
    here = at
    for _ in range(3):
        there = builder.add(here, shift)
        yield builder.fsub(_load(builder, x, there, 8), _load(builder, x, here, 8))
        here = builder.add(here, length)


def _place(builder, x, at, count, shift, length, r_min, inverse, top):
    """Cells and places of eight pairs, and whether one of the first ``count`` is off the grid."""
    a, b, c = _differences(builder, x, at, shift, length)
    square = _multiply_add(builder, a, a, builder.fmul(b, b))
    square = _multiply_add(builder, c, c, square)
    kind = ir.FunctionType(square.type, [square.type])
    root = cgutils.get_or_insert_function(builder.module, kind, "llvm.sqrt.v8f64")
    r = builder.call(root, [square])
    u = builder.fmul(builder.fsub(r, _splat(builder, r_min, 8)), _splat(builder, inverse, 8))
    # Unordered comparisons: also true where u is not a number.
    below = builder.fcmp_unordered("<", u, _constant([0.0] * 8))
    above = builder.fcmp_unordered(">", u, _splat(builder, top, 8))
    off = builder.or_(below, above)
    lanes = _constant(range(8), _INDEX)
    counted = builder.icmp_signed("<", lanes, _splat(builder, count, 8))
    outside = builder.fadd(top, ir.Constant(_REAL, 1.5))
    wanted = builder.and_(counted, builder.not_(off))
    u = builder.select(wanted, u, _splat(builder, outside, 8))
    cell = builder.fptosi(u, ir.VectorType(_LANE, 8))
    t = builder.fsub(builder.fsub(u, builder.sitofp(cell, u.type)), _constant([0.5] * 8))
    missed = builder.bitcast(builder.and_(counted, off), ir.IntType(8))
    return cell, t, builder.zext(missed, _INDEX)


def _collect(builder, moments, cell, t):
    """Add the powers of the places of eight pairs to the moments of their cells."""
    for lanes, half in _fours(builder, t):
        t2 = builder.fmul(half, half)
        t4 = builder.fmul(t2, t2)
        columns = [_constant([1.0] * 4), half, t2, builder.fmul(t2, half)]
        for lane, powers in zip(lanes, _transpose(builder, columns), strict=True):
            low = _row(builder, cell, lane)
            high = builder.add(low, ir.Constant(_INDEX, 4))
            old = _load(builder, moments, low, 4, align=32)
            _store(builder, builder.fadd(old, powers), moments, low, align=32)
            old = _load(builder, moments, high, 4, align=32)
            factor = _shuffle(builder, t4, t4, [lane % 4] * 4)
            new = _multiply_add(builder, powers, factor, old)
            _store(builder, new, moments, high, align=32)


def _slope(builder, slopes, cell, t):
    """Evaluate the polynomials of the cells of eight pairs at their places."""
    halves = []
    for lanes, half in _fours(builder, t):
        t2 = builder.fmul(half, half)
        t4 = builder.fmul(t2, t2)
        # The eight terms of a pair as a cubic: (c0 + c4 t⁴) + (c1 + c5 t⁴) t + ...
        cubics = []
        for lane in lanes:
            low = _row(builder, cell, lane)
            high = builder.add(low, ir.Constant(_INDEX, 4))
            factor = _shuffle(builder, t4, t4, [lane % 4] * 4)
            upper = _load(builder, slopes, high, 4, align=32)
            lower = _load(builder, slopes, low, 4, align=32)
            cubics.append(_multiply_add(builder, upper, factor, lower))
        c0, c1, c2, c3 = _transpose(builder, cubics)
        value = _multiply_add(builder, c3, half, c2)
        value = _multiply_add(builder, value, half, c1)
        halves.append(_multiply_add(builder, value, half, c0))
    return _shuffle(builder, *halves, range(8))


def _push(builder, arrays, cell, t, at, shift, length, r_min, spacing):
    """Add up the gradients of eight pairs at their atoms."""
    first, second, x, slopes = arrays
    slope = _slope(builder, slopes, cell, t)
    middle = builder.fadd(r_min, builder.fmul(spacing, ir.Constant(_REAL, 0.5)))
    u = builder.fadd(builder.sitofp(cell, t.type), t)
    r = _multiply_add(builder, u, _splat(builder, spacing, 8), _splat(builder, middle, 8))
    pull = builder.fdiv(slope, r)
    here = at
    for step in _differences(builder, x, at, shift, length):
        there = builder.add(here, shift)
        part = builder.fmul(pull, step)
        old = _load(builder, first, here, 8)
        _store(builder, builder.fsub(old, part), first, here)
        old = _load(builder, second, there, 8)
        _store(builder, builder.fadd(old, part), second, there)
        here = builder.add(here, length)


@intrinsic
def place_eight(typingctx, x, cells, ts, to, at, count, shift, length, r_min, inverse, top):
    """Find the cells and places of eight pairs (i, i + shift), i = at..at+7.

    With ``u = (r - r_min) * inverse`` of the distance r between ``x[c, i]`` and ``x[c, i + shift]``
    (rows of ``length`` in the flat ``x``), the cell is m = int(u) and the place t = u - m - 1/2,
    written to ``cells`` and ``ts`` from index ``to`` on. The cell is ``top + 1`` for all but the
    first ``count`` pairs, and unless ``0 <= u <= top``. Returns 0 if it was so for the first
    ``count``.
    """

    def emit(context, builder, signature, arguments):
        x, cells, ts = _arrays(context, builder, signature, arguments, 3)
        to = arguments[3]
        cell, t, missed = _place(builder, x, *arguments[4:])
        _store(builder, cell, cells, to, align=4)
        _store(builder, t, ts, to)
        return missed

    scalars = (types.int64,) * 5 + (types.float64,) * 3
    return types.int64(x, cells, ts, *scalars), emit


@intrinsic
def collect_eight(typingctx, moments, cells, ts, at):
    """``moments[8 * cells[i] + q] += ts[i]**q`` for q = 0..7 and i = at..at+7.

    ``moments`` is aligned to 32 bytes.
    """

    def emit(context, builder, signature, arguments):
        moments, cells, ts = _arrays(context, builder, signature, arguments, 3)
        at = arguments[3]
        cell = _load(builder, cells, at, 8, align=4, element=_LANE)
        _collect(builder, moments, cell, _load(builder, ts, at, 8))
        return context.get_dummy_value()

    return types.void(moments, cells, ts, types.int64), emit


@intrinsic
def push_eight(
    typingctx, first, second, x, slopes, cells, ts, of, at, shift, length, r_min, spacing
):
    """Add up the gradients of eight pairs (i, i + shift), i = at..at+7, at their atoms.

    A pair with cell m and place t, the entries from ``of`` on, pulls with the slope
    ``sum_q slopes[8 * m + q] * t**q`` over its distance, along the vector from ``x[c, i]`` to
    ``x[c, i + shift]``: subtracted from ``first[c, i]``, added to ``second[c, i + shift]``. These
    three are flat with rows of ``length``; ``slopes`` is aligned to 32 bytes.
    """

    def emit(context, builder, signature, arguments):
        *arrays, cells, ts = _arrays(context, builder, signature, arguments, 6)
        of, at, shift, length, r_min, spacing = arguments[6:]
        cell = _load(builder, cells, of, 8, align=4, element=_LANE)
        t = _load(builder, ts, of, 8)
        _push(builder, arrays, cell, t, at, shift, length, r_min, spacing)
        return context.get_dummy_value()

    scalars = (types.int64,) * 4 + (types.float64,) * 2
    return types.void(first, second, x, slopes, cells, ts, *scalars), emit
