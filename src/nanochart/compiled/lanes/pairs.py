"""What pairs of atoms need in either precision: their place on a grid, and their pull."""

from llvmlite import ir

from nanochart.compiled.lanes.vectors import LANE, full, multiply_add, square_root

__all__ = ["grid_places", "pulls"]


def grid_places(builder, square, counted, r_min, inverse, top):
    """Cells and places of pairs on a grid, and which of the ``counted`` are off it.

    With u = (r - r_min) * inverse of the distance r, whose square is given, the cell is m = int(u)
    and the place t = u - m - 1/2. What is not counted, or off the grid (unless 0 <= u <= top), goes
    to the cell top + 1. All are vectors.
    """
    u = builder.fmul(builder.fsub(square_root(builder, square), r_min), inverse)
    # Unordered comparisons: also true where u is not a number.
    below = builder.fcmp_unordered("<", u, full(u.type, 0.0))
    off = builder.or_(below, builder.fcmp_unordered(">", u, top))
    wanted = builder.and_(counted, builder.not_(off))
    u = builder.select(wanted, u, builder.fadd(top, full(u.type, 1.5)))
    cell = builder.fptosi(u, ir.VectorType(LANE, u.type.count))
    t = builder.fsub(builder.fsub(u, builder.sitofp(cell, u.type)), full(u.type, 0.5))
    return cell, t, builder.and_(counted, off)


def pulls(builder, slope, cell, t, spacing, middle):
    """Slopes of pairs over their distances, (m + t) spacing + middle."""
    u = builder.fadd(builder.sitofp(cell, t.type), t)
    return builder.fdiv(slope, multiply_add(builder, u, spacing, middle))
