"""Compiled measurement of a quenched cluster: one row of numbers per frame.

Works on the bonds and types of a common neighbour analysis. What the numbers mean and what follows
from them is in `_measurement` and `_rules`.
"""

import math

import numpy as np
from numba import njit

from nanochart.descriptors._kernels_cna import (
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

_OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}

#: Columns of a row.
(
    N_FCC, N_HCP, N_AXIS, N_ICO, INTERIOR, DISORDERED,
    AXES, AXIS_OFFSET, AXIS_ATOMS, SECOND_AXIS_ATOMS, AXES_MEETING, HUB_OFFSET, HUB_INTACT,
    PLANES, ORIENTATIONS, ISLANDS, ISLAND_ATOMS,
    VERTEX_VACANCIES, OTHER_VACANCIES, ADATOMS, ROSETTES, GROOVE_ATOMS,
    SURFACE_5, SURFACE_6, SURFACE_7, SURFACE_8, SURFACE_9,
    RADIUS, ASPHERICITY, SHORTEST, SPREAD,
) = range(31)  # fmt: skip

N_COLUMNS = 31

#: Neighbours from which an atom counts as interior: surfaces have ten at most, in grooves.
_INTERIOR = 11
#: Lines are one axis if they are parallel within this cosine and this close (in bond lengths).
_PARALLEL = math.cos(math.radians(25.0))
_SAME_LINE = 0.5
#: A five-fold axis goes through a point if it passes within this many bond lengths.
_MEETING = 0.6
#: Atoms are in one close-packed plane if it is tilted less than this between them, and this flat.
_SAME_TILT = math.cos(math.radians(20.0))
_FLAT = 0.4
#: Room around an empty site, and between two of them, in bond lengths.
_EMPTY, _APART = 0.8, 0.6

_MOST_LINES = 256
_MOST_SITES = 4096


@njit(**_OPTIONS)
def _unit(x, i, j, out):
    """Direction from atom ``i`` to atom ``j``."""
    a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
    r = 1.0 / math.sqrt(a * a + b * b + c * c)
    out[0], out[1], out[2] = a * r, b * r, c * r


@njit(**_OPTIONS)
def _off_line(p, origin, direction):
    """Distance of the point ``p`` from a line."""
    a, b, c = p[0] - origin[0], p[1] - origin[1], p[2] - origin[2]
    along = a * direction[0] + b * direction[1] + c * direction[2]
    return math.sqrt(max(a * a + b * b + c * c - along * along, 0.0))


@njit(**_OPTIONS)
def _add_line(point, direction, d, lines, weight, count):
    """Enter a five-fold axis through ``point``, or count the point to one that is there."""
    for k in range(count):
        u = lines[k, 3:]
        cosine = abs(u[0] * direction[0] + u[1] * direction[1] + u[2] * direction[2])
        if cosine > _PARALLEL and _off_line(point, lines[k, :3], u) < _SAME_LINE * d:
            weight[k] += 1
            return count
    if count < _MOST_LINES:
        lines[count, :3] = point
        lines[count, 3:] = direction
        weight[count] = 1
        count += 1
    return count


@njit(**_OPTIONS)
def _find_lines(x, d, kinds, fivefold, neighbours, lines, weight):
    """Five-fold axes: lines through the atoms of the types axis and ico along their 555 bonds."""
    n = x.shape[1]
    u, v, point = np.empty(3), np.empty(3), np.empty(3)
    count = 0
    for i in range(n):
        if kinds[i] != AXIS and kinds[i] != ICO:
            continue
        for k in range(3):
            point[k] = x[k, i]
        if kinds[i] == AXIS:
            _unit(x, neighbours[i, fivefold[i, 0]], neighbours[i, fivefold[i, 1]], u)
            count = _add_line(point, u, d, lines, weight, count)
            continue
        for a in range(12):
            _unit(x, i, neighbours[i, fivefold[i, a]], u)
            for b in range(a):
                _unit(x, i, neighbours[i, fivefold[i, b]], v)
                if u[0] * v[0] + u[1] * v[1] + u[2] * v[2] < -0.9:
                    for k in range(3):
                        v[k] = u[k] - v[k]
                    size = math.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
                    for k in range(3):
                        v[k] /= size
                    count = _add_line(point, v, d, lines, weight, count)
                    break
    return count


