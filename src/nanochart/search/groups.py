"""Point groups as matrices, for moves that make a cluster symmetric."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["point_groups"]

Floats = NDArray[np.float64]

_X, _Z = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
_DIAGONAL = (1.0, 1.0, 1.0)
_FIVEFOLD = (0.0, 1.0, (1.0 + 5.0**0.5) / 2.0)
_INVERSION = -np.eye(3)
_ACROSS = np.diag([1.0, 1.0, -1.0])  # the mirror plane across z
_ALONG = np.diag([-1.0, 1.0, 1.0])  # one that holds z
_SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
#: Orders of the principal axis of the groups with one.
_AXES = (2, 3, 4, 5, 6)


def _rotation(axis: tuple[float, float, float], order: int) -> Floats:
    u = np.array(axis) / np.linalg.norm(axis)
    angle = 2.0 * np.pi / order
    cross = np.array([[0.0, -u[2], u[1]], [u[2], 0.0, -u[0]], [-u[1], u[0], 0.0]])
    turn: Floats = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    return turn


def _generated(*generators: Floats) -> Floats:
    """All products of the generators, (element, 3, 3)."""
    group = [np.eye(3)]
    for element in group:  # grows while it is read
        for generator in generators:
            product = element @ generator
            if not any(np.abs(product - known).max() < 1e-6 for known in group):
                group.append(product)
    return np.array(group)


@cache
def point_groups() -> dict[str, Floats]:
    """Schoenflies symbol -> matrices (element, 3, 3), the principal axis along z."""
    half = _rotation(_X, 2)
    tetrahedral = (_rotation(_Z, 2), _rotation(_DIAGONAL, 3))
    octahedral = (_rotation(_Z, 4), _rotation(_DIAGONAL, 3))
    icosahedral = (_rotation(_FIVEFOLD, 5), _rotation(_DIAGONAL, 3))
    groups = {"Cs": _generated(_ACROSS), "Ci": _generated(_INVERSION)}
    for order in _AXES:
        turn = _rotation(_Z, order)
        groups |= {
            f"C{order}": _generated(turn),
            f"C{order}v": _generated(turn, _ALONG),
            f"D{order}": _generated(turn, half),
            f"D{order}h": _generated(turn, half, _ACROSS),
        }
    return groups | {
        "T": _generated(*tetrahedral),
        "Td": _generated(*tetrahedral, _SWAP),
        "O": _generated(*octahedral),
        "Oh": _generated(*octahedral, _INVERSION),
        "I": _generated(*icosahedral),
        "Ih": _generated(*icosahedral, _INVERSION),
    }
