"""Colours of the structural types of atoms."""

from collections.abc import Mapping

from nanochart.report._style import OKABE_ITO

__all__ = ["ATOM_TYPE_COLORS", "ATOM_TYPE_PHRASES"]

#: Type of an atom -> its colour, for any colour vision; green, red and yellow as is common.
ATOM_TYPE_COLORS: Mapping[str, str] = {
    "fcc": OKABE_ITO["green"],
    "hcp": OKABE_ITO["vermillion"],
    "axis": OKABE_ITO["blue"],
    "ico": OKABE_ITO["yellow"],
    "other": "#c4c9cf",
}

#: Type of an atom -> what it is.
ATOM_TYPE_PHRASES: Mapping[str, str] = {
    "fcc": "inside an fcc piece",
    "hcp": "on a twin plane or stacking fault",
    "axis": "on a five-fold axis",
    "ico": "centre of an icosahedron",
    "other": "surface and disorder",
}