@njit(**_OPTIONS)
def _meet(lines, count, d, point):
    """Put the point through which most of the lines pass into ``point``; returns how many do."""
    most = 0
    trial = np.empty(3)
    for a in range(count):
        for b in range(a):
            u, v = lines[a, 3:], lines[b, 3:]
            cosine = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
            sine2 = 1.0 - cosine * cosine
            if sine2 < 0.1:
                continue
            along_u = along_v = 0.0
            for k in range(3):
                between = lines[b, k] - lines[a, k]
                along_u += between * (u[k] - cosine * v[k])
                along_v += between * (cosine * u[k] - v[k])
            for k in range(3):
                on_a = lines[a, k] + along_u / sine2 * u[k]
                on_b = lines[b, k] + along_v / sine2 * v[k]
                trial[k] = 0.5 * (on_a + on_b)
            through = _through(lines, count, d, trial)
            if through > most:
                most = through
                point[:] = trial
    return most


@njit(**_OPTIONS)
def _through(lines, count, d, point):
    """Number of lines that pass a point."""
    through = 0
    for k in range(count):
        through += _off_line(point, lines[k, :3], lines[k, 3:]) < _MEETING * d
    return through


@njit(**_OPTIONS)
def _intact(hub, kinds, neighbours, coordination):
    """Share of the neighbours of ``hub`` within the cluster that lie on five-fold axes."""
    within = on_axis = 0
    for a in range(coordination[hub]):
        i = neighbours[hub, a]
        within += coordination[i] >= 12
        on_axis += kinds[i] == AXIS or kinds[i] == ICO
    return on_axis / within if within > 0 else 1.0


@njit(**_OPTIONS)
def _find_planes(x, d, kinds, in_plane, line, has_line, result):
    """Close-packed planes of hcp atoms; ``in_plane`` (atom, 3) holds each one's normal.

    Returns planes of at least two atoms, their orientations, and groups and atoms that do not hold
    the five-fold axis ``line``.
    """
    n = x.shape[1]
    member = np.full(n, -1)
    stack = np.empty(n, np.int64)
    normals = np.empty((n, 3))
    planes = orientations = islands = island_atoms = 0
    point = np.empty(3)
    for seed in range(n):
        if kinds[seed] != HCP or member[seed] >= 0:
            continue
        member[seed] = seed
        stack[0] = seed
        size, first = 1, 0
        mean = np.zeros(3)
        while first < size:
            i = stack[first]
            first += 1
            u = in_plane[i]
            sign = 1.0 if mean[0] * u[0] + mean[1] * u[1] + mean[2] * u[2] >= 0.0 else -1.0
            for k in range(3):
                mean[k] += sign * u[k]
            for j in range(n):
                if kinds[j] != HCP or member[j] >= 0:
                    continue
                v = in_plane[j]
                a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
                if (
                    a * a + b * b + c * c < 6.25 * d * d
                    and abs(u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) > _SAME_TILT
                    and abs(a * u[0] + b * u[1] + c * u[2]) < _FLAT * d
                    and abs(a * v[0] + b * v[1] + c * v[2]) < _FLAT * d
                ):
                    member[j] = seed
                    stack[size] = j
                    size += 1
        norm = math.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)
        for k in range(3):
            mean[k] /= norm
        off_axis = True
        if has_line:
            # A twin plane of a decahedron holds the axis: its normal is at right angles to it, and
            # the plane through its atoms passes the axis.
            tilt = abs(mean[0] * line[3] + mean[1] * line[4] + mean[2] * line[5])
            away = 0.0
            for m in range(size):
                i = stack[m]
                for k in range(3):
                    point[k] = x[k, i] - line[k]
                away += point[0] * mean[0] + point[1] * mean[1] + point[2] * mean[2]
            off_axis = tilt > 0.34 or abs(away) / size > _FLAT * d
        if off_axis:
            islands += 1
            island_atoms += size
        if size < 2:
            continue
        planes += 1
        new = True
        for k in range(orientations):
            w = normals[k]
            if abs(w[0] * mean[0] + w[1] * mean[1] + w[2] * mean[2]) > _SAME_TILT:
                new = False
        if new:
            normals[orientations] = mean
            orientations += 1
    result[PLANES] = planes
    result[ORIENTATIONS] = orientations
    result[ISLANDS] = islands
    result[ISLAND_ATOMS] = island_atoms


@njit(**_OPTIONS)
def _plane_normal(x, i, count, shell, neighbours, out):
    """Normal of the close-packed plane of an hcp atom: at right angles to its six 422 bonds."""
    first = -1
    u, v = np.empty(3), np.empty(3)
    out[:] = 0.0
    for a in range(count):
        common = shell[a]
        most = 0
        for b in range(count):
            if (common >> np.uint64(b)) & np.uint64(1):
                degree = 0
                rest = shell[b] & common
                while rest:
                    rest &= rest - np.uint64(1)
                    degree += 1
                most = max(most, degree)
        if most != 2:
            continue
        if first < 0:
            first = a
            _unit(x, i, neighbours[i, a], u)
            continue
        _unit(x, i, neighbours[i, a], v)
        p = u[1] * v[2] - u[2] * v[1]
        q = u[2] * v[0] - u[0] * v[2]
        r = u[0] * v[1] - u[1] * v[0]
        sign = 1.0 if p * out[0] + q * out[1] + r * out[2] >= 0.0 else -1.0
        out[0] += sign * p
        out[1] += sign * q
        out[2] += sign * r
    size = math.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
    for k in range(3):
        out[k] /= max(size, 1e-9)


