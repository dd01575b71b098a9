"""Learning: the curves of the training, and what the network makes of frames it never saw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nanochart.autoencoder import Reconstruction
from nanochart.report.figures.style import (
    COLUMN,
    INK,
    MUTED,
    OKABE_ITO,
    PAGE,
    axis_label,
    letter_panels,
    new_figure,
    styled,
)
from nanochart.tempering import group_by_temperature

__all__ = ["best_epoch", "learning_curves", "reconstruction_errors", "reconstruction_examples"]


def best_epoch(history: Mapping[str, Any] | Any) -> int:
    """Place in the curves of the epoch with the lowest validation loss, whose weights are kept."""
    return int(np.nanargmin(_required(history, "validation_loss")))


@styled
def learning_curves(history: Mapping[str, Any] | Any) -> Figure:
    """Draw losses, explained variance and learning rate against the epoch.

    Parameters
    ----------
    history
        A :class:`nanochart.autoencoder.History`, or a mapping of arrays ``epoch``,
        ``train_loss``, ``validation_loss`` and, where kept, ``explained_variance`` (a share, of
        the validation part) and ``learning_rate``, one number each epoch. The losses are mean
        squared errors of scaled bins (dimensionless).
    """
    epoch = _required(history, "epoch")
    best = best_epoch(history)
    variance = _column(history, "explained_variance")
    rate = _column(history, "learning_rate")
    n_panels = 1 + (variance is not None) + (rate is not None)
    figure = new_figure(PAGE if n_panels > 1 else COLUMN, 2.35)
    panels = list(figure.subplots(1, n_panels, squeeze=False)[0])

    loss = panels[0]
    train, validation = _required(history, "train_loss"), _required(history, "validation_loss")
    loss.semilogy(epoch, train, color=OKABE_ITO["blue"], label="training")
    loss.semilogy(epoch, validation, color=OKABE_ITO["vermillion"], label="validation")
    loss.plot(epoch[best], validation[best], "o", color=OKABE_ITO["vermillion"], mec="white")
    loss.set_ylabel(axis_label("mean squared error", "dimensionless"))
    loss.legend(loc="upper right", frameon=True, framealpha=1.0, edgecolor="none")
    place = 1
    if variance is not None:
        percent = 100.0 * np.asarray(variance, float)
        panel = panels[place]
        panel.plot(epoch, percent, color=OKABE_ITO["vermillion"])
        panel.plot(epoch[best], percent[best], "o", color=OKABE_ITO["vermillion"], mec="white")
        panel.set_ylabel(axis_label("explained variance, validation", "%"))
        # The climb out of nothing takes a few epochs; the scale is for what comes after.
        floor = min(float(np.nanquantile(percent, 0.1)), percent[best] - 1.0)
        panel.set_ylim(max(floor - 2.0, float(np.nanmin(percent)) - 1.0), None)
        panel.set_ylim(top=min(100.0, panel.get_ylim()[1]))
        place += 1
    if rate is not None:
        panels[place].plot(epoch, 1e3 * rate, color=INK, drawstyle="steps-mid")
        panels[place].set_ylabel(axis_label("learning rate", "10⁻³"))
        panels[place].set_ylim(bottom=0.0)
    for panel in panels:
        panel.axvline(epoch[best], color=MUTED, lw=0.7, ls=(0, (3, 2)), zorder=0)
        panel.set_xlabel(axis_label("epoch", "passes over the data"))
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _mark_best(panels[-1], epoch[best], int(epoch[best]))
    letter_panels(panels)
    return figure


@styled
def reconstruction_examples(reconstruction: Reconstruction) -> Figure:
    """Draw a good, the median and the worst frame: what went in, what was asked, what came out.

    Good is the 10th percentile of the error. The lower row holds reconstruction minus target.
    """
    chosen = reconstruction.examples()
    explained = reconstruction.explained_variances
    r = reconstruction.centers
    figure = new_figure(PAGE, 3.1)
    grid = figure.subplots(2, 3, sharex=True, sharey="row", height_ratios=[3.0, 1.0])
    for column, k in enumerate(chosen.values()):
        main, rest = grid[:, column]
        if reconstruction.inputs is not None:
            main.fill_between(
                r, reconstruction.inputs[k], color="#d5dae0", lw=0, label="input (thermal)"
            )
        main.plot(r, reconstruction.targets[k], color=INK, lw=1.3, label="target")
        main.plot(
            r,
            reconstruction.outputs[k],
            color=OKABE_ITO["vermillion"],
            lw=1.0,
            ls=(0, (4, 1.2)),
            label="reconstructed",
        )
        rest.axhline(0.0, color=MUTED, lw=0.6)
        rest.plot(
            r,
            reconstruction.outputs[k] - reconstruction.targets[k],
            color=OKABE_ITO["vermillion"],
            lw=0.8,
        )
        where = f", {reconstruction.temperature[k]:.0f} K" if reconstruction.known(k) else ""
        main.annotate(
            f"explains {100.0 * explained[k]:.1f} %{where}".replace("-", "−"),
            (0.98, 0.97),
            xycoords="axes fraction",
            ha="right",
            va="top",
            fontsize=7,
        )
        rest.set_xlabel(axis_label("distance $r$", "Å"))
    grid[0, 0].set_ylim(bottom=0.0)
    grid[0, 0].set_xlim(r[0], _last_distance(reconstruction))
    grid[0, 0].set_ylabel(axis_label("RDF $g(r)$", "1/Å"))
    grid[1, 0].set_ylabel(axis_label("residual", "1/Å"))
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3)
    letter_panels(list(grid[0]), [f"{name} frame" for name in chosen])
    return figure


@styled
def reconstruction_errors(reconstruction: Reconstruction) -> Figure:
    """Draw the root-mean-square error per frame against temperature: where the network errs.

    Line: the median frame; bands: the middle 50 % and 90 % of the frames.
    """
    figure = new_figure(COLUMN, 2.6)
    panel = figure.add_subplot()
    error = 1e3 * reconstruction.errors
    groups = list(group_by_temperature(reconstruction.temperature))
    if len(groups) > 1:
        levels = [level for level, _ in groups]
        steps = [0.05, 0.25, 0.5, 0.75, 0.95]
        spread = np.array([np.quantile(error[mask], steps) for _, mask in groups]).T
        blue = OKABE_ITO["blue"]
        panel.fill_between(levels, spread[0], spread[4], color=blue, alpha=0.12, lw=0, label="90 %")
        panel.fill_between(levels, spread[1], spread[3], color=blue, alpha=0.25, lw=0, label="50 %")
        panel.plot(levels, spread[2], color=blue, marker="o", mfc="white", mew=0.9, label="median")
        panel.set_xlabel(axis_label("temperature", "K"))
        panel.set_ylabel(axis_label("error per frame (rms)", "10⁻³/Å"))
        panel.legend(loc="best", title="held-out frames", title_fontsize=7, alignment="left")
    else:
        panel.hist(error, bins=40, color="#cfe3f1", edgecolor=OKABE_ITO["blue"], lw=0.6)
        panel.set_xlabel(axis_label("error per frame (rms)", "10⁻³/Å"))
        panel.set_ylabel(axis_label("held-out frames", "count"))
    panel.set_ylim(bottom=0.0)
    return figure


def _column(history: Mapping[str, Any] | Any, name: str) -> NDArray[Any] | None:
    """One learning curve, None where it was not kept."""
    values: Any
    if isinstance(history, Mapping):
        values = history.get(name, history.get(f"validation_{name}"))
    else:
        values = [getattr(curve, name, np.nan) for curve in history.curves]
    array = np.asarray([] if values is None else values, float)
    return array if np.isfinite(array).any() else None


def _required(history: Mapping[str, Any] | Any, name: str) -> NDArray[Any]:
    values = _column(history, name)
    if values is None:
        raise ValueError(
            f"the history must have {name!r} of at least one epoch; got none: train a model first"
        )
    return values


def _mark_best(panel: Axes, position: float, epoch: int) -> None:
    left = position > np.mean(panel.get_xlim())
    panel.annotate(
        f"best epoch {epoch}",
        (position, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        fontsize=7,
        color="#57606a",
    )


def _last_distance(reconstruction: Reconstruction) -> float:
    """Find the distance beyond which every curve is flat, so that no panel is half empty."""
    shown = list(reconstruction.examples().values())
    tallest = np.maximum(reconstruction.targets[shown], reconstruction.outputs[shown]).max(axis=0)
    last = int(np.flatnonzero(tallest > 0.004 * tallest.max()).max(initial=1))
    return float(reconstruction.centers[min(last + 4, tallest.size - 1)])
