"""The chart: projections onto each pair of axes and a view in three dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from nanochart.report.figures.style import (
    ENERGY_COLORMAP,
    INK,
    MUTED,
    PAGE,
    axis_label,
    category_colors,
    letter_panels,
    new_figure,
    styled,
)
from nanochart.shown import short_repr

__all__ = ["Coloring", "chart_overview", "chart_projections"]

# Share of the points beyond each colour limit, so that a few outliers cannot flatten the scale.
_TAIL = 0.01
_MAX_POINTS_3D = 25_000


@short_repr
@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Coloring:
    """What the points of a chart are coloured by.

    Attributes
    ----------
    quantity, unit
        Name and unit, for the colour bar.
    values
        One number for each point, shape (sample,); for categories its index in ``categories``,
        negative where unknown.
    categories
        Names; empty for a continuous quantity.
    colormap
        For a continuous quantity.
    limits
        Of the colour bar; when left out the 1st and 99th percentile.
    """

    quantity: str
    unit: str
    values: NDArray[Any]
    categories: tuple[str, ...] = ()
    colormap: Colormap = field(default_factory=lambda: ENERGY_COLORMAP, repr=False)
    limits: tuple[float, float] | None = None

    @property
    def span(self) -> tuple[float, float]:
        """The values at the ends of the colour bar, robust against outliers."""
        if self.limits is not None:
            return self.limits
        finite = self.values[np.isfinite(self.values)]
        low, high = np.quantile(finite, [_TAIL, 1.0 - _TAIL]) if finite.size else (0.0, 1.0)
        if high <= low:
            low, high = low - 0.5, high + 0.5
        return float(low), float(high)

    @property
    def norm(self) -> Normalize:
        """The scale of a continuous quantity."""
        return Normalize(*self.span, clip=True)

    @property
    def rgba(self) -> NDArray[np.float64]:
        """The colour of each point, shape (sample, 4); grey where there is no value."""
        if self.categories:
            palette = to_rgba_array([*category_colors(self.categories), "#c4c9cf"])
            index = np.asarray(self.values, int)
            return palette[np.where(index < 0, len(self.categories), index)]
        values = np.asarray(self.values, float)
        colors = np.asarray(self.colormap(self.norm(np.nan_to_num(values))))
        colors[~np.isfinite(values)] = to_rgba_array("#c4c9cf")[0]
        return colors


@styled
def chart_projections(
    coordinates: ArrayLike,
    coloring: Coloring,
    *,
    title: str = "",
    max_points: int = 200_000,
    seed: int = 0,
) -> Figure:
    """Draw the chart on every pair of its axes and, for three of them, in three dimensions.

    The three projections of a 3-D chart share their axes as the views of a technical drawing do.
    Points are drawn in random order, so that no colour hides another, and rasterized, so that a
    vector file stays small.

    Parameters
    ----------
    coordinates
        Chart coordinates (dimensionless), shape (sample, latent), latent >= 2. Points that are
        not finite are left out. Of more than four axes the first four are drawn.
    coloring
        Colour of each point.
    title
        Above the first panel.
    max_points
        A random choice of this many points is drawn where there are more.
    seed
        Of the drawing order.
    """
    points, colors = _prepared(coordinates, coloring, max_points, seed)
    n_axes = min(points.shape[1], 4)
    if n_axes == 2:
        figure = new_figure(0.62 * PAGE, 0.5 * PAGE)
        panels = [figure.add_subplot()]
        _project(panels[0], points, colors, (0, 1))
    elif n_axes == 3:
        figure = new_figure(PAGE, 0.86 * PAGE)
        panels = _third_angle(figure, points, colors)
    else:
        figure = new_figure(PAGE, 0.96 * PAGE)
        panels = _corner(figure, points, colors, n_axes)
    _legend(figure, panels, coloring)
    letter_panels(panels, [title])
    return figure


@styled
def chart_overview(
    charts: Sequence[tuple[str, ArrayLike]],
    colorings: Sequence[Sequence[Coloring]],
    *,
    max_points: int = 100_000,
    seed: int = 0,
) -> Figure:
    """Draw the first two axes of several charts, one column for each colouring.

    Parameters
    ----------
    charts
        Name and coordinates, shape (sample, latent), of each row.
    colorings
        For each chart, the colourings of its columns; the same number for all.
    max_points, seed
        As in :func:`chart_projections`.
    """
    rows, columns = len(charts), len(colorings[0])
    height = (PAGE / 3.0) * 1.16
    if columns == 1:  # side by side, for one above the other would be as wide as the page
        figure = new_figure(PAGE, 1.3 * height)
        grid = figure.subplots(1, rows, squeeze=False).T
    else:
        figure = new_figure(PAGE, height * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex="row", sharey="row")
    for row, ((_, coordinates), row_colorings) in enumerate(zip(charts, colorings, strict=True)):
        for column, coloring in enumerate(row_colorings):
            points, colors = _prepared(coordinates, coloring, max_points, seed)
            panel = grid[row, column]
            _project(panel, points, colors, (0, 1), inches=PAGE / max(columns, 2))
            if column:
                panel.set_ylabel("")
            if row == 0 or coloring.quantity != colorings[0][column].quantity:
                _small_legend(figure, panel, coloring)
    names = [f"{name}" if not c else "" for name, _ in charts for c in range(columns)]
    letter_panels(list(grid.flat), names)
    return figure


def _prepared(
    coordinates: ArrayLike, coloring: Coloring, max_points: int, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Drop points that are not finite, shuffle, and pair each with its colour."""
    points = np.asarray(coordinates, float)
    if points.ndim != 2 or points.shape[1] < 2:
        raise ValueError(
            "coordinates must have shape (sample, latent) with at least two axes; got shape "
            f"{points.shape}"
        )
    if np.shape(coloring.values) != points.shape[:1]:
        raise ValueError(
            f"the colouring by {coloring.quantity} must have one value for each of "
            f"{len(points)} points; got shape {np.shape(coloring.values)}"
        )
    order = np.random.default_rng(seed).permutation(len(points))
    order = order[np.isfinite(points[order]).all(axis=1)][:max_points]
    return points[order], coloring.rgba[order]


