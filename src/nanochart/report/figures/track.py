"""Figures of a trajectory in a chart: its path, its states against time, its structures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nanochart.report.figures.style import (
    INK,
    MUTED,
    PAGE,
    TEMPERATURE_COLORMAP,
    axis_label,
    category_colors,
    letter_panels,
    new_figure,
    styled,
)
from nanochart.report.structures.atom_types import ATOM_TYPE_COLORS, draw_types
from nanochart.report.structures.pictures import Picture, cluster_gallery
from nanochart.report.structures.views import tilted, zone_axis_view
from nanochart.shown import short_repr

__all__ = [
    "Moment",
    "Path",
    "Series",
    "States",
    "state_colors",
    "track_path",
    "track_series",
    "track_strip",
]

_GREY = "#c6ccd3"


@short_repr
@dataclass(frozen=True, eq=False)
class States:
    """A label of each frame, what of it lasts, and the frames where that changes.

    ``kind`` says what it is ("motif"); ``labels`` and ``lasting`` have shape (frame,);
    ``transitions`` holds the first frame of each new state.
    """

    kind: str
    labels: NDArray[np.str_]
    lasting: NDArray[np.str_]
    transitions: tuple[int, ...]
    colors: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that occur, those that last first."""
        lasting = dict.fromkeys(self.lasting.tolist())
        return tuple(dict.fromkeys([*lasting, *np.unique(self.labels).tolist()]))


@short_repr
@dataclass(frozen=True, eq=False)
class Path:
    """A path through a chart, before its landscape.

    Attributes
    ----------
    chart
        Coordinates (frame, d).
    landscape
        Those of the run (sample, d); empty where there is none.
    states
        For the colours and the numbers of the transitions.
    """

    chart: NDArray[Any]
    landscape: NDArray[Any]
    states: States


@short_repr
@dataclass(frozen=True, eq=False)
class Series:
    """A quantity against time: ``name``, ``unit``, ``values`` (frame,), and a ``level`` to compare.

    ``level_name`` says what the level is.
    """

    name: str
    unit: str
    values: NDArray[Any]
    level: float | None = None
    level_name: str = ""


@short_repr
@dataclass(frozen=True, eq=False)
class Moment:
    """A structure of the strip: ``name`` and ``note``, ``positions`` in Å (atom, 3), ``types``.

    ``types`` are the places of the atoms' types in ``ATOM_TYPE_COLORS``.
    """

    name: str
    note: str
    positions: NDArray[Any]
    types: NDArray[Any]


@styled
def track_path(path: Path, time: NDArray[Any], time_label: str) -> Figure:
    """Draw the path on the first axes of the chart: coloured by time, and by motif.

    Transitions are numbered where they happen; a ring is the beginning, a square the end.
    """
    d = path.chart.shape[1]
    pairs = [(0, 1)] if d == 2 else [(0, 1), (2, 1)]
    figure = new_figure(PAGE, 0.47 * PAGE * len(pairs))
    grid = figure.subplots(len(pairs), 2, squeeze=False, sharey="row", sharex="row")
    norm = Normalize(float(time[0]), float(time[-1]) if len(time) > 1 else float(time[0]) + 1.0)
    colors = np.array([to_rgb(path.states.colors[name]) for name in path.states.labels])
    for row, pair in enumerate(pairs):
        points = path.chart[:, pair]
        for column, panel in enumerate(grid[row]):
            _landscape(panel, path, pair)
            x, y = points.T
            panel.plot(x, y, color=MUTED, lw=0.35, alpha=0.6, zorder=2)
            dots = panel.scatter(
                x,
                y,
                s=7,
                lw=0,
                zorder=3,
                rasterized=True,
                **({"c": time, "cmap": "viridis", "norm": norm} if column == 0 else {"c": colors}),
            )
            if row == 0 and column == 0:
                bar = figure.colorbar(
                    dots, ax=grid[:, 0], location="top", aspect=32, pad=0.02, shrink=0.9
                )
                bar.set_label(time_label)
                bar.outline.set_linewidth(0.4)
            panel.set_xlabel(axis_label(f"$s_{pair[0] + 1}$", "dimensionless"))
            _ends(panel, points)
            _numbers(panel, points, path.states.transitions)
        grid[row, 0].set_ylabel(axis_label(f"$s_{pair[1] + 1}$", "dimensionless"))
    _state_legend(grid[0, 1], path.states)
    letter_panels(list(grid.flat))
    return figure


def _landscape(panel: Axes, path: Path, pair: tuple[int, int]) -> None:
    if len(path.landscape):
        x, y = path.landscape[:, pair].T
        panel.scatter(x, y, s=2.5, color=_GREY, lw=0, zorder=1, rasterized=True)


def _ends(panel: Axes, points: NDArray[Any]) -> None:
    for place, marker in ((0, "o"), (-1, "s")):
        panel.plot(
            *points[place], marker=marker, ms=7, mfc="none", mec=INK, mew=1.1, ls="none", zorder=5
        )


