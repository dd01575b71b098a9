"""Scratch memory of an evaluation, and the Verlet list in it.

The list holds, for each atom i, the atoms j > i within cut-off plus skin, ascending, and then as
many times the number of atoms, as if it were the index of an atom far away, as make a multiple of
four: the lanes of a vector. Small clusters are searched pair by pair, because that runs in vector
registers; the cost per atom grows with their number, so larger ones are sorted into cells first,
and each atom looks into the cells around its own.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.lanes.atoms import find_row
from nanochart.compiled.memory import aligned
from nanochart.compiled.options import FAST

U = np.uint64


#: From this number of atoms on cells are faster.
_CELLS_FROM = 600
#: Cells along an axis, at most: bounds the memory where an atom is far away.
_MOST_CELLS = 16
#: List entries that are written beyond the last, and then overwritten or never read.
_SPARE = 16
#: Coordinate of the atom that fills up the list, in Å.
_FAR_AWAY = 1e100


class Workspace(NamedTuple):
    """Scratch arrays for clusters of N atoms with room for P pairs within cut-off plus skin."""

    start: np.ndarray  # (N + 1,) first list entry of each atom
    neighbour: np.ndarray  # (P,) second atom of each list entry, N where there is none
    reference: np.ndarray  # (3, N) positions at which the list was built
    first: np.ndarray  # (2, N + 1) first near and first far pair of each atom
    partner: np.ndarray  # (2 P,) second atom of near pairs, and from P on of far pairs
    radial: np.ndarray  # (5, 2 P) of the same pairs φ, φ'/r, f, f'/r, r²
    density: np.ndarray  # (N,)
    embedding: np.ndarray  # (N,) F(ρ_i)
    slope: np.ndarray  # (N,) F'(ρ_i)
    atoms: np.ndarray  # (4 N + 4,) x, y, z and F'(ρ) of each atom, and of one far away
    pulls: np.ndarray  # (4 N + 4,) forces on them
    columns: np.ndarray  # (3 L,) rows x, y, z, with atoms far away up to a multiple of eight
    row: np.ndarray  # (N,) squared distances while a list is built
    order: np.ndarray  # (N,) atoms sorted by cell
    binned: np.ndarray  # (3, N) positions in that order
    cell: np.ndarray  # (N,) cell of each atom
    around: np.ndarray  # (N,) atoms around a cell
    around_x: np.ndarray  # (3, N) their positions
    cell_start: np.ndarray  # (cells + 1,) first atom of each cell in the order


@njit(**FAST)
def make_workspace(n, capacity):
    """Allocate a workspace for ``n`` atoms and ``capacity`` list entries."""
    atoms = aligned(4 * n + 4, np.float64)
    atoms[4 * n : 4 * n + 3] = _FAR_AWAY
    length = (n + 7) // 8 * 8
    columns = aligned(3 * length, np.float64)
    columns[:] = _FAR_AWAY
    return Workspace(
        np.zeros(n + 1, np.uint32),
        np.zeros(capacity, np.uint32),
        np.full((3, n), np.inf),
        np.zeros((2, n + 1), np.uint32),
        np.zeros(2 * capacity, np.uint32),
        np.zeros((5, 2 * capacity)),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        atoms,
        aligned(4 * n + 4, np.float64),
        columns,
        np.zeros(n),
        np.zeros(n, np.uint32),
        np.zeros((3, n)),
        np.zeros(n, np.uint32),
        np.zeros(n, np.uint32),
        np.zeros((3, n)),
        np.zeros(_MOST_CELLS**3 + 2, np.uint32),
    )


@njit(**FAST)
def all_pairs(n):
    """Room for every pair of ``n`` atoms, what fills up each row, and what is tried at once."""
    return n * (n - 1) // 2 + 4 * n + _SPARE


@njit(**FAST)
def _search_pairs(x, reach, ws):
    """The list by looking at every pair; returns whether the workspace had room."""
    n = U(x.shape[1])
    length = U(ws.columns.size) // U(3)
    for axis in range(U(3)):
        for i in range(n):
            ws.columns[axis * length + i] = x[axis, i]
    limit = reach * reach
    capacity = U(ws.neighbour.size)
    k = U(0)
    for i in range(n):
        ws.start[i] = k
        if k + (n - i) + U(_SPARE) > capacity:
            return False
        k = find_row(ws.columns, ws.neighbour, n, length, i, limit, k)
    ws.start[n] = k
    return True


@njit(**FAST)
def _sort_into_cells(x, reach, ws):
    """Counting sort of the atoms by cells at least ``reach`` wide; returns cells per axis.

    The first atom of cell c then stands at ``cell_start[c + 1]`` of the order.
    """
    n = U(x.shape[1])
    order, cell, cell_start = ws.order, ws.cell, ws.cell_start
    shape = np.empty(3, np.int64)
    cell[:] = 0
    for axis in range(3):
        low = x[axis].min()
        extent = x[axis].max() - low
        shape[axis] = min(max(int(extent / reach), 1), _MOST_CELLS)
        scale = shape[axis] / max(extent, reach)
        for i in range(n):
            place = min(int((x[axis, i] - low) * scale), shape[axis] - 1)
            cell[i] = np.uint32(cell[i] * shape[axis] + place)
    n_cells = shape[0] * shape[1] * shape[2]
    cell_start[: n_cells + 2] = 0
    for i in range(n):
        cell_start[cell[i] + 1] += np.uint32(1)
    for c in range(n_cells + 1):
        cell_start[c + 1] += cell_start[c]
    # From the last atom to the first, each cell filled from its end, which leaves its start.
    for back in range(n):
        i = n - U(1) - back
        place = U(cell[i]) + U(1)
        cell_start[place] -= np.uint32(1)
        order[cell_start[place]] = i
    for k in range(n):
        for axis in range(3):
            ws.binned[axis, k] = x[axis, order[k]]
    return shape


@njit(**FAST)
def _gather_around(a, b, c, shape, ws):
    """Atoms of a cell and of those around it, as one stretch; returns their number."""
    count = U(0)
    for u in range(max(a - 1, 0), min(a + 2, shape[0])):
        for v in range(max(b - 1, 0), min(b + 2, shape[1])):
            # Neighbouring cells of a column are one stretch of the order.
            column = (u * shape[1] + v) * shape[2] + 1
            first = U(ws.cell_start[column + max(c - 1, 0)])
            last = U(ws.cell_start[column + min(c + 2, shape[2])])
            for m in range(first, last):
                ws.around[count] = ws.order[m]
                ws.around_x[0, count] = ws.binned[0, m]
                ws.around_x[1, count] = ws.binned[1, m]
                ws.around_x[2, count] = ws.binned[2, m]
                count += U(1)
    return count


@njit(**FAST)
def _search_cells(x, reach, ws):
    """The list by looking into neighbouring cells; returns whether the workspace had room."""
    n = U(x.shape[1])
    shape = _sort_into_cells(x, reach, ws)
    row, start, around = ws.row, ws.start, ws.around
    px, py, pz = ws.around_x[0], ws.around_x[1], ws.around_x[2]
    limit = reach * reach
    capacity = U(ws.neighbour.size)
    one = U(1)
    # First the atoms i < j of each j, in any order, one stretch for each j.
    lower, first, last = ws.partner[:capacity], ws.first[0], ws.first[1]
    k = U(0)
    for a in range(shape[0]):
        for b in range(shape[1]):
            for c in range(shape[2]):
                cell = (a * shape[1] + b) * shape[2] + c
                own, end = U(ws.cell_start[cell + 1]), U(ws.cell_start[cell + 2])
                if own == end:
                    continue
                count = _gather_around(a, b, c, shape, ws)
                for m in range(own, end):
                    j = U(ws.order[m])
                    xj, yj, zj = ws.binned[0, m], ws.binned[1, m], ws.binned[2, m]
                    for q in range(count):
                        dx = xj - px[q]
                        dy = yj - py[q]
                        dz = zj - pz[q]
                        row[q] = dx * dx + dy * dy + dz * dz
                    if k + count >= capacity:
                        return False
                    first[j] = k
                    for q in range(count):
                        i = around[q]
                        lower[k] = i
                        k += U((row[q] < limit) & (i < j))
                    last[j] = k
    start[:] = 0
    for pair in range(k):
        start[lower[pair]] += np.uint32(1)
    total = np.uint32(0)
    for i in range(n):
        count = start[i]
        start[i] = total
        total += (count + np.uint32(3)) & ~np.uint32(3)
    if U(total) + U(_SPARE) > capacity:
        return False
    # Then by rising j, each put under its i: they rise there, too.
    for j in range(n):
        for pair in range(U(first[j]), U(last[j])):
            i = lower[pair]
            ws.neighbour[start[i]] = j
            start[i] += np.uint32(1)
    # Every start has moved to its end, and filled up that is the next one's start.
    for i in range(n):
        while start[i] % np.uint32(4) != 0:
            ws.neighbour[start[i]] = n
            start[i] += np.uint32(1)
    for back in range(n):
        start[n - back] = start[n - back - one]
    start[0] = 0
    return True


@njit(**FAST)
def build_list(x, reach, ws):
    """Half Verlet list of all pairs closer than ``reach``; x is (3, N).

    Returns whether the workspace had room; if not, the list is not usable.
    """
    if x.shape[1] < _CELLS_FROM or not math.isfinite(x.sum()):
        room = _search_pairs(x, reach, ws)
    else:
        room = _search_cells(x, reach, ws)
    if room:
        ws.reference[:, :] = x
    return room


@njit(**FAST)
def rebuild_list(x, reach, ws):
    """Rebuild the list, in a larger workspace if it no longer fits."""
    while not build_list(x, reach, ws):
        n = x.shape[1]
        ws = make_workspace(n, min(all_pairs(n), 2 * ws.neighbour.size))
    return ws


@njit(**FAST)
def list_is_stale(x, skin, ws):
    """Whether any atom has moved more than half the skin since the list was built."""
    limit = 0.25 * skin * skin
    stale = False
    rx, ry, rz = ws.reference[0], ws.reference[1], ws.reference[2]
    px, py, pz = x[0], x[1], x[2]
    for i in range(U(x.shape[1])):
        dx = px[i] - rx[i]
        dy = py[i] - ry[i]
        dz = pz[i] - rz[i]
        # Written so that NaN also counts as stale.
        stale |= not (dx * dx + dy * dy + dz * dz <= limit)
    return stale
