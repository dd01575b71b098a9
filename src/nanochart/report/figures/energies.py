"""Energies against temperature: distributions, the caloric curve, the inherent structures."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from nanochart.report.figures.style import (
    COLUMN,
    INK,
    MUTED,
    OKABE_ITO,
    PAGE,
    TEMPERATURE_COLORMAP,
    axis_label,
    new_figure,
    styled,
)
from nanochart.tempering import LevelMeans, group_by_temperature
from nanochart.units import BOLTZMANN

__all__ = ["caloric_curve", "energy_distributions", "energy_map", "inherent_energy_curve"]

# One hue from nearly white to ink, for shares that start at nothing.
_SHADES = LinearSegmentedColormap.from_list("blues", mpl.colormaps["Blues"](np.linspace(0.1, 1.0)))


@styled
def energy_distributions(
    energy: ArrayLike, temperature: ArrayLike, *, reference: float = 0.0
) -> Figure:
    """Draw the distribution of the potential energy at each temperature of the ladder.

    Replica exchange needs neighbouring distributions to overlap; where a gap opens, replicas stop
    crossing it. Each curve is a histogram smoothed by a Gaussian of Silverman's width
    h = 0.9 min(standard deviation, IQR / 1.34) n^(-1/5), so that dozens of curves stay legible.

    Parameters
    ----------
    energy, temperature
        eV and K, shape (frame, replica).
    reference
        Energy in eV that is called zero.
    """
    values, kelvin = _paired(energy, temperature)
    values = values - reference
    groups = list(group_by_temperature(kelvin))
    figure = new_figure(PAGE, 2.5)
    panel = figure.add_subplot()
    known = values[np.isfinite(values)]
    pad = 0.06 * float(np.ptp(known)) or 0.5
    edges = np.linspace(known.min() - pad, known.max() + pad, 501)
    centres = 0.5 * (edges[1:] + edges[:-1])
    norm = _temperature_norm([level for level, _ in groups])
    for level, mask in groups:
        density = _smooth_density(values[mask], edges)
        color = TEMPERATURE_COLORMAP(norm(level))
        panel.fill_between(centres, density, color=color, alpha=0.10, lw=0)
        panel.plot(centres, density, color=color, lw=0.9)
    panel.set_xlim(edges[0], edges[-1])
    panel.set_ylim(bottom=0.0)
    panel.set_xlabel(_relative("potential energy", "E", reference) + _zero(reference, ",  "))
    panel.set_ylabel(axis_label("probability density", "1/eV"))
    if len(groups) > 1:
        bar = figure.colorbar(
            ScalarMappable(norm, TEMPERATURE_COLORMAP),
            ax=panel,
            label=axis_label("temperature", "K"),
            aspect=22,
            pad=0.01,
        )
        bar.outline.set_linewidth(0.4)
    return figure


@styled
def energy_map(
    energy: ArrayLike,
    temperature: ArrayLike,
    *,
    reference: float = 0.0,
    label: str = "inherent energy",
    marks: Mapping[str, float] | None = None,
    n_bins: int = 140,
) -> Figure:
    """Draw the distribution of the energy at each temperature as one row of a map.

    Meant for inherent energies, whose distributions have many peaks. The shade is the square root
    of the share of frames, which keeps rare structures visible beside common ones. Of a single
    temperature it is a histogram.

    Parameters
    ----------
    energy, temperature
        eV and K, shape (frame, replica).
    reference
        Energy in eV that is called zero.
    label
        Name of the energy.
    marks
        Named energies in eV (not relative) to mark above the map, as those of known structures.
    n_bins
        Bins over the range of all energies but the outermost 0.1 %.
    """
    values, kelvin = _paired(energy, temperature)
    values = values - reference
    groups = list(group_by_temperature(kelvin))
    low, high = np.quantile(values[np.isfinite(values)], [0.0005, 0.9995])
    pad = 0.02 * (high - low) or 0.5
    edges = np.linspace(low - pad, high + pad, n_bins + 1)
    share = np.array([np.histogram(values[mask], edges)[0] / mask.sum() for _, mask in groups])
    figure = new_figure(PAGE, float(np.clip(1.1 + 0.11 * len(groups), 2.0, 6.0)))
    panel = figure.add_subplot()
    if len(groups) == 1:
        panel.stairs(100.0 * share[0], edges, fill=True, color=OKABE_ITO["blue"])
        panel.set_ylabel(axis_label("share of frames in a bin", "%"))
    else:
        _rows(figure, panel, edges, 100.0 * share, [level for level, _ in groups])
    panel.set_xlabel(_relative(label, "E", reference) + _zero(reference, ",  "))
    seen = {n: m - reference for n, m in (marks or {}).items()}
    _mark(figure, panel, {n: m for n, m in seen.items() if edges[0] <= m <= edges[-1]})
    return figure


def _rows(
    figure: Figure, panel: Axes, edges: NDArray[Any], percent: NDArray[Any], levels: list[float]
) -> None:
    """A row of shades for each temperature, with their scale."""
    mesh = panel.pcolormesh(
        edges,
        np.arange(len(levels) + 1) - 0.5,
        np.where(percent > 0, percent, np.nan),
        cmap=_SHADES,
        norm=PowerNorm(0.5, vmin=0.0, vmax=max(float(percent.max()), 1e-7)),
        rasterized=True,
    )
    bar = figure.colorbar(
        mesh, ax=panel, label=axis_label("share of frames in a bin", "%"), aspect=26, pad=0.01
    )
    bar.outline.set_linewidth(0.4)
    step = -(-len(levels) // 24)
    panel.set_yticks(
        range(0, len(levels), step), [f"{level:.0f}" for level in levels[::step]], fontsize=6.5
    )
    panel.set_ylabel(axis_label("temperature", "K"))


@styled
def caloric_curve(
    found: LevelMeans, *, reference: float = 0.0, n_atoms: int | None = None
) -> Figure:
    """Draw the mean potential energy against temperature, with 95 % intervals where known.

    Parameters
    ----------
    found
        Mean energies in eV.
    reference
        Energy in eV that is called zero: the lowest minimum.
    n_atoms
        When given, the harmonic solid in that minimum is drawn too: (3N - 6) kT / 2, as the
        translations and rotations hold no potential energy.
    """
    levels = found.temperatures
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    if n_atoms is not None and levels.size:
        line = np.array([levels.min(), levels.max()])
        panel.plot(
            line,
            0.5 * (3 * n_atoms - 6) * BOLTZMANN * line,
            color=MUTED,
            ls=(0, (4, 2)),
            lw=0.9,
            label="harmonic, $(3N-6)\\,kT/2$",
        )
    _points(panel, found, reference, color=OKABE_ITO["blue"], label="mean of the run")
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(_relative("mean energy", r"\langle E\rangle", reference))
    panel.legend(
        loc="upper left", title=_zero(reference) or None, title_fontsize=7, alignment="left"
    )
    return figure


@styled
def inherent_energy_curve(found: LevelMeans, *, reference: float = 0.0) -> Figure:
    """Draw the mean energy of the inherent structures against the temperature they come from.

    The band holds the middle 80 % of the structures. Flat: the cluster stays in its lowest
    basins; the rise is where it leaves them, the melting of the landscape.

    Parameters
    ----------
    found
        Mean energies in eV of the minima.
    reference
        Energy in eV that is called zero.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    color = OKABE_ITO["vermillion"]
    panel.fill_between(
        found.temperatures, found.low - reference, found.high - reference, color=color, alpha=0.16,
        lw=0, label="middle 80 %",
    )  # fmt: skip
    _points(panel, found, reference, color=color, label="mean")
    panel.set_xlabel(axis_label("temperature", "K"))
    panel.set_ylabel(_relative("inherent energy", "E", reference))
    panel.legend(
        loc="upper left", title=_zero(reference) or None, title_fontsize=7, alignment="left"
    )
    return figure


