"""Figures of free energies: surfaces with their errors, differences in time, works."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nanochart.report.figures.style import (
    COLUMN,
    ENERGY_COLORMAP,
    INK,
    MUTED,
    OKABE_ITO,
    PAGE,
    axis_label,
    letter_panels,
    new_figure,
    styled,
    variable_label,
)
from nanochart.units import BOLTZMANN

if TYPE_CHECKING:
    from nanochart.free_energy import FreeEnergies, IndependentRuns, Surface

__all__ = [
    "draw_convergence", "draw_differences", "draw_gauges", "draw_surface", "draws_path",
    "free_energy_figures", "knows_difference", "runs_figures",
]  # fmt: skip

#: Free energies above the minimum beyond which contours end, in kT.
_HIGHEST = 25.0


@styled
def draw_surface(found: "FreeEnergies") -> Figure:
    """The surface and its standard error; projections in three dimensions.

    Where the surface is unknown, it is a map of where the walkers were, without a scale: what they
    sampled depends on where they started.
    """
    surface = found.surface
    if surface.dimension == 1:
        return _one(found)
    if surface.dimension == 3:
        return _three(found)
    known = not surface.why
    figure = new_figure(PAGE if known else 0.5 * PAGE, 3.1)
    left, *others = figure.subplots(1, 2 if known else 1, squeeze=False)[0]
    shown = surface.stated if known else surface.energy
    _contours(figure, left, found, shown, "free energy", found.known)
    if draws_path(found) and found.path is not None:
        left.plot(*found.path.points.T, color="white", lw=2.4)
        left.plot(*found.path.points.T, color=INK, lw=1.1)
        if found.path.saddle is not None:
            left.plot(*found.path.saddle, "x", color=INK, ms=5)
    _names(left, found)
    for right in others:
        _contours(figure, right, found, surface.error, "standard error", None)
        letter_panels([left, right])
    return figure


def _label(found: "FreeEnergies", k: int) -> str:
    return variable_label(found.variables[k], found.units[k])


def _contours(
    figure: Figure,
    panel: Axes,
    found: "FreeEnergies",
    energy: NDArray[np.float64],
    what: str,
    known: NDArray[np.bool_] | None,
) -> None:
    axes = found.surface.axes
    top = min(float(np.nanmax(energy)), _HIGHEST * BOLTZMANN * found.temperature)
    levels = MaxNLocator(12).tick_values(0.0, max(top, 1e-3))
    shown = np.ma.masked_invalid(energy.T)
    drawn = panel.contourf(*axes, shown, levels, cmap=ENERGY_COLORMAP, extend="max")
    panel.contour(*axes, shown, levels, colors="white", linewidths=0.3, alpha=0.6)
    if known is not None and not known.all():
        veil = np.where(known.T | ~np.isfinite(energy.T), np.nan, 1.0)
        panel.contourf(*axes, veil, [0.5, 1.5], colors=["#c4c9cf"], alpha=0.75)
    _scale(figure.colorbar(drawn, ax=panel, pad=0.02), found.surface, what)
    panel.set_xlabel(_label(found, 0))
    panel.set_ylabel(_label(found, 1))


def _scale(bar: Colorbar, surface: "Surface", what: str) -> None:
    """Name the scale of a map; that of a surface that is unknown has no numbers."""
    if surface.why:
        bar.set_ticks([])
        bar.set_label("often   →   seldom")
    else:
        bar.set_label(axis_label(what, "eV"))


def _names(panel: Axes, found: "FreeEnergies") -> None:
    """State at each basin, of which the first of a name is labelled, apart from one another."""
    extent = np.array([np.ptp(axis) for axis in found.surface.axes])
    placed: list[Any] = []
    for state, place, _ in found.basins:
        near = any((np.abs(place - other) < np.array([0.12, 0.07]) * extent).all()
                   for other in placed)  # fmt: skip
        if not state or near or len(placed) >= 9:
            continue
        placed.append(place)
        panel.annotate(
            state, tuple(place[:2]), fontsize=6, ha="center", va="center", color=INK,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "alpha": 0.8, "lw": 0},
        )  # fmt: skip


def _one(found: "FreeEnergies") -> Figure:
    surface = found.surface
    figure = new_figure(COLUMN, 2.5)
    panel = figure.subplots()
    x, F, error = surface.axes[0], surface.energy, surface.error
    panel.fill_between(x, F - 1.96 * error, F + 1.96 * error, color=OKABE_ITO["blue"], alpha=0.25,
                       lw=0, label="95 % interval")  # fmt: skip
    panel.plot(x, F, color=OKABE_ITO["blue"], lw=0.8, ls=":")
    panel.plot(x, surface.stated, color=OKABE_ITO["blue"])
    for state, place, energy in found.basins[:6]:
        panel.annotate(state, (place[0], energy), (0, -9), textcoords="offset points",
                       fontsize=6, ha="center", color=INK)  # fmt: skip
    panel.set_xlabel(_label(found, 0))
    if surface.why:
        panel.set_yticks([])
        panel.set_ylabel("seldom   ←   often")
    else:
        panel.set_ylabel(axis_label("free energy", "eV"))
        panel.legend(frameon=False, fontsize=7)
    panel.margins(y=0.15)
    return figure


def _three(found: "FreeEnergies") -> Figure:
    """Marginal surfaces of each pair of axes."""
    surface, kT = found.surface, BOLTZMANN * found.temperature
    p = np.exp(-np.nan_to_num(surface.energy, nan=np.inf) / kT)
    figure = new_figure(PAGE, 2.3)
    panels = figure.subplots(1, 3)
    for panel, (a, b) in zip(panels, ((0, 1), (0, 2), (1, 2)), strict=True):
        (other,) = {0, 1, 2} - {a, b}
        q = p.sum(axis=other)
        with np.errstate(divide="ignore"):
            F = np.where(q > 0, -kT * np.log(q), np.nan)
        F = F - np.nanmin(F)
        levels = MaxNLocator(12).tick_values(0.0, min(float(np.nanmax(F)), _HIGHEST * kT))
        drawn = panel.contourf(
            surface.axes[a], surface.axes[b], np.ma.masked_invalid(F.T), levels,
            cmap=ENERGY_COLORMAP, extend="max",
        )  # fmt: skip
        panel.set_xlabel(_label(found, a))
        panel.set_ylabel(_label(found, b))
    _scale(figure.colorbar(drawn, ax=panels, pad=0.01), surface, "free energy")
    letter_panels(panels)
    return figure


def knows_difference(found: "FreeEnergies") -> bool:
    """Whether the judged difference is known from any share of the run."""
    return found.growth is not None and any(gap.known for gap in found.growth.estimates)


def draws_path(found: "FreeEnergies") -> bool:
    """Whether there is a path to draw, on a surface that is known."""
    if found.path is None or found.surface.why:
        return False
    return found.path.barrier is None or bool(found.path.barrier.known)


@styled
def draw_convergence(found: "FreeEnergies") -> Figure:
    """The judged difference from growing shares of the run, and the free energy along the path.

    Both only where they are known.
    """
    grown = found.growth
    if grown is None:
        raise ValueError("a run with one state has no difference to draw")
    both = draws_path(found)
    figure = new_figure(PAGE if both else COLUMN, 2.4)
    panels = figure.subplots(1, 2 if both else 1, squeeze=False)[0]
    a, b = (found.states.names[k] for k in found.pair)
    blue = OKABE_ITO["blue"]
    for fraction, gap in zip(grown.fractions, grown.estimates, strict=True):
        if gap.known:
            panels[0].plot([fraction] * 2, [gap.low, gap.high], color=blue)
            panels[0].plot(fraction, gap.value, "o", color=blue, ms=4)
    panels[0].set_xlim(0.0, 1.05)
    panels[0].axhline(0.0, color=MUTED, lw=0.6)
    panels[0].set_xlabel("share of the run")
    panels[0].set_ylabel(axis_label(f"$F$({b}) - $F$({a})", "eV"))
    if both and found.path is not None:
        along = np.linspace(0.0, 1.0, len(found.path.energy))
        panels[1].plot(along, found.path.energy, color=OKABE_ITO["vermillion"])
        panels[1].set_xlabel(f"along the path from {a} to {b}")
        panels[1].set_ylabel(axis_label("free energy", "eV"))
        letter_panels(list(panels))
    return figure


def free_energy_figures(found: "FreeEnergies") -> dict[str, Figure]:
    """All figures of a run with something to show, by name."""
    figures = {"surface": draw_surface(found)}
    if found.geometric is not None and found.geometric.dimension == 2:
        figures["geometric"] = draw_gauges(found, found.geometric)
    if knows_difference(found):
        figures["convergence"] = draw_convergence(found)
    return figures


@styled
def draw_gauges(found: "FreeEnergies", geometric: "Surface") -> Figure:
    """The plain and the geometric surface, side by side."""
    figure = new_figure(PAGE, 3.1)
    left, right = figure.subplots(1, 2)
    _contours(figure, left, found, found.surface.energy, "free energy", None)
    _contours(figure, right, found, geometric.energy, "geometric free energy", None)
    letter_panels([left, right])
    return figure


@styled
def draw_differences(found: "IndependentRuns") -> Figure:
    """The difference that each run knows with its 95 % interval, and what they say together."""
    figure = new_figure(COLUMN, 1.1 + 0.22 * len(found.parts))
    panel = figure.subplots()
    rows = [(part.run, d) for part, d in zip(found.parts, found.differences, strict=True)]
    colors = [OKABE_ITO["blue"]] * len(rows)
    if found.spread is not None:
        rows.append(("together", found.spread.difference))
        colors.append(OKABE_ITO["vermillion"])
    for k, ((_, gap), color) in enumerate(zip(rows, colors, strict=True)):
        if gap.known:
            panel.plot([gap.low, gap.high], [k, k], color=color)
            panel.plot([gap.value], [k], "o", color=color, ms=4)
        else:
            panel.text(0.5, k, "unknown", color=MUTED, fontsize=7, ha="center", va="center",
                       transform=panel.get_yaxis_transform())  # fmt: skip
    panel.set_yticks(range(len(rows)), [name for name, _ in rows])
    panel.set_ylim(len(rows) - 0.5, -0.5)
    if not any(gap.known for _, gap in rows):
        panel.set_xticks([])
    panel.margins(y=0.25)
    panel.set_xlabel(axis_label(f"$F$({found.pair[1]}) - $F$({found.pair[0]})", "eV"))
    return figure


def runs_figures(found: "IndependentRuns") -> dict[str, Figure]:
    """All figures of several runs, by name; errors are those of the spread between them."""
    return {"surface": draw_surface(found.together), "differences": draw_differences(found)}
