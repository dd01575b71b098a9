"""Motifs, atom types and families, by name, where a workflow needs them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.autoencoder import Model
from nanochart.motifs import ATOM_TYPES, atom_types, classify

__all__ = ["atom_type_codes", "family_labels", "load_families", "motif_labels"]


def atom_type_codes(positions: ArrayLike, element: str) -> NDArray[np.int8]:
    """Type of each atom of quenched structures as an index into ``ATOM_TYPES``, (..., atom)."""
    names = np.asarray(atom_types(positions, element))
    codes = np.zeros(names.shape, dtype=np.int8)
    for code, name in enumerate(ATOM_TYPES):
        codes[names == name] = code
    return codes


def motif_labels(positions: ArrayLike, element: str) -> NDArray[np.str_]:
    """Motif of quenched structures (..., atom, 3) by name, shape (...)."""
    return np.asarray(classify(positions, element), dtype=np.str_)


def load_families(path: str | Path, model: Model) -> Any:
    """Read the families that were found in the chart of a model."""
    from nanochart.landscape import Families

    return Families.load(path)


def family_labels(families: Any, chart: ArrayLike) -> NDArray[np.str_]:
    """Family of each point of the chart (..., d) by name, shape (...)."""
    names = {0: "noise", **{int(k): str(v) for k, v in dict(families.names).items()}}
    codes = np.asarray(families.assign(chart))
    return np.array([names.get(int(code), str(code)) for code in codes.ravel()]).reshape(codes.shape)
