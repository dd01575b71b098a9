"""The explorer: a chart and its structures, linked, as one HTML page that needs no network."""

import base64
import importlib.metadata
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.colors import Colormap, to_hex
from numpy.typing import NDArray

from nanochart.files import replacing
from nanochart.report.figures.style import ENERGY_COLORMAP
from nanochart.report.structures.atom_types import (
    ATOM_TYPE_COLORS,
    ATOM_TYPE_PHRASES,
    ATOM_TYPE_SIZES,
)
from nanochart.report.template import template
from nanochart.shown import short_repr

__all__ = ["BLOCK", "MAX_CATEGORIES", "Explorer", "Property", "StructureBlock", "write_explorer"]

#: Structures that are packed together, and unpacked when one of them is looked at.
BLOCK = 128

#: Positions are stored in units of this many Å, in 16 bits.
_UNIT = 0.01

#: Categories that the viewer can tell apart in one property.
MAX_CATEGORIES = 20


@short_repr
@dataclass(frozen=True, eq=False)
class Property:
    """One number or category for each structure.

    Attributes
    ----------
    name
        Short; what the axes and the table call it.
    values
        Shape (structure,); NaN where there is none. For categories the index in ``categories``.
    unit
        Of the numbers.
    description
        A phrase for the table.
    digits
        Decimals that are shown.
    categories, colors
        Names, at most ``MAX_CATEGORIES``, and their colours; empty for numbers.
    colormap, limits
        For numbers.
    button
        Whether the page offers it as a colouring with a button of its own.
    """

    name: str
    values: NDArray[Any]
    unit: str = ""
    description: str = ""
    digits: int = 3
    categories: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    colormap: Colormap = field(default_factory=lambda: ENERGY_COLORMAP, repr=False)
    limits: tuple[float, float] | None = None
    button: bool = False

    def __post_init__(self) -> None:
        if len(self.categories) > MAX_CATEGORIES or len(self.colors) != len(self.categories):
            raise ValueError(
                f"the property {self.name} must have at most {MAX_CATEGORIES} categories with a "
                f"colour each; got {len(self.categories)} categories and {len(self.colors)} colours"
            )

    def chosen(self, indices: NDArray[np.intp]) -> "Property":
        """The property of some of the structures."""
        return replace(self, values=self.values[indices])


@short_repr
@dataclass(frozen=True, eq=False)
class StructureBlock:
    """Some consecutive structures.

    ``positions`` in Å, shape (structure, atom, 3); ``types`` of the atoms, indices into the keys
    of the colours of atom types, shape (structure, atom), None where unknown.
    """

    positions: NDArray[Any]
    types: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Explorer:
    """What the page shows.

    Attributes
    ----------
    title, subtitle
        Head of the page.
    element, n_atoms
        The cluster.
    color
        Of atoms whose type is unknown.
    radius
        Of an atom in Å.
    properties
        At least two with numbers; each of one length.
    axes
        Names of the properties that are the map's axes at first: two or three.
    blocks
        The structures in the order of the properties, ``BLOCK`` at a time. Read once.
    notes
        Sentences on what is shown and how it was chosen.
    """

    title: str
    subtitle: str
    element: str
    n_atoms: int
    color: str
    radius: float
    properties: Sequence[Property]
    axes: tuple[str, ...]
    blocks: Iterable[StructureBlock]
    notes: Sequence[str] = ()


def write_explorer(explorer: Explorer, path: str | Path) -> Path:
    """Write the page.

    The viewer is chemiscope, whose JavaScript the page contains. Properties are packed as
    compressed float32 numbers, positions as compressed integers of 0.01 Å in blocks; a block is
    unpacked when one of its structures is looked at. A page of 20,000 clusters of 147 atoms thus
    opens in seconds.

    Parameters
    ----------
    explorer
        What to show.
    path
        The file; its folder is made if missing. A page that is there stays whole until the new one
        is.

    Raises
    ------
    ModuleNotFoundError
        If chemiscope is not installed.
    ValueError
        If there are too few properties, or they differ in length.
    """
    lengths = {len(p.values) for p in explorer.properties}
    numbers = [p for p in explorer.properties if not p.categories]
    if len(lengths) != 1 or lengths == {0} or len(numbers) < 2:
        raise ValueError(
            "an explorer must have at least one structure and two properties with numbers, all of "
            f"one length; got {len(numbers)} with numbers and lengths {sorted(lengths)}"
        )
    library, licence = chemiscope_library()
    stream = template("explorer.html").stream(
        explorer=explorer,
        buttons=[p.name for p in explorer.properties if p.button],
        data=_json(_description(explorer)),
        columns=[_pack(p.values.astype("<f4")) for p in explorer.properties],
        blocks=(_packed_block(block) for block in explorer.blocks),
        library=_script(library),
        licence=licence,
    )
    with replacing(path) as target, target.open("w", encoding="utf-8") as file:
        file.writelines(stream)
    return Path(path)


