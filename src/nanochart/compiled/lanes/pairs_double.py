"""Pairs of atoms on the grid of an RDF in double precision, eight at a time.

The moments of a cell are eight. Cells are always within the arrays, because what does not belong to
the grid goes to a cell of its own.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nanochart.compiled.lanes.pairs import grid_places, pulls
from nanochart.compiled.lanes.vectors import (
    INDEX,
    LANE,
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

__all__ = ["collect_eight", "place_eight", "push_eight"]


def _transpose(builder, rows):
    """Four vectors of four: from element j of vector i to element i of vector j."""
    even = [shuffle(builder, *rows[k : k + 2], (0, 4, 2, 6)) for k in (0, 2)]
    odd = [shuffle(builder, *rows[k : k + 2], (1, 5, 3, 7)) for k in (0, 2)]
    low, high = (0, 1, 4, 5), (2, 3, 6, 7)
    return [shuffle(builder, *pair, half) for half in (low, high) for pair in (even, odd)]


def _row(builder, cells, lane):
    """Index of the first of the eight numbers of a cell, the one in this lane."""
    cell = builder.extract_element(cells, ir.Constant(LANE, lane))
    return builder.shl(builder.zext(cell, INDEX), integer(3))


def _fours(builder, t):
    """Lower and upper half of eight places, with the lanes that they were in."""
    for lanes in (range(4), range(4, 8)):
        yield lanes, shuffle(builder, t, t, lanes)


def _differences(builder, x, at, shift, length):
    """Vectors from the atoms i to the atoms i + shift of eight pairs: three components."""
    here = at
    for _ in range(3):
        there = builder.add(here, shift)
        yield builder.fsub(load(builder, x, there, 8), load(builder, x, here, 8))
        here = builder.add(here, length)


def _place(builder, x, at, count, shift, length, r_min, inverse, top):
    """Cells and places of eight pairs, and whether one of the first ``count`` is off the grid."""
    a, b, c = _differences(builder, x, at, shift, length)
    square = multiply_add(builder, a, a, builder.fmul(b, b))
    square = multiply_add(builder, c, c, square)
    counted = builder.icmp_signed("<", constant(INDEX, range(8)), splat(builder, count, 8))
    grid = [splat(builder, v, 8) for v in (r_min, inverse, top)]
    cell, t, missed = grid_places(builder, square, counted, *grid)
    return cell, t, builder.zext(builder.bitcast(missed, ir.IntType(8)), INDEX)


def _collect(builder, moments, cell, t):
    """Add the powers of the places of eight pairs to the moments of their cells."""
    for lanes, half in _fours(builder, t):
        t2 = builder.fmul(half, half)
        t4 = builder.fmul(t2, t2)
        columns = [full(half.type, 1.0), half, t2, builder.fmul(t2, half)]
        for lane, powers in zip(lanes, _transpose(builder, columns), strict=True):
            low = _row(builder, cell, lane)
            high = builder.add(low, integer(4))
            old = load(builder, moments, low, 4, align=32)
            store(builder, builder.fadd(old, powers), moments, low, align=32)
            old = load(builder, moments, high, 4, align=32)
            factor = shuffle(builder, t4, t4, [lane % 4] * 4)
            new = multiply_add(builder, powers, factor, old)
            store(builder, new, moments, high, align=32)


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
            high = builder.add(low, integer(4))
            factor = shuffle(builder, t4, t4, [lane % 4] * 4)
            upper = load(builder, slopes, high, 4, align=32)
            lower = load(builder, slopes, low, 4, align=32)
            cubics.append(multiply_add(builder, upper, factor, lower))
        c0, c1, c2, c3 = _transpose(builder, cubics)
        value = multiply_add(builder, c3, half, c2)
        value = multiply_add(builder, value, half, c1)
        halves.append(multiply_add(builder, value, half, c0))
    return shuffle(builder, *halves, range(8))


def _push(builder, gradients, cell, t, at, shift, length, r_min, spacing):
    """Add up the gradients of eight pairs at their atoms."""
    first, second, x, slopes = gradients
    slope = _slope(builder, slopes, cell, t)
    middle = builder.fadd(r_min, builder.fmul(spacing, ir.Constant(spacing.type, 0.5)))
    strength = pulls(builder, slope, cell, t, splat(builder, spacing, 8), splat(builder, middle, 8))
    here = at
    for step in _differences(builder, x, at, shift, length):
        there = builder.add(here, shift)
        part = builder.fmul(strength, step)
        old = load(builder, first, here, 8)
        store(builder, builder.fsub(old, part), first, here)
        old = load(builder, second, there, 8)
        store(builder, builder.fadd(old, part), second, there)
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
        x, cells, ts = arrays(context, builder, signature, arguments, 3)
        to = arguments[3]
        cell, t, missed = _place(builder, x, *arguments[4:])
        store(builder, cell, cells, to)
        store(builder, t, ts, to)
        return missed

    scalars = (types.int64,) * 5 + (types.float64,) * 3
    return types.int64(x, cells, ts, *scalars), emit


@intrinsic
def collect_eight(typingctx, moments, cells, ts, at):
    """``moments[8 * cells[i] + q] += ts[i]**q`` for q = 0..7 and i = at..at+7.

    ``moments`` is aligned to 32 bytes.
    """

    def emit(context, builder, signature, arguments):
        moments, cells, ts = arrays(context, builder, signature, arguments, 3)
        at = arguments[3]
        cell = load(builder, cells, at, 8)
        _collect(builder, moments, cell, load(builder, ts, at, 8))
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
        *gradients, cells, ts = arrays(context, builder, signature, arguments, 6)
        of, at, shift, length, r_min, spacing = arguments[6:]
        cell = load(builder, cells, of, 8)
        t = load(builder, ts, of, 8)
        _push(builder, gradients, cell, t, at, shift, length, r_min, spacing)
        return context.get_dummy_value()

    scalars = (types.int64,) * 4 + (types.float64,) * 2
    return types.void(first, second, x, slopes, cells, ts, *scalars), emit
