"""Draw the charts of several runs with their families, and the populations of their motifs.

``python docs/gallery/charts.py au90.zarr au147.zarr ag147.zarr cu147.zarr`` makes `charts.png` and
`populations.png` beside this file from runs that have been quenched, labelled, charted and grouped.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import nanochart as nc
from nanochart.motifs import LABELS
from nanochart.report.figures.charts import Coloring
from nanochart.report.figures.populations import population_panel
from nanochart.report.figures.style import (
    COLUMN,
    axis_label,
    category_colors,
    letter_panels,
    new_figure,
    style,
)
from nanochart.workflow.ladder import populations_at_rungs

HERE = Path(__file__).parent
#: Least distance between two names, as shares of the width and of the height.
APART = np.array([0.14, 0.07])
#: Points that are drawn of each run.
MOST = 12_000


def charts(runs: list[nc.store.Run]) -> Figure:
    """Two axes of each chart, coloured by family; names stand at the representatives."""
    rows = -(-len(runs) // 2)
    figure = new_figure(2 * COLUMN, 3.0 * rows)
    panels = figure.subplots(rows, 2, squeeze=False).ravel()
    rng = np.random.default_rng(0)
    for panel, run in zip(panels, runs, strict=False):
        data, about = run.to_xarray(), run.info("families")
        s = data["inherent_chart"].to_numpy()
        family = data["family"].to_numpy()
        drawn = rng.permutation(family.size)[:MOST]
        coloring = Coloring("family", "", family.ravel()[drawn], categories=tuple(about["names"]))
        points = s.reshape(-1, s.shape[-1])[drawn]
        panel.scatter(*points[:, :2].T, s=1.5, c=coloring.rgba, lw=0, rasterized=True)
        extent = np.ptp(points[:, :2], axis=0)
        named: list[np.ndarray] = []
        for card in about["cards"][:12]:
            x, y = place = s[tuple(card["representative"])][:2]
            if any((np.abs(place - other) < APART * extent).all() for other in named):
                continue
            named.append(place)
            panel.annotate(
                card["name"],
                (x, y),
                fontsize=6,
                ha="center",
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "alpha": 0.75, "lw": 0},
            )
        panel.set_xlabel(axis_label("$s_1$", "dimensionless"))
        panel.set_ylabel(axis_label("$s_2$", "dimensionless"))
    letter_panels(panels[: len(runs)], [name(run) for run in runs])
    return figure


def populations(runs: list[nc.store.Run]) -> Figure:
    """Motifs of each run against temperature."""
    rows = -(-len(runs) // 2)
    figure = new_figure(2 * COLUMN, 2.3 * rows)
    panels = figure.subplots(rows, 2, squeeze=False).ravel()
    for panel, run in zip(panels, runs, strict=False):
        frames = run.frames()
        found, ladder = (
            populations_at_rungs(frames, run, frames.motifs.codes, LABELS),
            frames.ladder,
        )
        if found is None or ladder is None:
            raise SystemExit(f"{run.path} has no ladder with labelled frames")
        population_panel(panel, ladder, found, list(range(len(LABELS))), list(LABELS))
        panel.get_legend().remove()
    colors = category_colors(LABELS)
    keys = [
        Line2D([], [], color=c, marker="o", ms=3, label=n)
        for n, c in zip(LABELS, colors, strict=True)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(LABELS))
    letter_panels(panels[: len(runs)], [name(run) for run in runs])
    return figure


def name(run: nc.store.Run) -> str:
    """Such as Au147."""
    return f"{run.metadata.element}{run.metadata.n_atoms}"


if __name__ == "__main__":
    opened = [nc.store.open(path) for path in sys.argv[1:]]
    with style():
        charts(opened).savefig(HERE / "charts.png", dpi=130)
        populations(opened).savefig(HERE / "populations.png", dpi=130)
