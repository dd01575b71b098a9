"""Motifs and atom types where a workflow needs them."""

import numpy as np
from numpy.typing import NDArray

from nanochart.motifs import ATOM_TYPES, atom_types, classify

__all__ = ["atom_type_codes", "motif_labels"]


def atom_type_codes(positions: NDArray[np.float64], element: str) -> NDArray[np.int8]:
    """Type of each atom as an index into ``ATOM_TYPES``, shape (..., atom)."""
    names = atom_types(positions, element)
    codes = np.zeros(names.shape, dtype=np.int8)
    for code, name in enumerate(ATOM_TYPES):
        codes[names == name] = code
    return codes
