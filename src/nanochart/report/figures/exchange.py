"""Replica exchange at a glance: how often neighbours swap, how far and how fast replicas travel."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike

from nanochart.report.figures.style import (
    COLUMN,
    INK,
    MUTED,
    OKABE_ITO,
    PAGE,
    axis_label,
    category_colors,
    letter_panels,
    new_figure,
    styled,
)
from nanochart.tempering import Acceptance, LadderDiagnostics

__all__ = ["TARGET_ACCEPTANCE", "exchange_acceptance", "ladder_mixing", "temperature_walks"]

#: The acceptance of neighbouring temperatures to aim at (Settem et al., J. Chem. Phys. 2023).
TARGET_ACCEPTANCE = (0.20, 0.30)


@styled
def exchange_acceptance(result: Acceptance, ladder: ArrayLike, n_mapped: int = 0) -> Figure:
    """Draw the acceptance of each neighbouring pair between its two temperatures.

    Parameters
    ----------
    result
        Counts of each pair, as from :func:`nanochart.tempering.acceptance`.
    ladder
        Temperatures in K, shape (pair + 1,), rising.
    n_mapped
        Number of the lowest pairs, which exchange mapped; they are drawn filled.
    """
    kelvin = np.asarray(ladder, float)
    if kelvin.shape != (result.share.size + 1,):
        raise ValueError(
            f"ladder must have {result.share.size + 1} temperatures for {result.share.size} pairs "
            f"of neighbours; got shape {kelvin.shape}"
        )
    middle = 0.5 * (kelvin[1:] + kelvin[:-1])
    percent = 100.0 * result.share
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    low, high = (100.0 * share for share in TARGET_ACCEPTANCE)
    panel.axhspan(
        low,
        high,
        color=OKABE_ITO["green"],
        alpha=0.18,
        lw=0,
        label=f"target, {low:.0f}–{high:.0f} %",
    )
    panel.hlines(percent, kelvin[:-1], kelvin[1:], color=OKABE_ITO["blue"], lw=1.2)
    error = 100.0 * np.abs(np.stack([result.share - result.low, result.high - result.share]))
    mapped = np.arange(middle.size) < n_mapped
    kinds = (("mapped", mapped, OKABE_ITO["blue"]), ("plain", ~mapped, "white"))
    for kind, there, fill in kinds:
        if not there.any():
            continue
        panel.errorbar(
            middle[there],
            percent[there],
            yerr=error[:, there],
            ls="none",
            marker="o",
            mfc=fill,
            mew=0.9,
            color=OKABE_ITO["blue"],
            elinewidth=0.8,
            label=f"{f'{kind}, ' if n_mapped else ''}accepted, 68 % interval",
        )
    top = np.nanmax(100.0 * result.high) if np.isfinite(result.high).any() else 0.0
    panel.set_ylim(0.0, min(103.0, max(1.08 * top, 40.0)))
    panel.legend(loc="best")
    panel.set_xlabel(axis_label("temperatures of the pair", "K"))
    panel.set_ylabel(axis_label("accepted exchanges", "%"))
    return figure


@styled
def temperature_walks(
    temperature: ArrayLike,
    *,
    replicas: Sequence[int] | None = None,
    time: ArrayLike | None = None,
    time_unit: str = "stored frames",
    motifs: Sequence[str] = (),
    noun: str = "replica",
) -> Figure:
    """Draw the temperature of a few replicas against time.

    A well-mixed ladder carries every replica from end to end; one that stays within a band shows
    where exchange fails.

    Parameters
    ----------
    temperature
        K, shape (frame, replica).
    replicas
        Those to draw, one panel each; when left out up to four, of different start motifs
        where these are known.
    time
        Of each frame, in ``time_unit``; when left out the frames are counted.
    time_unit
        Unit of the time axis.
    motifs
        Start motif of each replica.
    noun
        What a trajectory is called: the walkers of a heated run climb a ladder, too.
    """
    kelvin = np.asarray(temperature, float)
    n_frames, n_replicas = kelvin.shape
    shown = list(replicas) if replicas is not None else _spread(n_replicas, motifs)
    t = np.arange(n_frames) if time is None else np.asarray(time, float)
    colors = category_colors(motifs) if len(motifs) == n_replicas else None
    figure = new_figure(PAGE, 0.5 + 0.72 * len(shown))
    panels = figure.subplots(len(shown), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    ladder = np.unique(kelvin[np.isfinite(kelvin)])
    for panel, replica in zip(panels, shown, strict=True):
        if 0 < ladder.size <= 96:
            panel.hlines(ladder, t[0], t[-1], color="#eceef1", lw=0.4, zorder=0)
        color = colors[replica] if colors else OKABE_ITO["blue"]
        panel.step(t, kelvin[:, replica], where="mid", color=color, lw=0.8)
        name = f"{noun} {replica}" + (f", from the {motifs[replica]}" if colors else "")
        panel.set_title(name, fontsize=7, pad=2, color=INK)
        panel.spines["bottom"].set_color(MUTED)
    if ladder.size > 1:
        panels[0].set_yticks([ladder[0], 0.5 * (ladder[0] + ladder[-1]), ladder[-1]])
    panels[-1].set_xlabel(axis_label("time", time_unit))
    panels[-1].set_xlim(t[0], t[-1] if n_frames > 1 else t[0] + 1)
    figure.supylabel(axis_label("temperature", "K"), fontsize=8)
    return figure


@styled
def ladder_mixing(diagnostics: LadderDiagnostics) -> Figure:
    """Draw how a ladder mixes: flow, round trips, overlap and statistical inefficiency.

    Parameters
    ----------
    diagnostics
        As from :func:`nanochart.tempering.diagnose_ladder`.
    """
    kelvin = np.asarray(diagnostics.ladder.temperatures)
    middle = 0.5 * (kelvin[1:] + kelvin[:-1])
    figure = new_figure(PAGE, 4.0)
    flow, trips, overlap, memory = figure.subplots(2, 2).ravel()
    dots = {"marker": "o", "mfc": "white", "mew": 0.9, "lw": 0.9, "color": OKABE_ITO["blue"]}
    even = np.linspace(0.0, 100.0, kelvin.size)
    flow.plot(kelvin, even, color=MUTED, ls=(0, (4, 2)), lw=0.9, label="even diffusion")
    flow.plot(kelvin, 100.0 * diagnostics.flow, **dots, label="this run")
    flow.set_ylim(-4.0, 104.0)
    flow.set_ylabel(axis_label("replicas from the top", "%"))
    flow.legend(loc="upper left")
    _bars_of_trips(trips, diagnostics)
    overlap.plot(middle, 100.0 * diagnostics.overlap, **dots)
    overlap.set_ylim(0.0, 103.0)
    overlap.set_ylabel(axis_label("common area of neighbours", "%"))
    g = diagnostics.inefficiency
    memory.plot(kelvin, g, **dots, label="at one temperature")
    along = diagnostics.replica_inefficiency[np.isfinite(diagnostics.replica_inefficiency)]
    if along.size:
        low, median, high = np.quantile(along, [0.0, 0.5, 1.0])
        color = OKABE_ITO["vermillion"]
        memory.axhspan(low, high, color=color, alpha=0.12, lw=0)
        memory.axhline(median, color=color, lw=0.9, label="along a replica (band: all)")
    memory.set_yscale("log")
    memory.set_ylim(bottom=0.9)
    memory.yaxis.set_major_formatter(ScalarFormatter())
    memory.set_ylabel(axis_label("statistical inefficiency", "frames"))
    memory.legend(loc="best")
    for panel in (flow, overlap, memory):
        panel.set_xlabel(axis_label("temperature", "K"))
    letter_panels(
        [flow, trips, overlap, memory],
        ["replica flow", "round trips", "overlap of energies", "correlation of energies"],
    )
    return figure


def _bars_of_trips(panel: Axes, diagnostics: LadderDiagnostics) -> None:
    counts = diagnostics.trips.counts
    panel.bar(np.arange(counts.size), counts, width=0.8, color=OKABE_ITO["blue"])
    panel.set_xlim(-0.6, counts.size - 0.4)
    panel.set_ylim(0.0, max(1.08 * counts.max(initial=0), 1.0))
    if not counts.any():
        panel.text(
            0.5, 0.5, "none yet", color=MUTED, ha="center", va="center", transform=panel.transAxes
        )
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    panel.set_xlabel(axis_label("replica", "number"))
    panel.set_ylabel(axis_label("round trips", "count"))


def _spread(n_replicas: int, motifs: Sequence[str]) -> list[int]:
    """Choose up to four replicas, of as many start motifs as there are."""
    if len(motifs) == n_replicas:
        chosen = [list(motifs).index(name) for name in dict.fromkeys(motifs)][:4]
        if len(chosen) > 1:
            return chosen
    return sorted(set(np.linspace(0, n_replicas - 1, min(4, n_replicas)).astype(int).tolist()))
