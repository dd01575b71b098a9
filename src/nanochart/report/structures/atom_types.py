"""Pictures of clusters with the structural types of their atoms."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

from nanochart.report.structures.spheres import render_spheres

__all__ = ["ATOM_TYPE_COLORS", "ATOM_TYPE_PHRASES", "ATOM_TYPE_SIZES", "draw_types"]

#: Type of an atom -> its colour: green, red and yellow as is common, for any colour vision by their
#: lightness, and of no hue of a motif, which is another thing.
ATOM_TYPE_COLORS: Mapping[str, str] = {
    "fcc": "#7cb342",
    "hcp": "#b2182b",
    "axis": "#4b2e9e",
    "ico": "#f0e442",
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

#: Type of an atom -> share of its radius that is drawn: the surface must not hide the inside.
ATOM_TYPE_SIZES: Mapping[str, float] = {
    name: 0.4 if name == "other" else 0.78 for name in ATOM_TYPE_COLORS
}


def draw_types(
    positions: ArrayLike, codes: ArrayLike, radius: float, scale: float, *, size: int = 360
) -> NDArray[np.uint8]:
    """Draw a cluster with its atoms coloured by type, those of the surface small.

    Parameters
    ----------
    positions
        Å, (atom, 3), as seen from +z.
    codes
        Type of each atom (atom,), the place in ``ATOM_TYPE_COLORS``.
    radius
        Half the nearest-neighbour distance in Å.
    scale
        Pixels per Å.
    size
        Width and height in pixels.

    Returns
    -------
    ndarray of uint8
        Shape (size, size, 4): red, green, blue, alpha.
    """
    places = np.asarray(codes, dtype=int)
    palette = np.array([to_rgb(color) for color in ATOM_TYPE_COLORS.values()])
    shares = np.array(list(ATOM_TYPE_SIZES.values()))
    return render_spheres(
        positions, radius * shares[places], palette[places], size=size, scale=scale, supersample=2
    )
