"""Common neighbour analysis: which lattice an atom's neighbourhood belongs to."""

import math
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors import kernels_cna as kernels
from nanochart.descriptors.positions import check_finite, check_positions
from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.parallel import chunks, map_in_order

__all__ = ["ATOM_TYPES", "atom_types", "bond_signatures", "bonding_cutoff"]

#: Types of atoms; the codes of the compiled analysis are places in this list.
ATOM_TYPES = ("fcc", "hcp", "axis", "ico", "other")

#: Half-way between the first two shells of the fcc lattice, in nearest-neighbour distances.
BETWEEN_SHELLS = 0.5 * (1.0 + math.sqrt(2.0))

#: Frames that one task takes.
_CHUNK = 64


def bonding_cutoff(metal: str, nearest_neighbour: float | None = None) -> float:
    """Largest length of a bond in Å: (1 + √2)/2 nearest-neighbour distances.

    Parameters
    ----------
    metal
        Chemical symbol of the metal.
    nearest_neighbour
        Distance in Å of nearest neighbours in the bulk metal; None takes that of the metal.

    Raises
    ------
    ValueError
        If the metal is not known and no distance is given, or the distance is not positive.
    """
    distance = NEAREST_NEIGHBOUR.get(metal) if nearest_neighbour is None else nearest_neighbour
    if distance is None:
        raise ValueError(
            f"the nearest-neighbour distance must be known for a common neighbour analysis, and it "
            f"is for {', '.join(NEAREST_NEIGHBOUR)}; got {metal!r}: give nearest_neighbour in Å"
        )
    if not (np.isfinite(distance) and distance > 0.0):
        raise ValueError(f"nearest_neighbour must be a positive length in Å; got {distance!r}")
    return BETWEEN_SHELLS * float(distance)


def atom_types(
    positions: ArrayLike,
    metal: str,
    *,
    nearest_neighbour: float | None = None,
    executor: Executor | None = None,
) -> NDArray[np.str_]:
    """Type of every atom by common neighbour analysis (CNA).

    Two atoms closer than `bonding_cutoff` are bonded. A bonded pair has the signature (number of
    common neighbours, bonds among these, bonds of their longest chain). An atom with twelve
    neighbours is

    - "fcc" if its bonds are 12 x 421,
    - "hcp" if they are 6 x 421 and 6 x 422,
    - "axis", a place on a five-fold axis, if they are 2 x 555 and 10 x 422,
    - "ico", the centre of an icosahedron, if they are 12 x 555,

    and "other" if it is none of these, as every atom of a surface. In a Mackay icosahedron of 147
    atoms one is "ico", 24 are "axis" and 30 "hcp".

    Parameters
    ----------
    positions
        Positions (..., atom, 3) in Å. Thermal motion breaks bonds: quench first, unless that is
        wanted.
    metal
        Chemical symbol of the metal.
    nearest_neighbour
        Distance in Å of nearest neighbours in the bulk metal; None takes that of the metal.
    executor
        Executor that the frames run on; None is one thread for each core.

    Returns
    -------
    array of str (..., atom)
        Type of each atom, one of :data:`ATOM_TYPES`.

    Raises
    ------
    ValueError
        If a position is not finite, atoms lie on top of each other or the metal is not known.

    References
    ----------
    Honeycutt, Andersen, J. Phys. Chem. 91, 4950 (1987); the signature as in Faken, Jónsson, Comput.
    Mater. Sci. 2, 279 (1994).

    Examples
    --------
    >>> import numpy as np, nanochart as nc
    >>> ih = nc.clusters.build("icosahedron", "Au", 147)
    >>> names, counts = np.unique(nc.motifs.atom_types(ih.positions, "Au"), return_counts=True)
    >>> dict(zip(names.tolist(), counts.tolist()))
    {'axis': 24, 'hcp': 30, 'ico': 1, 'other': 92}
    """
    x, cutoff = check_positions(positions), bonding_cutoff(metal, nearest_neighbour)
    check_finite(x)
    frames = x.reshape(-1, *x.shape[-2:])
    work = partial(_types_of_chunk, cutoff)
    parts = list(map_in_order(work, [frames[c] for c in chunks(len(frames), _CHUNK)], executor))
    codes = np.concatenate(parts) if parts else np.zeros(frames.shape[:2], np.int8)
    return np.array(ATOM_TYPES)[codes].reshape(x.shape[:-1])


def _types_of_chunk(cutoff: float, frames: NDArray[np.float64]) -> NDArray[np.int8]:
    kinds = np.empty(frames.shape[:2], np.int8)
    full = np.full(1, -1)
    kernels.atom_types(frames, cutoff, kinds, full)
    if full[0] >= 0:
        raise ValueError(crowded_sentence())
    return kinds


def crowded_sentence() -> str:
    """Say that atoms lie on top of each other."""
    return (
        f"an atom must have at most {kernels.ROOM} neighbours within a bond's length; got more: "
        f"check that the positions are in Å and that atoms do not lie on top of each other"
    )


def bond_signatures(
    positions: ArrayLike, metal: str, *, nearest_neighbour: float | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Signature of every bonded pair of one frame, as :func:`atom_types` defines it.

    Parameters
    ----------
    positions
        Positions (atom, 3) in Å of one frame.
    metal, nearest_neighbour
        As for :func:`atom_types`.

    Returns
    -------
    pairs, signatures
        (bond, 2) atoms, the smaller number first, and (bond, 3): common neighbours, bonds among
        them, and the number of bonds in the largest group of these that hang together.

    Raises
    ------
    ValueError
        As for :func:`atom_types`, or if there is more than one frame.

    Examples
    --------
    >>> import nanochart as nc
    >>> ih = nc.clusters.build("icosahedron", "Au", 55)
    >>> _, signatures = nc.descriptors.bond_signatures(ih.positions, "Au")
    >>> int((signatures == (5, 5, 5)).all(axis=1).sum())
    24
    """
    x, cutoff = check_positions(positions), bonding_cutoff(metal, nearest_neighbour)
    check_finite(x)
    if x.ndim != 2:
        raise ValueError(f"positions of one frame must have the shape (atom, 3); got {x.shape}")
    room = len(x) * kernels.ROOM // 2
    pairs, numbers = np.empty((room, 2), np.int32), np.empty((room, 3), np.int32)
    found = kernels.bond_signatures(np.ascontiguousarray(x.T), cutoff, pairs, numbers)
    if found < 0:
        raise ValueError(crowded_sentence())
    return pairs[:found], numbers[:found]
