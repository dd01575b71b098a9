"""The figure of a chart that several runs share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from nanochart.errors import StoreError
from nanochart.files import replacing
from nanochart.report import Coloring, shared_chart
from nanochart.store import Frames, Run

__all__ = ["draw_shared_chart"]

#: By the target of the model: the configurations it was trained to read.
_KIND: Mapping[str, Literal["thermal", "inherent"]] = {"inherent": "thermal", "self": "inherent"}


def draw_shared_chart(runs: Sequence[Run], path: str | Path) -> Path:
    """Draw runs on the chart that they share: a panel for each, coloured by motif.

    Configurations as the model reads them: thermal ones for the target "inherent", inherent
    structures for "self". Where a run has no motifs, all are coloured by the energy of the minimum
    above the lowest one of the run.

    Parameters
    ----------
    runs
        Charted by one model.
    path
        File to write, of a format that matplotlib knows.

    Raises
    ------
    StoreError
        If a run has no chart, or the charts are of different models.
    """
    frames = [run.frames().require("chart") for run in runs]
    models = {run.info("chart").get("model") for run in runs}
    if len(models) > 1 or None in models:
        listed = " ".join(str(run.path) for run in runs)
        raise StoreError(
            f"runs on one chart must be charted by one model; got charts of {len(models)} models: "
            f"run `nanochart train {listed}` and `nanochart chart {listed}`"
        )
    kind = _KIND[str(runs[0].info("chart")["target"])]
    names = [f"{run.metadata.element}{run.metadata.n_atoms}" for run in runs]
    if len(set(names)) < len(names):
        names = [run.path.stem for run in runs]
    charts = [part.chart(kind).coordinates for part in frames]
    charts = [chart.reshape(-1, chart.shape[-1]) for chart in charts]
    if charts[0].shape[1] < 2:
        raise StoreError("a chart of one dimension has no projection to draw: train with two")
    figure = shared_chart(names, charts, _colorings(frames))
    with replacing(path) as file:
        figure.savefig(file)
    return Path(path)


def _colorings(runs: Sequence[Frames]) -> list[Coloring]:
    if all(frames.has("label") for frames in runs):
        labels = runs[0].motifs.names
        return [Coloring("motif", "", f.motifs.codes.ravel(), categories=labels) for f in runs]
    energies = [frames.inherent.energies.ravel() for frames in runs]
    above = [E - np.nanmin(E) for E in energies]
    return [Coloring("inherent energy above lowest", "eV", E) for E in above]
