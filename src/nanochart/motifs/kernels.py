"""Compiled measurement of a quenched cluster: one row of numbers per frame.

Works on the bonds and types of a common neighbour analysis. What the numbers mean and what follows
from them is in `_measurement` and `_rules`.
"""

import math

import numpy as np
from numba import njit

from nanochart.compiled.options import EXACT
from nanochart.descriptors import (
    AXIS,
    FCC,
    HCP,
    ICO,
    OTHER,
    ROOM,
    atom_type,
    find_bonds,
    shell_bonds,
)
from nanochart.motifs.kernels_axes import (
    MOST_LINES,
    find_lines,
    intact,
    meet,
    off_line,
    rosettes,
    through,
)
from nanochart.motifs.kernels_planes import find_planes, plane_normal
from nanochart.motifs.kernels_sites import MOST_HOLES, MOST_SITES, empty_sites, holes

#: Columns of a row.
(
    N_FCC, N_HCP, N_AXIS, N_ICO, INTERIOR, DISORDERED,
    AXES, AXIS_OFFSET, AXIS_ATOMS, SECOND_AXIS_ATOMS, AXES_MEETING, HUB_OFFSET, HUB_INTACT,
    PLANES, ORIENTATIONS, ISLANDS, ISLAND_ATOMS,
    VERTEX_VACANCIES, OTHER_VACANCIES, ADATOMS, ROSETTES, GROOVE_ATOMS,
    SURFACE_5, SURFACE_6, SURFACE_7, SURFACE_8, SURFACE_9,
    RADIUS, ASPHERICITY, SPREAD,
) = range(30)  # fmt: skip

N_COLUMNS = 30

#: Neighbours from which an atom counts as interior: surfaces have ten at most, in grooves.
_INTERIOR = 11


@njit(**EXACT)
def _shape(x, centre, result):
    """Radius of gyration and relative asphericity from the gyration tensor's invariants."""
    n = x.shape[1]
    xx = yy = zz = xy = yz = zx = 0.0
    for i in range(n):
        a, b, c = x[0, i] - centre[0], x[1, i] - centre[1], x[2, i] - centre[2]
        xx += a * a
        yy += b * b
        zz += c * c
        xy += a * b
        yz += b * c
        zx += c * a
    trace = xx + yy + zz
    minors = xx * yy - xy * xy + yy * zz - yz * yz + zz * xx - zx * zx
    result[RADIUS] = math.sqrt(trace / n)
    result[ASPHERICITY] = max(1.0 - 3.0 * minors / (trace * trace), 0.0)


@njit(**EXACT)
def _bond_spread(x, neighbours, coordination):
    """Standard deviation of all bond lengths over their mean; NaN without bonds."""
    count = 0
    total = squares = 0.0
    for i in range(x.shape[1]):
        for a in range(coordination[i]):
            j = neighbours[i, a]
            if j > i:
                p, q, r = x[0, i] - x[0, j], x[1, i] - x[1, j], x[2, i] - x[2, j]
                r2 = p * p + q * q + r * r
                squares += r2
                total += math.sqrt(r2)
                count += 1
    if count == 0:
        return np.nan
    mean = total / count
    return math.sqrt(max(squares / count - mean * mean, 0.0)) / mean


