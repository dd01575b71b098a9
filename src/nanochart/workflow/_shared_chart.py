"""The figure of a chart that several runs share."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanochart._files import replacing
from nanochart.errors import StoreError
from nanochart.report import Coloring, shared_chart
from nanochart.report._run_data import RunData
from nanochart.store import Run

__all__ = ["draw_shared_chart"]

#: By the target of the model: the configurations it was trained to read.
_KIND = {"inherent": "chart", "self": "inherent_chart"}


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
    for run in runs:
        if run.committed("chart") < max(run.committed(), 1):
            raise StoreError(f"{run.path} has no chart: run `nanochart chart {run.path}` first")
    models = {run.info("chart").get("model") for run in runs}
    if len(models) > 1 or None in models:
        listed = " ".join(str(run.path) for run in runs)
        raise StoreError(
            f"runs on one chart must be charted by one model; got charts of {len(models)} models: "
            f"run `nanochart train {listed}` and `nanochart chart {listed}`"
        )
    variable = _KIND[str(runs[0].info("chart")["target"])]
    data = [RunData(run.to_xarray(), {"element": run.metadata.element}) for run in runs]
    names = [f"{run.metadata.element}{run.metadata.n_atoms}" for run in runs]
    if len(set(names)) < len(names):
        names = [run.path.stem for run in runs]
    charts = [d.dataset[variable].to_numpy().reshape(d.n_frames * d.n_replicas, -1) for d in data]
    if charts[0].shape[1] < 2:
        raise StoreError("a chart of one dimension has no projection to draw: train with two")
    figure = shared_chart(names, charts, _colorings(data))
    with replacing(path) as file:
        figure.savefig(file)
    return Path(path)


def _colorings(data: Sequence[RunData]) -> list[Coloring]:
    motifs = [codes for d in data if (codes := d.values("motif")) is not None]
    if len(motifs) == len(data):
        attributes = data[0].dataset["motif"].attrs
        meanings = str(attributes["flag_meanings"]).split()
        named = dict(zip(attributes["flag_values"], meanings, strict=True))
        labels = tuple(named[code] for code in sorted(named) if code >= 0)
        return [Coloring("motif", "", np.ravel(codes), categories=labels) for codes in motifs]
    above = [np.ravel(d.dataset["inherent_energy"].to_numpy() - d.reference) for d in data]
    return [Coloring("inherent energy above lowest", "eV", e) for e in above]
