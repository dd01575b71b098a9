"""Atoms in rows of four numbers, which are loaded and stored as one vector.

A row holds x, y, z and a fourth number that belongs to the atom: none while distances are taken,
and the slope of its embedding while forces are. The partners of an atom come as stretches of a
list, those of `select_row` a multiple of four long; the atom that fills them up is far away.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nanochart.compiled.lanes.vectors import (
    INDEX,
    LANE,
    Loop,
    append,
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

__all__ = ["find_row", "pull_row", "select_row", "sum_row"]

_ROW = 4
_EIGHT = 8


def _row(builder, index):
    """Where the row of an atom begins."""
    if index.type != INDEX:
        index = builder.zext(index, INDEX)
    return builder.shl(index, integer(2))


def _atom(builder, data, at):
    return load(builder, data, at, _ROW, align=32)


def _squares(builder, atoms, here, partner, at):
    """Squared distances to the four atoms whose indices stand from ``at`` on."""
    squares = []
    for lane in range(_ROW):
        index = builder.load(builder.gep(partner, [builder.add(at, integer(lane))]))
        step = builder.fsub(here, _atom(builder, atoms, _row(builder, index)))
        squares.append(builder.fmul(step, step))
    sums = []
    for pair in (squares[:2], squares[2:]):
        even, odd = shuffle(builder, *pair, (0, 4, 2, 6)), shuffle(builder, *pair, (1, 5, 3, 7))
        sums.append(builder.fadd(even, odd))
    low, high = shuffle(builder, *sums, (0, 1, 4, 5)), shuffle(builder, *sums, (2, 3, 6, 7))
    return builder.fadd(low, high)


@intrinsic
def select_row(
    typingctx, atoms, neighbour, partner, square, i, begin, end, split, reach, near, far
):
    """Append the pairs of atom i to the near or to the far ones, in their order.

    Its neighbours stand from ``begin`` to before ``end``. Near are those whose squared distance is
    below ``split``, far the others below ``reach``; index and squared distance are appended to
    ``partner`` and ``square``, from ``near`` or from ``far`` on. Returns the places after the last
    of both. Fourth numbers in ``atoms``, aligned to 32 bytes, count as a coordinate.
    """

    def emit(context, builder, signature, arguments):
        atoms, neighbour, partner, square = arrays(context, builder, signature, arguments, 4)
        i, begin, end, split, reach, near, far = arguments[4:]
        here = _atom(builder, atoms, _row(builder, i))
        split, reach = splat(builder, split, _ROW), splat(builder, reach, _ROW)
        loop = Loop(builder, begin, end, integer(_ROW), [near, far], short=True)
        squares = _squares(builder, atoms, here, neighbour, loop.index)
        is_near = builder.fcmp_ordered("<", squares, split)
        in_reach = builder.fcmp_ordered("<", squares, reach)
        is_far = builder.and_(in_reach, builder.not_(is_near))
        indices = load(builder, neighbour, loop.index, _ROW)
        columns = [(squares, square), (indices, partner)]
        loop.close(append(context, builder, columns, [is_near, is_far], loop.values))
        return context.make_tuple(builder, signature.return_type, loop.values)

    scalars = (types.uint64,) * 3 + (types.float64,) * 2 + (types.uint64,) * 2
    places = types.UniTuple(types.uint64, 2)
    return places(atoms, neighbour, partner, square, *scalars), emit


@intrinsic
def sum_row(typingctx, values, near, near_end, far, far_end):
    """Sum ``values`` from ``near`` to before ``near_end``, and from ``far`` to before ``far_end``.

    Sixteen at a time, the last of which are left out by a mask: most atoms have fewer partners, and
    then no branch is taken that depends on their number. The next fifteen values are read.
    """

    def emit(context, builder, signature, arguments):
        (values,) = arrays(context, builder, signature, arguments, 1)
        zeros = full(ir.VectorType(ir.DoubleType(), _EIGHT), 0.0)
        total = zeros
        for begin, end in (arguments[1:3], arguments[3:5]):
            loop = Loop(builder, begin, end, integer(2 * _EIGHT), [total], short=True)
            total = loop.values[0]
            left = builder.sub(end, loop.index)
            many = builder.icmp_unsigned(">", left, integer(2 * _EIGHT))
            left = builder.select(many, integer(2 * _EIGHT), left)
            bits = builder.sub(builder.shl(integer(1), left), integer(1))
            for half in (0, _EIGHT):
                mask = builder.trunc(builder.lshr(bits, integer(half)), ir.IntType(_EIGHT))
                mask = builder.bitcast(mask, ir.VectorType(ir.IntType(1), _EIGHT))
                eight = load(builder, values, builder.add(loop.index, integer(half)), _EIGHT)
                total = builder.fadd(total, builder.select(mask, eight, zeros))
            loop.close([total])
            total = loop.values[0]
        for lanes in (4, 2, 1):
            low, high = range(lanes), range(lanes, 2 * lanes)
            total = builder.fadd(
                shuffle(builder, total, total, low), shuffle(builder, total, total, high)
            )
        return builder.extract_element(total, ir.Constant(LANE, 0))

    return types.float64(values, *(types.uint64,) * 4), emit


@intrinsic
def pull_row(typingctx, atoms, pulls, partner, dphi, df, i, near, near_end, far, far_end):
    """Pull atom i and its partners together.

    These stand from ``near`` to before ``near_end`` and from ``far`` to before ``far_end``. A pair
    pulls with ``w = dphi + (s_i + s_j) df`` times the vector from j to i, where s are the fourth
    numbers in ``atoms``: subtracted from the row of i in ``pulls``, added to that of j. Both are
    aligned to 32 bytes; the fourth numbers in ``pulls`` mean nothing.
    """

    def emit(context, builder, signature, arguments):
        atoms, pulls, partner, dphi, df = arrays(context, builder, signature, arguments, 5)
        row = _row(builder, arguments[5])
        here, own = _atom(builder, atoms, row), _atom(builder, pulls, row)
        for begin, end in (arguments[6:8], arguments[8:10]):
            loop = Loop(builder, begin, end, integer(1), [own], short=True)
            j = _row(builder, builder.load(builder.gep(partner, [loop.index])))
            there = _atom(builder, atoms, j)
            both = builder.fadd(here, there)
            slopes = shuffle(builder, both, both, [3] * _ROW)
            pair = [
                splat(builder, builder.load(builder.gep(column, [loop.index])), _ROW)
                for column in (dphi, df)
            ]
            strength = multiply_add(builder, slopes, pair[1], pair[0])
            pull = builder.fmul(strength, builder.fsub(here, there))
            store(builder, builder.fadd(_atom(builder, pulls, j), pull), pulls, j, align=32)
            loop.close([builder.fsub(loop.values[0], pull)])
            own = loop.values[0]
        store(builder, own, pulls, row, align=32)
        return context.get_dummy_value()

    return types.void(atoms, pulls, partner, dphi, df, *(types.uint64,) * 5), emit


@intrinsic
def find_row(typingctx, columns, neighbour, n, length, i, reach, k):
    """Append the atoms j > i in reach of atom i, as many as make fours, to ``neighbour``.

    ``columns`` are the coordinates, three rows of ``length`` in one, a multiple of eight, of which
    those from ``n`` on are far from all others; in reach is a squared distance below ``reach``. The
    last four are filled up with ``n``. Returns the place after them, where the first is at ``k``.
    """

    def emit(context, builder, signature, arguments):
        columns, neighbour = arrays(context, builder, signature, arguments, 2)
        n, length, i, reach, k = arguments[2:]
        rows = [builder.mul(length, integer(axis)) for axis in range(3)]
        here = [
            splat(builder, builder.load(builder.gep(columns, [builder.add(row, i)])), _EIGHT)
            for row in rows
        ]
        atom = splat(builder, builder.trunc(i, LANE), _EIGHT)
        reach = splat(builder, reach, _EIGHT)
        first = builder.and_(builder.add(i, integer(1)), integer(-_EIGHT))
        loop = Loop(builder, first, n, integer(_EIGHT), [k])
        total = None
        for row, place in zip(rows, here, strict=True):
            there = load(builder, columns, builder.add(row, loop.index), _EIGHT, align=64)
            step = builder.fsub(place, there)
            square = builder.fmul(step, step)
            total = square if total is None else builder.fadd(total, square)
        at = splat(builder, builder.trunc(loop.index, LANE), _EIGHT)
        j = builder.add(at, constant(LANE, range(_EIGHT)))
        wanted = builder.and_(
            builder.icmp_unsigned(">", j, atom), builder.fcmp_ordered("<", total, reach)
        )
        loop.close(append(context, builder, [(j, neighbour)], [wanted], loop.values))
        last = loop.values[0]
        filler = splat(builder, builder.trunc(n, LANE), _ROW)
        store(builder, filler, neighbour, last)
        return builder.and_(builder.add(last, integer(_ROW - 1)), integer(-_ROW))

    scalars = (types.uint64,) * 3 + (types.float64, types.uint64)
    return types.uint64(columns, neighbour, *scalars), emit