def _numbers(panel: Axes, points: NDArray[Any], frames: Sequence[int]) -> None:
    for k, frame in enumerate(frames):
        panel.annotate(
            str(k + 1),
            tuple(points[frame]),
            xytext=(13 * np.cos(0.8 + 1.9 * k), 13 * np.sin(0.8 + 1.9 * k)),
            textcoords="offset points",
            fontsize=7,
            fontweight="bold",
            ha="center",
            va="center",
            color=INK,
            bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": INK, "lw": 0.6},
            arrowprops={"arrowstyle": "-", "lw": 0.6, "color": INK},
            zorder=6,
        )


def _state_legend(panel: Axes, states: States) -> None:
    for name in states.names:
        panel.scatter([], [], s=16, lw=0, color=states.colors[name], label=name)
    panel.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.08),
        ncols=min(6, len(states.names)),
        handletextpad=0.1,
        columnspacing=0.9,
        title=states.kind,
        title_fontsize=7.5,
    )


@styled
def track_series(
    time: NDArray[Any],
    time_label: str,
    series: Sequence[Series],
    states: Sequence[States],
    coordinates: NDArray[Any],
) -> Figure:
    """Draw quantities, chart coordinates and states against time, with the transitions as lines.

    A row of dots is one label; the line below each name marks where it is the lasting state.
    """
    heights = [1.0] * len(series) + [1.0] + [0.24 + 0.15 * len(s.names) for s in states]
    figure = new_figure(PAGE, 1.05 * sum(heights) + 0.5)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    rows = iter(panels[:, 0])
    dots = np.array([to_rgb(states[0].colors[name]) for name in states[0].labels])
    for one in series:
        panel = next(rows)
        if one.unit == "K":
            panel.plot(time, one.values, color=TEMPERATURE_COLORMAP(0.6))
        else:
            panel.scatter(time, one.values, s=3, lw=0, c=dots, rasterized=True)
        if one.level is not None:
            panel.axhline(one.level, color=MUTED, lw=0.7, ls="--")
            panel.annotate(
                one.level_name,
                (1.0, one.level),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=6,
                color=MUTED,
            )
        panel.set_ylabel(f"{one.name}\n({one.unit})")
    panel = next(rows)
    shades = ("#0b3c5d", "#4f83a8", "#9cc0d9", "#c9c9c9")
    for k, column in enumerate(coordinates.T[:4]):
        panel.scatter(time, column, s=2, lw=0, color=shades[k], rasterized=True)
        panel.scatter([], [], s=12, lw=0, color=shades[k], label=f"$s_{k + 1}$")
    panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1, borderaxespad=0.1)
    panel.set_ylabel("chart\n(dimensionless)")
    for state in states:
        _ribbon(next(rows), time, state)
    for panel in panels[:, 0]:
        for frame in states[0].transitions:
            panel.axvline(time[frame], color=INK, lw=0.6, ls=":", zorder=0)
        panel.margins(x=0.01)
    for k, frame in enumerate(states[0].transitions):
        panels[0, 0].annotate(
            str(k + 1),
            (time[frame], 1.03 + 0.13 * (k % 2)),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=7,
            fontweight="bold",
        )
    panels[-1, 0].set_xlabel(time_label)
    figure.align_ylabels()
    return figure


def _ribbon(panel: Axes, time: NDArray[Any], states: States) -> None:
    names = states.names
    for row, name in enumerate(names):
        color = states.colors[name]
        seen = states.labels == name
        panel.scatter(time[seen], np.full(seen.sum(), row), s=5, lw=0, color=color, rasterized=True)
        lasting = np.where(states.lasting == name, row + 0.34, np.nan)
        panel.plot(time, lasting, color=color, lw=2.2, solid_capstyle="butt")
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.set_ylabel(states.kind)
    panel.tick_params(axis="y", length=0)


@styled
def track_strip(moments: Sequence[Moment], radius: float) -> Figure:
    """Set the structures of a track side by side, atoms in the colours of their types.

    Parameters
    ----------
    moments
        What to draw, all at one scale, each from the direction that shows its order best.
    radius
        Of an atom in Å.
    """
    size = 330
    turned = [tilted(zone_axis_view(m.positions)) for m in moments]
    shown = [
        (m.positions - m.positions.mean(axis=0)) @ v.T for m, v in zip(moments, turned, strict=True)
    ]
    extent = max(float(np.abs(x[:, :2]).max()) for x in shown)
    scale = size / (2.1 * (extent + radius))
    pictures = [
        Picture(m.name, draw_types(x, m.types, radius, scale, size=size), m.note)
        for m, x in zip(moments, shown, strict=True)
    ]
    rows = -(-len(pictures) // 4)
    figure = cluster_gallery(pictures, columns=-(-len(pictures) // rows))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.6)  # for the legend
    handles = [
        Line2D([], [], ls="none", marker="o", ms=4.5, mew=0, color=color, label=name)
        for name, color in ATOM_TYPE_COLORS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), title="atoms")
    return figure


def state_colors(names: Sequence[str]) -> dict[str, str]:
    """Colour of each motif."""
    return dict(zip(names, category_colors(names), strict=True))