@njit(**_OPTIONS)
def _empty_sites(x, d, cutoff, neighbours, coordination, bonded, sites):
    """Count empty sites with six neighbours, and with more.

    A site touches three atoms that touch one another, at the distance ``d`` of each, and has no
    atom closer than ``_EMPTY`` d.
    """
    n = x.shape[1]
    near, limit, apart = (_EMPTY * d) ** 2, cutoff * cutoff, (_APART * d) ** 2
    u, v, w, c, p = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    row = np.empty(n)
    found = 0
    for i in range(n):
        for a in range(coordination[i]):
            j = neighbours[i, a]
            if j <= i:
                continue
            for b in range(a + 1, coordination[i]):
                k = neighbours[i, b]
                if coordination[i] >= 12 and coordination[j] >= 12 and coordination[k] >= 12:
                    continue
                if not (bonded[j, k >> 6] >> np.uint64(k & 63)) & np.uint64(1):
                    continue
                for m in range(3):
                    u[m] = x[m, j] - x[m, i]
                    v[m] = x[m, k] - x[m, i]
                w[0] = u[1] * v[2] - u[2] * v[1]
                w[1] = u[2] * v[0] - u[0] * v[2]
                w[2] = u[0] * v[1] - u[1] * v[0]
                ww = w[0] ** 2 + w[1] ** 2 + w[2] ** 2
                uu = u[0] ** 2 + u[1] ** 2 + u[2] ** 2
                vv = v[0] ** 2 + v[1] ** 2 + v[2] ** 2
                # Centre of the circle through the three atoms, from atom i.
                c[0] = vv * (w[1] * u[2] - w[2] * u[1]) + uu * (v[1] * w[2] - v[2] * w[1])
                c[1] = vv * (w[2] * u[0] - w[0] * u[2]) + uu * (v[2] * w[0] - v[0] * w[2])
                c[2] = vv * (w[0] * u[1] - w[1] * u[0]) + uu * (v[0] * w[1] - v[1] * w[0])
                cc = 0.0
                for m in range(3):
                    c[m] *= 0.5 / ww
                    cc += c[m] ** 2
                if cc >= d * d:
                    continue
                height = math.sqrt((d * d - cc) / ww)
                for side in range(2):
                    lift = height if side == 0 else -height
                    for m in range(3):
                        p[m] = x[m, i] + c[m] + lift * w[m]
                    blocked = False
                    for e in range(coordination[i]):
                        q = neighbours[i, e]
                        r2 = (x[0, q] - p[0]) ** 2 + (x[1, q] - p[1]) ** 2 + (x[2, q] - p[2]) ** 2
                        if r2 < near:
                            blocked = True
                            break
                    if blocked:
                        continue
                    for q in range(n):
                        e0, e1, e2 = x[0, q] - p[0], x[1, q] - p[1], x[2, q] - p[2]
                        row[q] = e0 * e0 + e1 * e1 + e2 * e2
                    touching = 0
                    closest = np.inf
                    for q in range(n):
                        closest = min(closest, row[q])
                        touching += row[q] <= limit
                    if closest < near or touching < 6 or found >= _MOST_SITES:
                        continue
                    known = False
                    for s in range(found):
                        e0 = sites[s, 0] - p[0]
                        e1 = sites[s, 1] - p[1]
                        e2 = sites[s, 2] - p[2]
                        if e0 * e0 + e1 * e1 + e2 * e2 < apart:
                            sites[s, 3] = max(sites[s, 3], touching)
                            known = True
                            break
                    if not known:
                        sites[found, 0], sites[found, 1], sites[found, 2] = p[0], p[1], p[2]
                        sites[found, 3] = touching
                        found += 1
    six = 0
    for s in range(found):
        six += sites[s, 3] == 6
    return six, found - six


