"""The sections on learning and on the chart."""

import shlex
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Reconstruction
from nanochart.motifs import LABELS
from nanochart.report.figures.charts import Coloring, chart_overview, chart_projections
from nanochart.report.figures.learning import (
    best_epoch,
    learning_curves,
    reconstruction_errors,
    reconstruction_examples,
)
from nanochart.report.figures.style import TEMPERATURE_COLORMAP
from nanochart.report.page.inherent import number
from nanochart.report.page.page import FigureCard, Item, Missing, Pointer, Section
from nanochart.report.page.run_data import RunData

__all__ = ["chart_section", "learning_section", "overview_card"]

Kind = Literal["thermal", "inherent"]

_KINDS: tuple[Kind, ...] = ("thermal", "inherent")


def learning_section(history: Any | None, reconstruction: Reconstruction | None) -> Section:
    """Learning curves, and what the network makes of frames that it never saw."""
    title = "Learning"
    text = (
        "A convolutional autoencoder squeezes the radial distribution function (RDF) of a "
        "configuration through a few numbers, the chart coordinates, and rebuilds from them the "
        "RDF of its inherent structure. Training, validation and test frames are whole blocks of "
        "the replicas' trajectories."
    )
    verdict = getattr(history, "verdict", None)
    if verdict is not None:
        text += f" {verdict.sentence}"
    items: list[Item] = []
    if history is not None and _has_curves(history):
        best = best_epoch(history)
        items.append(
            FigureCard(
                "learning-curves",
                partial(learning_curves, history),
                "Learning curves, per epoch: mean squared error of the scaled RDF in training and "
                "validation, and, where they were kept, the explained variance (%) of the "
                "validation frames and the learning rate. The weights of epoch "
                f"{_epoch(history, best)}, with the lowest validation error (dashed line), "
                "are the model's.",
                "Training and validation error falling with the epochs.",
            )
        )
    if reconstruction is not None:
        n = len(reconstruction.targets)
        frames = {"all": "frames (no split is known, so they may have been trained on)"}.get(
            reconstruction.held_out, f"{reconstruction.held_out} frames"
        )
        items += [
            FigureCard(
                "reconstructed-rdfs",
                partial(reconstruction_examples, reconstruction),
                f"RDFs (1/Å) of a good, the median and the worst of {n} {frames}, against the "
                "distance (Å): what the network is given (grey), what it should give (black), what "
                "it gives (dashed); below, the residual. The percentage is 1 minus the frame's "
                "squared error over the mean variance of a frame. Together these frames have an "
                f"explained variance of {100 * reconstruction.explained_variance:.1f} %.",
                "True and reconstructed radial distribution functions of three frames.",
            ),
            FigureCard(
                "reconstruction-errors",
                partial(reconstruction_errors, reconstruction),
                f"Root-mean-square error of the reconstructed RDF (10⁻³/Å) of {n} {frames}, by "
                "the temperature (K) of the configuration where that is known: the median frame, "
                "and bands that hold the middle 50 % and 90 % of the frames.",
                "Reconstruction error per frame against temperature.",
                wide=False,
            ),
        ]
    if not items:
        items.append(Missing("No model is trained on this run yet:", "nanochart train RUN"))
    return Section(title, text, tuple(items))


def overview_card(run: RunData) -> FigureCard | None:
    """Draw the first two axes of the chart in every colouring; None where there is no chart."""
    rows = [(kind, _points(run, kind), _colorings(run, kind)) for kind in _KINDS]
    charts = [
        (kind, points) for kind, points, colorings in rows if points is not None and colorings
    ]
    if not charts:
        return None
    colorings = [found for _, points, found in rows if points is not None and found]
    shared = [[c for c in row if all(_same(c, other) for other in colorings)] for row in colorings]
    if not shared[0]:
        return None
    quantities = ", ".join(_short(c) for c in shared[0])
    kinds = " and ".join(kind for kind, _ in charts)
    return FigureCard(
        "chart-overview",
        partial(chart_overview, charts, shared),
        f"The chart of {run.system}: its first two coordinates (dimensionless) for {kinds} "
        f"configurations, coloured by {quantities}. Each point is one configuration; drawn in "
        "random order.",
        f"Scatter plots of the first two chart coordinates, coloured by {quantities}.",
    )


