"""The page: sections of figures, tables and pictures become one self-contained HTML file."""

import base64
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from nanochart.files import replacing, write_text
from nanochart.report.figures.style import style
from nanochart.report.structures.pictures import Picture
from nanochart.report.template import template

__all__ = [
    "FigureCard",
    "Gallery",
    "Header",
    "Listing",
    "Missing",
    "Pointer",
    "Section",
    "Table",
    "build_report",
    "save_figures",
]

#: Dots per inch of an embedded raster figure: sharp on screens of twice the usual density.
RASTER_DPI = 190
# An SVG above this many bytes is embedded as PNG instead.
_LIGHT = 350_000


@dataclass(frozen=True, eq=False)
class FigureCard:
    """A figure with its ``caption`` (what is seen) and ``alt`` (for who cannot see it).

    ``name`` is the file name, without ending, under which it is saved. ``figure`` may be a function
    that draws it: it is then drawn where it is needed and not kept, which bounds the memory of a
    report on many points. ``wide`` says that it takes the width of a page rather than of a column.
    """

    name: str
    figure: Figure | Callable[[], Figure]
    caption: str
    alt: str
    wide: bool = True
    kind: ClassVar[str] = "figure"

    def drawn(self) -> Figure:
        """Give the figure, drawing it where it is a function."""
        return self.figure if isinstance(self.figure, Figure) else self.figure()

    def image(self, dpi: int) -> "Image":
        """Give the figure as the page embeds it."""
        return embed(self.drawn(), dpi)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures, or a function that draws them, side by side under one ``caption``."""

    pictures: Sequence[Picture] | Callable[[], Sequence[Picture]]
    caption: str
    kind: ClassVar[str] = "gallery"

    def drawn(self) -> Sequence[Picture]:
        """Give the pictures, drawing them where they are a function."""
        return self.pictures() if callable(self.pictures) else self.pictures

    def images(self) -> Iterator[tuple[Picture, "Image", str]]:
        """Yield each picture with its image and the text for who cannot see it."""
        for picture in self.drawn():
            data = base64.b64encode(picture.png()).decode("ascii")
            note = f", {picture.note}" if picture.note else ""
            image = Image(f"data:image/png;base64,{data}", *picture.pixels.shape[1::-1])
            yield picture, image, f"Ball model of the cluster: {picture.name}{note}."


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each row names it. ``columns`` may be empty."""

    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()
    caption: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Missing:
    """What is not there yet, and the ``command`` that makes it."""

    text: str
    command: str = ""
    kind: ClassVar[str] = "missing"


@dataclass(frozen=True)
class Pointer:
    """Where more is to be seen: the ``name`` of a command, or of what a ``link`` leads to."""

    text: str
    name: str
    link: str = ""
    kind: ClassVar[str] = "pointer"


@dataclass(frozen=True)
class Listing:
    """Text in a fixed-width font behind a ``title`` that unfolds it."""

    title: str
    text: str
    kind: ClassVar[str] = "listing"


Item = FigureCard | Gallery | Table | Missing | Pointer | Listing


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, a paragraph, and what stands below it."""

    title: str
    text: str
    items: tuple[Item, ...] = ()

    @property
    def anchor(self) -> str:
        """Name of the section in links."""
        return _slug(self.title)

    def placed(self) -> Iterator[tuple[Item, str]]:
        """Yield each item with its place: "wide", "narrow" in a pair, or narrow but "alone"."""
        left = list(self.items)
        while left:
            pair = [item for item in left[:2] if isinstance(item, FigureCard) and not item.wide]
            if len(pair) == 2:
                yield left.pop(0), "narrow"
                yield left.pop(0), "narrow"
            else:
                item = left.pop(0)
                yield item, "alone" if item in pair else "wide"


@dataclass(frozen=True)
class Header:
    """Head of the page: ``title``, ``subtitle``, ``tiles`` (number, meaning) and ``facts``."""

    title: str
    subtitle: str = ""
    tiles: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Image:
    """A data URL with the size in CSS pixels that keeps the page from jumping while it loads."""

    url: str
    width: int
    height: int


def embed(figure: Figure, dpi: int = RASTER_DPI) -> Image:
    """Encode a figure: SVG where that is light and nothing in it is rasterized, else PNG."""
    width, height = (round(144 * inches) for inches in figure.get_size_inches())
    if not any(_rasterized(artist) for artist in figure.findobj()):
        svg = _encoded(figure, "svg", dpi)
        if len(svg) <= _LIGHT:
            return Image(_data_url("image/svg+xml", svg), width, height)
    return Image(_data_url("image/png", _encoded(figure, "png", dpi)), width, height)


def build_report(
    sections: Sequence[Section],
    path: str | Path,
    *,
    header: Header | None = None,
    dpi: int = RASTER_DPI,
) -> Path:
    """Write sections as one HTML file that needs nothing else: no network, no other file.

    Every text is escaped. Figures are embedded, as SVG where they are light, else as PNG.

    Parameters
    ----------
    sections
        In reading order.
    path
        The file; its folder is made if missing.
    header
        Head of the page.
    dpi
        Dots per inch of figures that are not light enough for SVG.

    Returns
    -------
    Path
        The file.
    """
    page = template("report.html").render(
        header=header or Header("nanochart report"), sections=sections, dpi=dpi
    )
    return write_text(path, page)  # a report that is there stays whole until the new one is


def save_figures(
    sections: Sequence[Section],
    folder: str | Path,
    *,
    formats: Sequence[str] = ("png", "pdf"),
    dpi: int = 300,
) -> tuple[Path, ...]:
    """Write the figures and pictures of sections as files of their own.

    Parameters
    ----------
    sections
        As for :func:`build_report`.
    folder
        Where to; made if missing.
    formats
        Of "png", "pdf" and "svg"; pictures of clusters are always PNG.
    dpi
        Of raster files, and of rasterized points in vector files.

    Returns
    -------
    tuple of Path
        The files.
    """
    unknown = set(formats) - {"png", "pdf", "svg"}
    if unknown:
        raise ValueError(
            f"formats of figures must be among png, pdf and svg; got {', '.join(sorted(unknown))}"
        )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for item in (item for section in sections for item in section.items):
        if isinstance(item, FigureCard):
            figure = item.drawn()
            for ending in formats:
                written.append(target / f"{_slug(item.name)}.{ending}")
                with replacing(written[-1]) as file:
                    file.write_bytes(_encoded(figure, ending, dpi))
        elif isinstance(item, Gallery):
            for picture in item.drawn():
                written.append(target / f"{_slug(picture.name)}.png")
                picture.save(written[-1])
    return tuple(written)


def _encoded(figure: Figure, ending: str, dpi: int) -> bytes:
    # Nothing that changes from one run to the next: equal figures are equal files.
    fixed = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    }
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=ending, dpi=dpi, metadata=fixed[ending])
    return buffer.getvalue()


def _data_url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def _rasterized(artist: Artist) -> bool:
    return bool(artist.get_rasterized())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "figure"
