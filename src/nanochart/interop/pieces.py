"""Whether positions are those of one cluster: bonds of the metal's length, all in one piece."""

import math
from collections.abc import Mapping

import numpy as np
from ase.data import atomic_numbers, covalent_radii, reference_states
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from nanochart.interop.frame import FrameError
from nanochart.metals import NEAREST_NEIGHBOUR

__all__ = ["UNITS", "bond_length", "bonded_pieces", "boxed", "pieces"]

Floats = NDArray[np.float64]

#: Unit of length -> Å.
UNITS = {"angstrom": 1.0, "bohr": 0.529177210903, "nm": 10.0, "pm": 0.01}

#: Distance to the nearest atom, in bond lengths of the bulk metal: the median over the atoms of any
#: cluster from the dimer (0.85) to a hot liquid is within these.
_SHORTEST, _LONGEST = 0.75, 1.3
#: Atoms closer than this, in bond lengths, are on top of each other.
_OVERLAP = 0.5
#: Atoms farther apart than this, in bond lengths, are not bonded: between second (1.41) and third
#: (1.73) neighbours of a close-packed crystal, because bonds of hot clusters reach far.
_REACH = 1.6
#: Up to this many atoms all pairs are looked at, which is faster than a tree.
_FEW = 400
#: Lattice -> nearest-neighbour distance in lattice constants.
_NEAREST = {"fcc": math.sqrt(0.5), "bcc": math.sqrt(0.75), "hcp": 1.0, "sc": 1.0}


def bond_length(symbol: str) -> float:
    """Nearest-neighbour distance of an element's crystal in Å."""
    if symbol in NEAREST_NEIGHBOUR:
        return NEAREST_NEIGHBOUR[symbol]
    number = atomic_numbers[symbol]
    state = reference_states[number] or {}
    nearest = _NEAREST.get(str(state.get("symmetry")))
    if nearest is not None:
        return nearest * float(str(state["a"]))
    return float(2.0 * covalent_radii[number])


def bonded_pieces(positions: Floats, symbol: str, unit: str, what: str) -> NDArray[np.int32]:
    """Return the pieces of a cluster, whose nearest neighbours must be at the metal's distance.

    Parameters
    ----------
    positions
        Å, (atom, 3), finite.
    symbol
        Chemical symbol.
    unit
        In which the file's lengths were taken to be, for the message.
    what
        The frame, for the message.

    Returns
    -------
    NDArray[np.int32]
        As `pieces`.

    Raises
    ------
    FrameError
        If atoms are on top of each other, isolated, or the lengths are in another unit.
    """
    if len(positions) < 2:
        raise FrameError(f"{what} must have two atoms at least; got {len(positions)}")
    bond = bond_length(symbol)
    if len(positions) > _FEW:
        nearest = cKDTree(positions).query(positions, k=2)[0][:, 1]
        whole = False
    else:
        squared = _squared_distances(positions)
        nearest = np.sqrt(squared.min(axis=1))
        whole = _is_connected(squared < (_REACH * bond) ** 2)
    _check_lengths(float(np.median(nearest)), symbol, unit, what)
    if nearest.min() < _OVERLAP * bond:
        first, second = min(cKDTree(positions).query_pairs(_OVERLAP * bond))
        apart = np.linalg.norm(positions[first] - positions[second])
        raise FrameError(
            f"{what} has atoms {first} and {second} on top of each other ({apart:.3f} Å apart; "
            f"neighbours in {symbol} are {bond:.2f} Å apart): remove the frame"
        )
    return np.zeros(len(positions), dtype=np.int32) if whole else pieces(positions, symbol)


def _check_lengths(typical: float, symbol: str, unit: str, what: str) -> None:
    bond = bond_length(symbol)
    if _SHORTEST <= typical / bond <= _LONGEST:
        return
    said = (
        f"{what} must have neighbours about {bond:.2f} Å apart, as {symbol} has; got "
        f"{typical:.3g} Å (median)"
    )
    for other, factor in UNITS.items():
        if other != unit and 0.85 <= typical * factor / UNITS[unit] / bond <= 1.15:
            remedy = "without --unit" if other == "angstrom" else f"with --unit {other}"
            raise FrameError(f"{said}: its lengths look like {other}: import it {remedy}")
    if typical > _REACH * bond:
        raise FrameError(
            f"{said}: its atoms are isolated, or its lengths are scaled or in another unit (--unit)"
        )
    raise FrameError(f"{said}: check its element and its unit (--unit)")


def pieces(positions: Floats, symbol: str) -> NDArray[np.int32]:
    """Number of the piece that each atom belongs to, (atom,): atoms in reach of each other."""
    pairs = cKDTree(positions).query_pairs(_REACH * bond_length(symbol), output_type="ndarray")
    n = len(positions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    found: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return found


def _squared_distances(positions: Floats) -> Floats:
    """Squared distances of all pairs, (atom, atom), infinite on the diagonal."""
    centred = positions - positions.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    squared = squares[:, None] + squares - 2.0 * (centred @ centred.T)
    np.fill_diagonal(squared, np.inf)
    return np.asarray(np.maximum(squared, 0.0))


def _is_connected(near: NDArray[np.bool_]) -> bool:
    """Whether every atom is reached from the first one; ``near`` (atom, atom) is symmetric."""
    reached = near[0].copy()
    reached[0] = True
    count = 0
    while count < reached.sum():
        count = int(reached.sum())
        reached |= near[reached].any(axis=0)
    return count == len(near)


def boxed(positions: Floats, symbol: str) -> Mapping[str, float]:
    """Which periodic box may have cut a cluster into its pieces: axis -> about its edge in Å.

    Along an axis on which the atoms leave a layer empty, those above it are moved down by the
    edge at which they form most bonds with those below. The box is believed if all becomes one
    piece by far more bonds than atoms that merely touch would form.
    """
    bond = bond_length(symbol)
    joined, found = positions.copy(), {}
    for axis in range(3):
        levels = np.sort(joined[:, axis])
        gaps = np.diff(levels)
        widest = int(np.argmax(gaps))
        if gaps[widest] < _REACH * bond:
            continue
        above = joined[:, axis] > levels[widest] + 0.5 * gaps[widest]
        below = cKDTree(joined[~above])
        edges = np.ptp(levels) + np.arange(0.0, 1.5 * bond, 0.1)
        bonds = []
        for edge in edges:
            moved = joined[above].copy()
            moved[:, axis] -= edge
            tree = cKDTree(moved)
            overlapping = below.count_neighbors(tree, 0.8 * bond)
            bonds.append(0 if overlapping else below.count_neighbors(tree, 1.2 * bond))
        best = int(np.argmax(bonds))
        if bonds[best] <= 4 * min(3, int(above.sum()), int((~above).sum())):
            continue
        joined[above, axis] -= edges[best]
        found["xyz"[axis]] = float(edges[best])
    return found if found and pieces(joined, symbol).max() == 0 else {}