@njit(**EXACT)
def measure(frames, d, cutoff, rows, full):
    """Measure ``frames`` (frame, atom, 3) of nearest-neighbour distance ``d`` into ``rows``.

    Vacancies inside are filled before anything is counted but vacancies, shape and bonds: the atoms
    around one have eleven neighbours, so that none of them would be of a lattice, and twelve such
    atoms are the whole interior of an icosahedron of 54.

    Stops at the first frame in which an atom has more than ROOM neighbours and puts its number into
    ``full[0]``.
    """
    n_atoms = frames.shape[1]
    room = n_atoms + MOST_HOLES
    whole = np.empty((3, n_atoms))
    neighbours = np.empty((room, ROOM), np.int32)
    coordination = np.empty(room, np.int32)
    bonded = np.empty((room, (room + 63) >> 6), np.uint64)
    shell = np.empty(ROOM, np.uint64)
    kinds = np.empty(room, np.int8)
    fivefold = np.zeros((room, 12), np.int32)
    normals = np.empty((room, 3))
    hole = np.empty((MOST_HOLES, 3))
    lines = np.empty((MOST_LINES, 6))
    weight = np.empty(MOST_LINES, np.int64)
    sites = np.empty((MOST_SITES, 4))
    centre, point = np.empty(3), np.empty(3)
    for f in range(frames.shape[0]):
        result = rows[f]
        result[:] = 0.0
        x, n = whole, n_atoms
        for k in range(3):
            centre[k] = 0.0
            for i in range(n):
                x[k, i] = frames[f, i, k]
                centre[k] += x[k, i] / n
        if not find_bonds(x, cutoff, neighbours, coordination, bonded):
            full[0] = f
            return
        six, more = empty_sites(x, d, cutoff, neighbours, coordination, bonded, sites)
        result[VERTEX_VACANCIES] = six
        result[OTHER_VACANCIES] = more
        _shape(x, centre, result)
        result[SPREAD] = _bond_spread(x, neighbours, coordination)
        filled = holes(x, d, cutoff, neighbours, coordination, hole)
        if filled > 0:
            n += filled
            x = np.empty((3, n))
            for k in range(3):
                x[k, :n_atoms] = whole[k]
                x[k, n_atoms:] = hole[:filled, k]
            if not find_bonds(x, cutoff, neighbours, coordination, bonded):
                full[0] = f
                return
        hub, hub_off = -1, np.inf  # the centre of an icosahedron nearest to that of mass
        point[:] = centre
        for i in range(n):
            count = coordination[i]
            kinds[i] = OTHER
            if count == 12:
                shell_bonds(i, neighbours, coordination, bonded, shell)
                kinds[i], _ = atom_type(12, shell, fivefold[i])
                if kinds[i] == HCP:
                    plane_normal(x, i, count, shell, neighbours, normals[i])
            kind = kinds[i]
            if kind == FCC:
                result[N_FCC] += 1
            elif kind == HCP:
                result[N_HCP] += 1
            elif kind == AXIS:
                result[N_AXIS] += 1
            elif kind == ICO:
                result[N_ICO] += 1
                away = 0.0
                for k in range(3):
                    away += (x[k, i] - centre[k]) ** 2
                if away < hub_off:
                    hub, hub_off = i, away
            if count >= _INTERIOR:
                result[INTERIOR] += 1
                result[DISORDERED] += kind == OTHER
            elif count <= 5:
                result[SURFACE_5] += 1
                result[ADATOMS] += count <= 4
            elif count == 6:
                result[SURFACE_6] += 1
            elif count == 7:
                result[SURFACE_7] += 1
            elif count == 8:
                result[SURFACE_8] += 1
            elif count == 9:
                result[SURFACE_9] += 1
            else:
                result[GROOVE_ATOMS] += 1

        axes = find_lines(x, d, kinds, fivefold, neighbours, lines, weight)
        # The longest axis, and of equally long ones the most central: no matter of numbering.
        main = second = -1
        least = np.inf
        for k in range(axes):
            off_centre = off_line(centre, lines[k, :3], lines[k, 3:])
            if (
                main < 0
                or weight[k] > weight[main]
                or (weight[k] == weight[main] and off_centre < least)
            ):
                main, second, least = k, main, off_centre
            elif second < 0 or weight[k] > weight[second]:
                second = k
        result[AXES] = axes
        result[AXIS_OFFSET] = result[HUB_OFFSET] = np.nan
        if main >= 0:
            result[AXIS_ATOMS] = weight[main]
            result[AXIS_OFFSET] = off_line(centre, lines[main, :3], lines[main, 3:])
        if second >= 0:
            result[SECOND_AXIS_ATOMS] = weight[second]
        if hub >= 0:
            for k in range(3):
                point[k] = x[k, hub]
            result[AXES_MEETING] = through(lines, axes, d, point)
            result[HUB_INTACT] = intact(hub, kinds, neighbours, coordination)
            result[ROSETTES] = rosettes(x, hub, kinds, fivefold, neighbours, coordination)
        elif axes > 1:
            result[AXES_MEETING] = meet(lines, min(axes, 24), d, point)
        if hub >= 0 or axes > 1:
            off = 0.0
            for k in range(3):
                off += (point[k] - centre[k]) ** 2
            result[HUB_OFFSET] = math.sqrt(off)
        found = find_planes(x, d, kinds, normals, lines[max(main, 0)], main >= 0)
        result[PLANES], result[ORIENTATIONS], result[ISLANDS], result[ISLAND_ATOMS] = found
