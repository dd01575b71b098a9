"""Motifs, atom types and families by name, where a workflow needs them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.landscape import Families
from nanochart.motifs import ATOM_TYPES, atom_types, classify

__all__ = ["atom_type_codes", "family_labels", "motif_labels"]


def atom_type_codes(
    positions: ArrayLike, element: str, distance: float | None = None
) -> NDArray[np.int8]:
    """Type of each atom of quenched structures as an index into ``ATOM_TYPES``, (..., atom).

    ``distance`` is that of nearest neighbours in Å, for metals that only a table knows.
    """
    names = np.asarray(atom_types(positions, element, nearest_neighbour=distance))
    codes = np.zeros(names.shape, dtype=np.int8)
    for code, name in enumerate(ATOM_TYPES):
        codes[names == name] = code
    return codes


def motif_labels(
    positions: ArrayLike, element: str, distance: float | None = None
) -> NDArray[np.str_]:
    """Motif of quenched structures (..., atom, 3) by name, shape (...)."""
    return np.asarray(classify(positions, element, nearest_neighbour=distance), dtype=np.str_)


def family_labels(families: Families, chart: ArrayLike) -> NDArray[np.str_]:
    """Family of each point of the chart (..., d) by name, shape (...)."""
    return np.asarray(families.names, dtype=np.str_)[families.assign(chart)]
