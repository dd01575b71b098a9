"""Compiled common neighbour analysis: bonds, signatures, types of atoms.

Everything is done within the neighbourhood of one atom: its neighbours are numbered 0, 1, ... and
the bonds among them are one bit mask each, so a signature is a few counts of bits and its cost does
not depend on the size of the cluster.
"""

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from nanochart.compiled.options import EXACT

#: Codes of atom types, places in `nanochart.descriptors.ATOM_TYPES`.
FCC, HCP, AXIS, ICO, OTHER = range(5)

#: Neighbours of an atom, at most: more would have to lie on top of each other.
ROOM = 48


@intrinsic
def popcount(typingctx, bits):
    """Number of ones in a uint64."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(**EXACT)
def find_bonds(x, cutoff, neighbours, coordination, bonded):
    """Bonds of a frame ``x`` (3, atom): pairs of atoms no further apart than ``cutoff``.

    Fills ``neighbours`` (atom, ROOM), ``coordination`` (atom,) and the matrix of bits
    ``bonded`` (atom, words). Returns whether all neighbours found room.
    """
    n = x.shape[1]
    limit = cutoff * cutoff
    coordination[:] = 0
    bonded[:] = 0
    px, py, pz = x[0], x[1], x[2]
    flags = np.zeros((n + 7) // 8 * 8, np.uint8)
    words = flags.view(np.uint64)
    one = np.uint64(1)
    for i in range(np.uint64(n)):
        xi, yi, zi = px[i], py[i], pz[i]
        for j in range(i):
            dx = xi - px[j]
            dy = yi - py[j]
            dz = zi - pz[j]
            flags[j] = dx * dx + dy * dy + dz * dz <= limit
        # Eight pairs at a time, because few are bonded and which cannot be predicted.
        for k in range((i + np.uint64(7)) >> np.uint64(3)):
            rest = words[k]
            while rest:
                lowest = rest & (~rest + one)
                rest ^= lowest
                j = (np.uint64(k) << np.uint64(3)) + (popcount(lowest - one) >> np.uint64(3))
                a, b = coordination[i], coordination[j]
                if a >= ROOM or b >= ROOM:
                    return False
                neighbours[i, a] = j
                neighbours[j, b] = i
                coordination[i] = a + 1
                coordination[j] = b + 1
                bonded[i, j >> np.uint64(6)] |= one << (j & np.uint64(63))
                bonded[j, i >> np.uint64(6)] |= one << (i & np.uint64(63))
    return True


@njit(**EXACT)
def shell_bonds(i, neighbours, coordination, bonded, shell):
    """Bonds among the neighbours of ``i``: bit b of ``shell[a]`` says that a and b are bonded."""
    one = np.uint64(1)
    count = coordination[i]
    for a in range(count):
        shell[a] = 0
    for a in range(count):
        m = np.uint64(neighbours[i, a])
        bits = np.uint64(0)
        for b in range(a):
            j = np.uint64(neighbours[i, b])
            found = (bonded[m, j >> np.uint64(6)] >> (j & np.uint64(63))) & one
            bits |= found << np.uint64(b)
            shell[b] |= found << np.uint64(a)
        shell[a] |= bits


@njit(**EXACT)
def atom_type(count, shell, fivefold):
    """Type of an atom of ``count`` neighbours, and how many of its bonds are 555.

    ``fivefold`` takes the places of the first of these among the neighbours.
    """
    n421 = n422 = n555 = 0
    for a in range(count):
        common = shell[a]
        members = popcount(common)
        if members < 4 or members > 5:
            continue
        bonds, most = 0, 0
        rest = common
        while rest:
            lowest = rest & (~rest + np.uint64(1))
            b = popcount(lowest - np.uint64(1))
            rest ^= lowest
            degree = popcount(shell[b] & common)
            bonds += degree
            most = max(most, degree)
        bonds //= 2
        if members == 5:
            # Five bonds among five atoms are always one connected chain.
            if bonds == 5:
                if n555 < fivefold.size:
                    fivefold[n555] = a
                n555 += 1
        elif bonds == 2:
            if most == 2:
                n422 += 1
            else:
                n421 += 1
    kind = OTHER
    if count == 12:
        if n421 == 12:
            kind = FCC
        elif n421 == 6 and n422 == 6:
            kind = HCP
        elif n555 == 2 and n422 == 10:
            kind = AXIS
        elif n555 == 12:
            kind = ICO
    return kind, n555


@njit(**EXACT)
def atom_types(frames, cutoff, kinds, full):
    """Type of every atom of ``frames`` (frame, atom, 3) into ``kinds`` (frame, atom).

    Stops at the first frame in which an atom has more than ROOM neighbours and puts its number into
    ``full[0]``.
    """
    n = frames.shape[1]
    x = np.empty((3, n))
    neighbours = np.empty((n, ROOM), np.int32)
    coordination = np.empty(n, np.int32)
    bonded = np.empty((n, (n + 63) >> 6), np.uint64)
    shell = np.empty(ROOM, np.uint64)
    fivefold = np.empty(12, np.int32)
    for f in range(frames.shape[0]):
        for i in range(n):
            for k in range(3):
                x[k, i] = frames[f, i, k]
        if not find_bonds(x, cutoff, neighbours, coordination, bonded):
            full[0] = f
            return
        for i in range(n):
            kind = OTHER
            if coordination[i] == 12:
                shell_bonds(i, neighbours, coordination, bonded, shell)
                kind, _ = atom_type(12, shell, fivefold)
            kinds[f, i] = kind


@njit(**EXACT)
def signature(a, shell):
    """Common neighbours of an atom and its a-th, bonds among them, and their longest chain.

    ``shell`` holds the bonds among the neighbours of the atom.
    """
    common = shell[a]
    members = popcount(common)
    bonds = 0
    longest = 0
    left = common
    while left:
        # Everything that hangs together with the lowest atom that is left.
        group = left & (~left + np.uint64(1))
        edge = group
        degrees = 0
        while edge:
            lowest = edge & (~edge + np.uint64(1))
            edge ^= lowest
            reach = shell[popcount(lowest - np.uint64(1))] & common
            degrees += popcount(reach)
            edge |= reach & ~group
            group |= reach
        left &= ~group
        bonds += degrees // 2
        longest = max(longest, degrees // 2)
    return members, bonds, longest


@njit(**EXACT)
def bond_signatures(x, cutoff, pairs, numbers):
    """Signatures of all bonds of a frame ``x`` (3, atom); returns their number, -1 without room."""
    n = x.shape[1]
    neighbours = np.empty((n, ROOM), np.int32)
    coordination = np.empty(n, np.int32)
    bonded = np.empty((n, (n + 63) >> 6), np.uint64)
    shell = np.empty(ROOM, np.uint64)
    if not find_bonds(x, cutoff, neighbours, coordination, bonded):
        return -1
    k = 0
    for i in range(n):
        shell_bonds(i, neighbours, coordination, bonded, shell)
        for a in range(coordination[i]):
            j = neighbours[i, a]
            if j > i:
                pairs[k, 0], pairs[k, 1] = i, j
                found = signature(a, shell)
                numbers[k, 0], numbers[k, 1], numbers[k, 2] = found
                k += 1
    return k