def _name(axis: int) -> str:
    return axis_label(f"$s_{axis + 1}$", "dimensionless")


def _size(n_points: int, inches: float) -> float:
    """Marker area in points² that covers a panel's blob about twice, within readable bounds."""
    return float(np.clip(0.6 * (72.0 * inches) ** 2 / max(n_points, 1), 0.5, 5.0))


def _project(
    panel: Axes,
    points: NDArray[Any],
    colors: NDArray[Any],
    pair: tuple[int, int],
    *,
    inches: float = 0.45 * PAGE,
) -> None:
    """Draw the points on a pair of axes in a panel about ``inches`` wide."""
    panel.scatter(
        points[:, pair[0]],
        points[:, pair[1]],
        c=colors,
        s=_size(len(points), inches),
        linewidths=0,
        rasterized=True,
    )
    panel.set_xlabel(_name(pair[0]))
    panel.set_ylabel(_name(pair[1]))
    panel.locator_params(nbins=6)
    panel.margins(0.04)


def _third_angle(figure: Figure, points: NDArray[Any], colors: NDArray[Any]) -> list[Axes]:
    grid = figure.add_gridspec(2, 2)
    front = figure.add_subplot(grid[0, 0])
    side = figure.add_subplot(grid[0, 1], sharey=front)
    plan = figure.add_subplot(grid[1, 0], sharex=front)
    _project(front, points, colors, (0, 1))
    _project(side, points, colors, (2, 1))
    _project(plan, points, colors, (0, 2))
    solid = figure.add_subplot(grid[1, 1], projection="3d")
    _draw_solid(solid, points, colors)
    return [front, side, plan, solid]