def chart_section(run: RunData) -> Section:
    """Every projection of the chart, each colouring once: the summary has them side by side."""
    title = "Chart"
    text = (
        "The chart coordinates of every configuration, as sampled (thermal) and after its quench "
        "(inherent). Configurations that lie together have alike RDFs, hence alike structures."
    )
    items: list[Item] = []
    charted = [kind for kind in _KINDS if _points(run, kind) is not None]
    for kind in charted:
        points = _points(run, kind)
        if points is None:
            continue
        shown = int(np.isfinite(points).all(axis=1).sum())
        views = {2: "on its two axes", 3: "on each pair of axes and in three dimensions"}.get(
            points.shape[1], "on pairs of its first axes"
        )
        items += [
            FigureCard(
                f"chart-{kind}-{_short(coloring)}",
                partial(chart_projections, points, coloring, title=f"{kind} configurations"),
                f"The chart of {number(shown, 0)} {kind} configurations {views}, coloured by "
                f"{_described(coloring)}. Coordinates are dimensionless.",
                f"Scatter plots of the chart of the {kind} configurations, coloured by "
                f"{_short(coloring)}.",
            )
            for coloring in _colorings(run, kind)
            if len(charted) < 2 or (kind == "thermal") == _is_thermal(coloring)
        ]
    if items:
        items.append(_to_explorer(run))
    else:
        items.append(Missing("This run has no chart yet:", "nanochart chart RUN"))
    return Section(title, text, tuple(items))


def _is_thermal(coloring: Coloring) -> bool:
    """Whether a colouring is of the configuration as sampled rather than of its minimum."""
    return coloring.quantity in {"temperature", "start motif", "place in the trajectory"}


def _to_explorer(run: RunData) -> Pointer:
    """Point to the page on which every structure can be turned."""
    if run.results.explorer:
        return Pointer("Every structure, to turn, beside its place in the chart:", "the explorer",
                       run.results.explorer)  # fmt: skip
    path = shlex.quote(run.results.path or "RUN")
    return Pointer(
        "To turn every structure beside its place in the chart, write the explorer, a page like "
        "this one:",
        f"nanochart explore {path}",
    )


def _points(run: RunData, kind: Kind) -> NDArray[Any] | None:
    values = run.places(kind)
    if values is None or values.shape[-1] < 2:
        return None
    return values.reshape(-1, values.shape[-1])


def _colorings(run: RunData, kind: str) -> list[Coloring]:
    """Colour by energy, temperature and start motif, as far as they are known."""
    energy = run.inherent_energy if kind == "inherent" else run.energy
    found = []
    if energy is not None:
        name = "inherent energy" if kind == "inherent" else "potential energy"
        above = " above the lowest minimum" if run.reference else ""
        found.append(Coloring(f"{name}{above}", "eV", (energy - run.reference).ravel()))
    if run.temperature is not None and np.nanmax(run.temperature) > np.nanmin(run.temperature):
        found.append(
            Coloring("temperature", "K", run.temperature.ravel(), colormap=TEMPERATURE_COLORMAP)
        )
    motif = run.motif_codes
    if motif is not None:
        found.append(Coloring("motif", "", motif.ravel().astype(int), categories=LABELS))
    elif run.motifs:
        names = tuple(dict.fromkeys(run.motifs))
        index = np.array([names.index(name) for name in run.motifs])
        spread = np.broadcast_to(index, (run.n_frames, run.n_replicas)).ravel()
        found.append(Coloring("start motif", "", spread, categories=names))
    if not found:
        place = np.repeat(np.arange(run.n_frames, dtype=float), run.n_replicas)
        found.append(Coloring("place in the trajectory", "stored frames", place))
    return found


def _same(coloring: Coloring, others: list[Coloring]) -> bool:
    return _short(coloring) in {_short(other) for other in others}


def _short(coloring: Coloring) -> str:
    return "energy" if "energy" in coloring.quantity else coloring.quantity


def _described(coloring: Coloring) -> str:
    if coloring.categories:
        return coloring.quantity + (" of their replica" if "start" in coloring.quantity else "")
    low, high = coloring.span
    digits = 2 if high - low < 50.0 else 0
    span = f"{number(low, digits)} to {number(high, digits)}"
    return f"{coloring.quantity} ({coloring.unit}; the scale spans 98 % of them, {span})"


def _has_curves(history: Any) -> bool:
    losses = history.get("validation_loss") if isinstance(history, Mapping) else history.curves
    return losses is not None and len(losses) > 0


def _epoch(history: Any, place: int) -> int:
    if isinstance(history, Mapping):
        return int(np.asarray(history["epoch"])[place])
    return int(history.curves[place].epoch)