def _points(panel: Axes, found: LevelMeans, reference: float, *, color: str, label: str) -> None:
    """Means with their intervals, and open and dotted where nothing is known of these."""
    mean = found.mean.scaled(1.0, -reference)
    known = np.asarray(mean.known)
    x, y = found.temperatures, np.asarray(mean.value)
    panel.plot(x, y, color=color, lw=0.9, ls="-" if known.all() else ":")
    if not known.all():
        name = f"{label}, error unknown"
        panel.plot(x[~known], y[~known], "o", color=color, mfc="white", mew=0.9, label=name)
    if known.any():
        bars = np.stack([mean.value - mean.low, mean.high - mean.value])[:, known]
        panel.errorbar(
            x[known], y[known], bars, color=color, marker="o", mfc="white", mew=0.9, ls="none",
            elinewidth=0.8, label=label,
        )  # fmt: skip


def _paired(energy: ArrayLike, temperature: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Check shapes; give energies, and temperatures with NaN wherever either is missing."""
    values, kelvin = np.asarray(energy, float), np.asarray(temperature, float)
    if values.ndim != 2 or values.shape != kelvin.shape:
        raise ValueError(
            "energy and temperature must both have shape (frame, replica); got "
            f"{values.shape} and {kelvin.shape}"
        )
    known = np.isfinite(values) & np.isfinite(kelvin)
    if not known.any():
        raise ValueError(
            "energy and temperature must be known together for at least one configuration; got "
            "none: draw what is sampled first"
        )
    return values, np.where(known, kelvin, np.nan)


def _smooth_density(sample: NDArray[Any], edges: NDArray[Any]) -> NDArray[Any]:
    width = edges[1] - edges[0]
    counts = np.histogram(sample, edges)[0] / (sample.size * width)
    spread = min(float(sample.std()), float(np.subtract(*np.quantile(sample, [0.75, 0.25]))) / 1.34)
    bandwidth = max(0.9 * spread * sample.size**-0.2, width)
    return np.asarray(gaussian_filter1d(counts, bandwidth / width, mode="constant"))


def _temperature_norm(levels: list[float]) -> Normalize:
    low, high = min(levels), max(levels)
    return Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)


def _relative(quantity: str, symbol: str, reference: float) -> str:
    return axis_label(f"{quantity} ${symbol}{'-E_0' if reference else ''}$", "eV")


def _zero(reference: float, prefix: str = "") -> str:
    """Say which energy is called zero, where it is not zero itself."""
    zero = f"{reference:.2f}".replace("-", "−")
    return f"{prefix}$E_0$ = {zero} eV" if reference else ""


def _mark(figure: Figure, panel: Axes, marks: Mapping[str, float]) -> None:
    """Name places on the horizontal axis above the panel, each at its own dotted line.

    Where a name would reach into the next line it stands one row higher than that line's name.
    """
    low, high = panel.get_xlim()
    width, height = (72.0 * inches for inches in figure.get_size_inches())
    per_letter = 4.0 * (high - low) / (0.8 * width)
    row, right = 0, np.inf
    for name, place in sorted(marks.items(), key=lambda mark: -mark[1]):
        row = 0 if place + per_letter * len(name) < right else row + 1
        top = 1.0 + (2.0 + 9.0 * row) / (0.75 * height)
        panel.plot(
            [place, place],
            [0.0, top + 6.0 / height],
            transform=panel.get_xaxis_transform(),
            clip_on=False,
            color=INK,
            lw=0.6,
            ls=(0, (1.5, 1.5)),
        )
        panel.annotate(
            name,
            (place, top),
            xycoords=("data", "axes fraction"),
            xytext=(2.5, 0),
            textcoords="offset points",
            fontsize=7,
        )
        right = place
    panel.set_xlim(low, high)