def _draw_solid(solid: Any, points: NDArray[Any], colors: NDArray[Any]) -> None:
    some = points[:_MAX_POINTS_3D]  # already in random order
    solid.scatter(
        some[:, 0],
        some[:, 1],
        some[:, 2],
        c=colors[:_MAX_POINTS_3D],
        s=_size(len(some), 0.4 * PAGE),
        linewidths=0,
        depthshade=False,
        rasterized=True,
    )
    for axis, name in zip((solid.xaxis, solid.yaxis, solid.zaxis), range(3), strict=True):
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_color(MUTED)
        axis.set_tick_params(labelsize=6, pad=-2)
        axis.label.set_size(7)
        axis._axinfo["grid"].update(color="#e3e6ea", linewidth=0.5)  # noqa: SLF001  # no setter
        axis.set_label_text(_name(name))
        axis.labelpad = -7.0
    solid.locator_params(nbins=5)
    solid.view_init(elev=22.0, azim=-58.0)
    solid.set_box_aspect((1.0, 1.0, 0.92), zoom=1.12)


def _corner(figure: Figure, points: NDArray[Any], colors: NDArray[Any], n_axes: int) -> list[Axes]:
    grid = figure.add_gridspec(n_axes - 1, n_axes - 1)
    panels = []
    for row in range(1, n_axes):
        for column in range(row):
            panel = figure.add_subplot(grid[row - 1, column])
            _project(panel, points, colors, (column, row), inches=PAGE / n_axes)
            panels.append(panel)
    return panels


def _handles(coloring: Coloring) -> list[Line2D]:
    used = set(np.unique(np.asarray(coloring.values, int)).tolist())
    return [
        Line2D([], [], ls="none", marker="o", ms=4.5, mew=0, color=color, label=name)
        for k, (name, color) in enumerate(
            zip(coloring.categories, category_colors(coloring.categories), strict=True)
        )
        if k in used
    ]


def _extension(coloring: Coloring) -> str:
    """Say by the colour bar's pointed ends where values lie beyond it."""
    finite = coloring.values[np.isfinite(coloring.values)]
    if not finite.size:
        return "neither"
    first, last = coloring.span
    slack = 0.01 * (last - first)
    low, high = bool(finite.min() < first - slack), bool(finite.max() > last + slack)
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (low, high), "neither"
    )


def _legend(figure: Figure, panels: Sequence[Axes], coloring: Coloring) -> None:
    label = axis_label(coloring.quantity, coloring.unit) if coloring.unit else coloring.quantity
    if coloring.categories:
        figure.legend(
            handles=_handles(coloring),
            title=label,
            title_fontsize=7.5,
            loc="outside right upper",
            handletextpad=0.2,
            alignment="left",
        )
        return
    mappable = ScalarMappable(coloring.norm, coloring.colormap)
    bar = figure.colorbar(
        mappable,
        ax=list(panels),
        label=label,
        extend=_extension(coloring),
        shrink=0.46,
        anchor=(0.0, 0.97),
        aspect=26,
        pad=0.02,
    )
    bar.outline.set_linewidth(0.4)


def _small_legend(figure: Figure, panel: Axes, coloring: Coloring) -> None:
    label = axis_label(coloring.quantity, coloring.unit) if coloring.unit else coloring.quantity
    if coloring.categories:
        handles = _handles(coloring)
        panel.legend(
            handles=handles,
            title=label,
            title_fontsize=7,
            ncols=2 if len(handles) < 5 else 3,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            fontsize=6,
            handletextpad=0.1,
            columnspacing=0.8,
            labelcolor=INK,
        )
        return
    bar = figure.colorbar(
        ScalarMappable(coloring.norm, coloring.colormap),
        ax=panel,
        location="top",
        extend=_extension(coloring),
        aspect=28,
        pad=0.06,
        shrink=0.9,
    )
    bar.set_label(label, size=7)
    bar.ax.tick_params(labelsize=6)
    bar.ax.locator_params(nbins=5)
    bar.outline.set_linewidth(0.4)