def chemiscope_library() -> tuple[str, str]:
    """Read the viewer's JavaScript and its licences from the installed package.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed, or a version without them.
    """
    try:
        package = importlib.metadata.distribution("chemiscope")
    except importlib.metadata.PackageNotFoundError:
        raise ModuleNotFoundError(
            "the explorer needs chemiscope, which is not installed: "
            "pip install 'nanochart[explore]'"
        ) from None
    files = {file.name: file for file in package.files or ()}
    texts = []
    for name in ("chemiscope.min.js", "LICENSE", "chemiscope-widget.mjs.LICENSE.txt"):
        if name not in files:
            raise ModuleNotFoundError(
                f"chemiscope {package.version} lacks {name}, which the explorer needs: "
                "pip install 'chemiscope>=1.1,<2'"
            )
        texts.append(Path(str(files[name].locate())).read_text(encoding="utf-8"))
    library, *licences = texts
    return library, "\n\n".join(licences)


def _description(explorer: Explorer) -> dict[str, Any]:
    """Describe all that the page's script needs beside the packed numbers."""
    return {
        "title": explorer.title,
        "element": explorer.element,
        "atoms": explorer.n_atoms,
        "structures": len(explorer.properties[0].values),
        "block": BLOCK,
        "unit": _UNIT,
        "color": explorer.color,
        "radius": explorer.radius,
        "axes": explorer.axes,
        "types": [
            {
                "name": name,
                "color": color,
                "phrase": ATOM_TYPE_PHRASES[name],
                "size": ATOM_TYPE_SIZES[name],
            }
            for name, color in ATOM_TYPE_COLORS.items()
        ],
        "properties": [_property(p) for p in explorer.properties],
    }


def _property(p: Property) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": p.name,
        "unit": p.unit,
        "description": p.description,
        "digits": p.digits,
    }
    if p.categories:
        # The viewer numbers categories as they appear.
        _, first = np.unique(p.values, return_index=True)
        shown = [int(p.values[place]) for place in sorted(first)]
        described["categories"] = list(p.categories)
        described["shown"] = shown
        described["low"], described["high"] = -0.5, len(shown) - 0.5
        n = len(shown)
        described["scale"] = [
            [edge, p.colors[code]] for k, code in enumerate(shown) for edge in (k / n, (k + 1) / n)
        ]
        described["colors"] = list(p.colors)
        described["counts"] = np.bincount(
            p.values.astype(int), minlength=len(p.categories)
        ).tolist()
    else:
        finite = p.values[np.isfinite(p.values)]
        limits = p.limits
        if limits is None and finite.size:
            low, high = np.quantile(finite, [0.01, 0.99])
            limits = (float(low), float(high)) if high > low else (float(low) - 0.5, low + 0.5)
        described["low"], described["high"] = limits or (0.0, 1.0)
        described["scale"] = [
            [x, to_hex(p.colormap(x))] for x in np.linspace(0.0, 1.0, 24).tolist()
        ]
    return described


def _packed_block(block: StructureBlock) -> str:
    """Pack integers of 0.01 Å: the low bytes of all, then the high bytes, then the types."""
    quantized = np.rint(block.positions / _UNIT)
    if not (np.abs(quantized) < 2**15).all():  # NaN, too
        raise ValueError(
            f"positions to explore must be finite and within {2**15 * _UNIT:g} Å of the origin: "
            "centre the structures"
        )
    planes = quantized.astype("<i2").reshape(-1).view(np.uint8).reshape(-1, 2).T
    raw = planes.tobytes()
    if block.types is not None:
        raw += block.types.astype(np.uint8).tobytes()
    return _base64(zlib.compress(raw, 9))


def _pack(values: NDArray[Any]) -> str:
    return _base64(zlib.compress(values.tobytes(), 9))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _json(value: Any) -> Markup:
    """JSON that a script element can hold: no text in it can end the element."""
    text = json.dumps(value, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (no markup is left)


def _script(text: str) -> Markup:
    """Keep JavaScript inside its script element: as it is, but for what would end or nest it."""
    text = re.sub("</(?=script)", r"<\\/", text, flags=re.IGNORECASE)
    return Markup(text.replace("<!--", r"<\x21--"))  # noqa: S704 (as said)
