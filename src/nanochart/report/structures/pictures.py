"""Pictures of clusters, all at one scale, for the report and for figures of their own."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from ase.data.colors import jmol_colors
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from nanochart.files import replacing
from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.report.figures.style import PAGE, new_figure, styled
from nanochart.report.structures.spheres import render_spheres
from nanochart.report.structures.views import nearest_distance, tilted, zone_axis_view
from nanochart.shown import short_repr

#: Width of a picture in pixels.
PICTURE_SIZE = 420

__all__ = [
    "PICTURE_SIZE",
    "Cluster",
    "Picture",
    "cluster_gallery",
    "draw_clusters",
    "element_color",
]

# The colours of the polished metals, where Jmol's are too loud for a page of pictures.
_METALS = {"Au": (0.90, 0.70, 0.22), "Ag": (0.79, 0.82, 0.86), "Cu": (0.80, 0.45, 0.25)}


@short_repr
@dataclass(frozen=True, eq=False)
class Cluster:
    """A structure to draw.

    Attributes
    ----------
    name
        Short and unique; a file name is made from it.
    positions
        Å, shape (atom, 3).
    note
        One line below the name.
    colors
        Red, green, blue of each atom, shape (atom, 3); that of the element when left out.
    sizes
        Share of the radius at which each atom is drawn, shape (atom,); all of it when left out.
    """

    name: str
    positions: NDArray[np.floating]
    note: str = ""
    colors: NDArray[np.floating] | None = None
    sizes: NDArray[np.floating] | None = None


@short_repr
@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn cluster: ``pixels`` of shape (height, width, 4) uint8, with ``name`` and ``note``."""

    name: str
    pixels: NDArray[np.uint8]
    note: str = ""

    def save(self, path: str | Path) -> None:
        """Write a PNG with a transparent background."""
        with replacing(path) as file:
            file.write_bytes(self.png())

    def png(self) -> bytes:
        """Give the bytes of that PNG."""
        buffer = io.BytesIO()
        nameless: Any = {"Software": None}  # the version of matplotlib does not belong in it
        imsave(buffer, self.pixels, format="png", metadata=nameless)
        return buffer.getvalue()


def element_color(symbol: str) -> tuple[float, float, float]:
    """Give the red, green and blue, between 0 and 1, in which an element is drawn."""
    if symbol in _METALS:
        return _METALS[symbol]
    red, green, blue = jmol_colors[atomic_numbers.get(symbol, 0)]
    return float(red), float(green), float(blue)


def draw_clusters(
    clusters: Sequence[Cluster],
    element: str,
    *,
    size: int = PICTURE_SIZE,
) -> tuple[Picture, ...]:
    """Draw clusters at one common scale, each from the direction that shows its order best.

    Atoms touch at the nearest-neighbour distance of the bulk metal.

    Parameters
    ----------
    clusters
        What to draw.
    element
        Chemical symbol, for colour and radius.
    size
        Width and height of each picture in pixels.
    """
    if not clusters:
        return ()
    rotations = [tilted(zone_axis_view(cluster.positions)) for cluster in clusters]
    radius = 0.5 * NEAREST_NEIGHBOUR.get(element, nearest_distance(clusters[0].positions))
    extents = [
        np.ptp(np.asarray(c.positions, float) @ r[:2].T, axis=0).max()
        for c, r in zip(clusters, rotations, strict=True)
    ]
    scale = size / (1.04 * (max(extents) + 2.0 * radius))
    return tuple(
        Picture(
            cluster.name,
            render_spheres(
                cluster.positions,
                radius if cluster.sizes is None else radius * cluster.sizes,
                element_color(element) if cluster.colors is None else cluster.colors,
                view=rotation,
                size=size,
                scale=scale,
            ),
            cluster.note,
        )
        for cluster, rotation in zip(clusters, rotations, strict=True)
    )


@styled
def cluster_gallery(pictures: Sequence[Picture], *, columns: int = 4) -> Figure:
    """Set pictures side by side in a figure, with their names and notes."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    width = PAGE / 4.0
    figure = new_figure(width * columns, (width + 0.38) * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for panel, picture in zip(panels, pictures, strict=False):
        panel.imshow(picture.pixels, interpolation="antialiased")
        panel.set_title(picture.name, loc="center", pad=1)
        panel.annotate(
            picture.note, (0.5, -0.03), xycoords="axes fraction", ha="center", va="top", fontsize=7
        )
    return figure
