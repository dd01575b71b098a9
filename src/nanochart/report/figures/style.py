"""One look for every figure: journal column widths, colour-blind-safe colours, embedded fonts.

The look is applied through :func:`styled`, a decorator that opens a matplotlib ``rc_context``
around a figure function, so that the caller's own settings are never changed. Figures are made from
:class:`matplotlib.figure.Figure` and never through pyplot: nothing needs a display, and nothing is
left open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import AutoLocator

__all__ = [
    "COLUMN",
    "ENERGY_COLORMAP",
    "INK",
    "MUTED",
    "OKABE_ITO",
    "PAGE",
    "REST",
    "TEMPERATURE_COLORMAP",
    "axis_label",
    "category_colors",
    "letter_panels",
    "new_figure",
    "style",
    "styled",
    "variable_label",
]

P = ParamSpec("P")

#: Width in inches of one journal column (85 mm) and of a page of two columns (178 mm).
COLUMN, PAGE = 3.35, 7.0

#: Colours for text and lines, and for what stands behind the data.
INK, MUTED = "#1f2328", "#8c959f"

#: The palette of Okabe and Ito (2008), distinguishable with any common colour blindness.
OKABE_ITO: Mapping[str, str] = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
    "yellow": "#F0E442",
}

# A motif keeps its colour in every figure, whichever motifs a run happens to hold.
_FIXED = {
    "icosahedron": OKABE_ITO["vermillion"],
    "decahedron": OKABE_ITO["blue"],
    "octahedron": OKABE_ITO["green"],
    "twin": OKABE_ITO["purple"],
    "hcp": OKABE_ITO["orange"],
    "random": OKABE_ITO["sky"],
    "lowest": OKABE_ITO["black"],
    "dh": OKABE_ITO["blue"],
    "ih": OKABE_ITO["vermillion"],
    "fcc": OKABE_ITO["green"],
    "mix": OKABE_ITO["orange"],
    "amorphous": OKABE_ITO["sky"],
    "noise": "#c4c9cf",
    "unknown": "#c4c9cf",
}

#: End of the name of what is too small to be shown by itself, as "12 smaller families".
REST = "smaller families"

#: Energies: viridis. Temperatures: inferno without its near-white end, invisible on paper.
ENERGY_COLORMAP: Colormap = mpl.colormaps["viridis"]
TEMPERATURE_COLORMAP: Colormap = ListedColormap(
    mpl.colormaps["inferno"](np.linspace(0.06, 0.86, 256)), name="inferno-ink"
)

_FAMILIES = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "DejaVu Sans")


@cache
def _families() -> tuple[str, ...]:
    # Naming a font that is not there makes matplotlib complain at every draw.
    installed = {font.name for font in fontManager.ttflist}
    return tuple(name for name in _FAMILIES if name in installed)


def _settings() -> dict[Any, Any]:
    return {
        "font.family": list(_families()),
        "font.size": 8.0,
        "mathtext.fontset": "stixsans",  # comes with matplotlib and sits well beside Arial
        "axes.titlesize": 8.0,
        "axes.titlelocation": "left",
        "axes.titlepad": 5.0,
        "axes.labelsize": 8.0,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=list(OKABE_ITO.values())),
        "axes.axisbelow": True,
        "text.color": INK,
        "xtick.labelsize": 7.0,
        "ytick.labelsize": 7.0,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "xtick.minor.size": 1.7,
        "ytick.minor.size": 1.7,
        "lines.linewidth": 1.1,
        "lines.markersize": 3.5,
        "errorbar.capsize": 1.5,
        "legend.fontsize": 7.0,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "legend.borderaxespad": 0.3,
        "figure.dpi": 100.0,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.dpi": 300.0,
        "image.interpolation": "nearest",
        "pdf.fonttype": 42,  # TrueType, embedded: journals refuse Type 3
        "ps.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "nanochart",  # the same figure gives the same bytes
    }


@contextmanager
def style() -> Iterator[None]:
    """Open the look of the report's figures; matplotlib's settings return on leaving."""
    with mpl.rc_context(_settings()):
        yield


def styled(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a figure function inside :func:`style`."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            figure = function(*args, **kwargs)
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                # The automatic number of ticks depends on settings in force when the figure is
                # drawn, which may be long after this one is left.
                locator = axis.get_major_locator()
                if isinstance(locator, AutoLocator):
                    locator.set_params(nbins=6, steps=[1, 2, 5, 10])
        return figure

    return wrapper


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of ``width`` by ``height`` inches that lays itself out."""
    return Figure(figsize=(width, height), layout="constrained")


def axis_label(quantity: str, unit: str) -> str:
    """Label an axis as ``quantity (unit)``."""
    return f"{quantity} ({unit})"


def variable_label(name: str, unit: str) -> str:
    """Label the axis of a collective variable, a chart coordinate by its symbol."""
    symbol = f"$s_{name[1:]}$" if name[0] == "s" and name[1:].isdigit() else name.replace("_", " ")
    return axis_label(symbol, "dimensionless" if unit == "1" else unit)


def letter_panels(axes: Sequence[Axes], titles: Sequence[str] = ()) -> None:
    """Head each panel with a bold letter and, where given, a title."""
    for k, panel in enumerate(axes):
        letter = rf"$\mathbf{{{chr(ord('a') + k)}}}$"
        panel.set_title(f"{letter}  {titles[k]}" if k < len(titles) else letter, loc="left")


def category_colors(names: Sequence[str]) -> tuple[str, ...]:
    """Choose a colour for each category; motifs and families keep theirs in figures and explorer.

    Parameters
    ----------
    names
        The categories' names.

    Returns
    -------
    tuple of str
        One hexadecimal colour for each name: of a family ("dh/2") a shade of its motif's; grey of
        what is no category of its own ("noise", `REST`); else of Okabe and Ito while they last,
        beyond that equally spaced in viridis.
    """
    fixed = {**_FIXED, **{name: shade for name in names if (shade := _family_shade(name))}}
    fixed |= {name: MUTED for name in names if name.endswith(REST)}
    spare = [color for color in OKABE_ITO.values() if color not in {_FIXED.get(n) for n in names}]
    unknown = [name for name in dict.fromkeys(names) if name not in fixed]
    if len(unknown) > len(spare):
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.95, len(unknown)))
        spare = [mpl.colors.to_hex(shade) for shade in shades]
    chosen = {**fixed, **dict(zip(unknown, spare, strict=False))}
    return tuple(chosen[name] for name in names)


def _family_shade(name: str) -> str | None:
    """Colour of a name as "dh/2": the motif's, made lighter and darker in turn by its rank alone.

    A family so has one colour whichever others are drawn with it. None where it is no family.
    """
    motif, _, rank = name.rpartition("/")
    if motif not in _FIXED or not rank.isdigit():
        return None
    # 1, 3, 5 have ever more black, 2, 4, 6 ever more white.
    step, base = int(rank) // 2, mpl.colors.to_rgb(_FIXED[motif])
    if step == 0:
        return _FIXED[motif]
    share, end = (0.85, 1.0) if int(rank) % 2 == 0 else (0.55, 0.0)
    mixed = [end + (part - end) * (1.0 - share + share * 0.6**step) for part in base]
    return str(mpl.colors.to_hex((mixed[0], mixed[1], mixed[2])))
