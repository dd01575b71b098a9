"""A movie of a trajectory in a chart, as an animated GIF."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from nanochart.clusters import superpose
from nanochart.files import replacing
from nanochart.report.figures.style import INK, MUTED, axis_label, style
from nanochart.report.figures.track import Path
from nanochart.report.structures.atom_types import draw_types
from nanochart.report.structures.views import tilted, zone_axis_view
from nanochart.shown import short_repr

__all__ = ["MovieFrame", "follow", "write_movie"]

#: Points of the landscape that are drawn, and colours of the palette: both keep the file small.
_LANDSCAPE, _COLORS = 4_000, 32


@short_repr
@dataclass(frozen=True, eq=False)
class MovieFrame:
    """One picture: the ``frame`` of the track, its structure, its caption.

    ``positions`` in Å (atom, 3), ``types`` the places of the atoms' types in ``ATOM_TYPE_COLORS``.
    """

    frame: int
    positions: NDArray[Any]
    types: NDArray[Any]
    caption: str


def follow(structures: ArrayLike) -> NDArray[np.float64]:
    """Turn each structure onto the one before: least squares over the atoms, no mirror.

    Parameters
    ----------
    structures
        Å, (frame, atom, 3).

    Returns
    -------
    array (frame, atom, 3)
        Centred; the first looks along its zone axis, tilted by 4 degrees.
    """
    x = np.array(structures, dtype=np.float64)
    x -= x.mean(axis=1, keepdims=True)
    followed: NDArray[np.float64] = np.empty_like(x)
    followed[0] = x[0] @ tilted(zone_axis_view(x[0])).T
    for k in range(1, len(x)):
        followed[k] = superpose(x[k], followed[k - 1])
    return followed


def write_movie(
    path: Path,
    frames: Sequence[MovieFrame],
    radius: float,
    file: str | FilePath,
    *,
    duration: int = 140,
    told: Callable[[int], None] = lambda _: None,
) -> FilePath:
    """Write the path through the chart beside the structure, as an animated GIF.

    Parameters
    ----------
    path
        The whole path; each picture shows what lies behind it.
    frames
        The pictures, in order.
    radius
        Of an atom in Å.
    file
        To write.
    duration
        Of a picture in milliseconds; the last stays ten times as long.
    told
        Called with the number of pictures done.
    """
    extent = max(float(np.linalg.norm(f.positions, axis=1).max()) for f in frames)
    size = 236
    scale = size / (2.08 * (extent + radius))
    pictures = []
    with style():
        canvas = _Canvas(path)
        for k, frame in enumerate(frames):
            cluster = draw_types(frame.positions, frame.types, radius, scale, size=size)
            pictures.append(canvas.draw(frame, cluster))
            told(k + 1)
    # One palette for all, of the pictures side by side: colours do not flicker.
    some = pictures[:: max(1, len(pictures) // 6)]
    sheet = Image.new("RGB", (some[0].width, some[0].height * len(some)), "white")
    for k, picture in enumerate(some):
        sheet.paste(picture, (0, k * picture.height))
    palette = sheet.quantize(_COLORS, dither=Image.Dither.NONE)
    indexed = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    with replacing(file) as target:
        indexed[0].save(
            target,
            save_all=True,
            append_images=indexed[1:],
            duration=[*([duration] * (len(indexed) - 1)), 10 * duration],
            loop=0,
            optimize=True,
        )
    return FilePath(file)


class _Canvas:
    """The figure of the movie, of which only what moves is changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._figure = Figure(figsize=(6.0, 3.2), dpi=80)
        chart = self._figure.add_axes((0.085, 0.14, 0.405, 0.74))
        self._picture = self._figure.add_axes((0.5, 0.02, 0.5, 0.9))
        self._picture.set_axis_off()
        rng = np.random.default_rng(0)
        some = path.landscape[rng.permutation(len(path.landscape))[:_LANDSCAPE]]
        if len(some):
            chart.scatter(some[:, 0], some[:, 1], s=2, lw=0, color="#d9dde2")
        (self._line,) = chart.plot([], [], color=MUTED, lw=0.6)
        self._trail = chart.scatter([], [], s=6, lw=0)
        (self._dot,) = chart.plot([], [], marker="o", ms=8, mec=INK, mew=1.2, ls="none")
        whole = np.concatenate([some[:, :2], path.chart[:, :2]])
        low, high = whole.min(axis=0), whole.max(axis=0)
        room = 0.05 * (high - low)
        chart.set_xlim(low[0] - room[0], high[0] + room[0])
        chart.set_ylim(low[1] - room[1], high[1] + room[1])
        chart.set_xlabel(axis_label("$s_1$", "dimensionless"))
        chart.set_ylabel(axis_label("$s_2$", "dimensionless"))
        self._title = self._figure.text(0.085, 0.94, "", fontsize=9, va="center")

    def draw(self, frame: MovieFrame, cluster: NDArray[np.uint8]) -> Image.Image:
        points = self._path.chart[: frame.frame + 1, :2]
        labels = self._path.states.labels[: frame.frame + 1]
        colors = [self._path.states.colors[name] for name in labels]
        self._line.set_data(*points.T)
        self._trail.set_offsets(points)
        self._trail.set_facecolor(colors)
        self._dot.set_data(*points[-1:].T)
        self._dot.set_markerfacecolor(colors[-1])
        self._title.set_text(frame.caption)
        for old in list(self._picture.images):
            old.remove()
        self._picture.imshow(cluster)
        buffer = io.BytesIO()
        self._figure.savefig(buffer, format="png")
        return Image.open(buffer).convert("RGB")