@njit(**_OPTIONS)
def _rosettes(x, centre, kinds, fivefold, neighbours, coordination):
    """Vertices of an icosahedron around the atom ``centre`` that opened into a ring of six.

    From the centre each of the twelve 555 bonds is followed outwards, atom by atom. A ray that ends
    at a vertex ends with an atom that has all its neighbours behind it; where the vertex is missing
    its last atom has a ring of five around it and none ahead, and in a rosette a ring of six.
    """
    count = 0
    u, v = np.empty(3), np.empty(3)
    n = x.shape[1]
    for a in range(12):
        i = neighbours[centre, fivefold[centre, a]]
        _unit(x, centre, i, u)
        for _ in range(n):
            ahead, best = -1, 0.85
            for b in range(coordination[i]):
                _unit(x, i, neighbours[i, b], v)
                cosine = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
                if cosine > best:
                    ahead, best = neighbours[i, b], cosine
            if ahead < 0:
                break
            i = ahead
        ring = 0
        for b in range(coordination[i]):
            _unit(x, i, neighbours[i, b], v)
            if u[0] * v[0] + u[1] * v[1] + u[2] * v[2] > -0.2:
                ring += 1
        count += ring == 6 and kinds[i] != AXIS
    return count


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
def _bond_lengths(x, neighbours, coordination, d, result):
    """Mean of the shortest fiftieth of all bonds, and the spread of all, in units of ``d``."""
    n = x.shape[1]
    lengths = np.empty(n * ROOM // 2)
    count = 0
    for i in range(n):
        for a in range(coordination[i]):
            j = neighbours[i, a]
            if j > i:
                p, q, r = x[0, i] - x[0, j], x[1, i] - x[1, j], x[2, i] - x[2, j]
                lengths[count] = math.sqrt(p * p + q * q + r * r) / d
                count += 1
    if count == 0:
        result[SHORTEST], result[SPREAD] = np.nan, np.nan
        return
    few = max(1, count // 50)
    lowest = np.partition(lengths[:count], few - 1)[:few]
    result[SHORTEST] = lowest.mean()
    result[SPREAD] = lengths[:count].std()


@njit(**_OPTIONS)
def measure(frames, d, cutoff, rows, full):
    """Measure ``frames`` (frame, atom, 3) of nearest-neighbour distance ``d`` into ``rows``.

    Stops at the first frame in which an atom has more than ROOM neighbours and puts its number into
    ``full[0]``.
    """
    n = frames.shape[1]
    x = np.empty((3, n))
    neighbours = np.empty((n, ROOM), np.int32)
    coordination = np.empty(n, np.int32)
    bonded = np.empty((n, (n + 63) >> 6), np.uint64)
    shell = np.empty(ROOM, np.uint64)
    kinds = np.empty(n, np.int8)
    fivefold = np.zeros((n, 12), np.int32)
    normals = np.empty((n, 3))
    lines = np.empty((_MOST_LINES, 6))
    weight = np.empty(_MOST_LINES, np.int64)
    sites = np.empty((_MOST_SITES, 4))
    centre, point = np.empty(3), np.empty(3)
    for f in range(frames.shape[0]):
        result = rows[f]
        result[:] = 0.0
        for k in range(3):
            centre[k] = 0.0
            for i in range(n):
                x[k, i] = frames[f, i, k]
                centre[k] += x[k, i] / n
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
                    _plane_normal(x, i, count, shell, neighbours, normals[i])
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

        axes = _find_lines(x, d, kinds, fivefold, neighbours, lines, weight)
        main = second = -1
        for k in range(axes):
            if main < 0 or weight[k] > weight[main]:
                main, second = k, main
            elif second < 0 or weight[k] > weight[second]:
                second = k
        result[AXES] = axes
        result[AXIS_OFFSET] = result[HUB_OFFSET] = np.nan
        if main >= 0:
            result[AXIS_ATOMS] = weight[main]
            result[AXIS_OFFSET] = _off_line(centre, lines[main, :3], lines[main, 3:])
        if second >= 0:
            result[SECOND_AXIS_ATOMS] = weight[second]
        if hub >= 0:
            for k in range(3):
                point[k] = x[k, hub]
            result[AXES_MEETING] = _through(lines, axes, d, point)
            result[HUB_INTACT] = _intact(hub, kinds, neighbours, coordination)
            result[ROSETTES] = _rosettes(x, hub, kinds, fivefold, neighbours, coordination)
        elif axes > 1:
            result[AXES_MEETING] = _meet(lines, min(axes, 24), d, point)
        if hub >= 0 or axes > 1:
            off = 0.0
            for k in range(3):
                off += (point[k] - centre[k]) ** 2
            result[HUB_OFFSET] = math.sqrt(off)
        _find_planes(x, d, kinds, normals, lines[max(main, 0)], main >= 0, result)
        six, more = _empty_sites(x, d, cutoff, neighbours, coordination, bonded, sites)
        result[VERTEX_VACANCIES] = six
        result[OTHER_VACANCIES] = more
        _shape(x, centre, result)
        _bond_lengths(x, neighbours, coordination, d, result)
