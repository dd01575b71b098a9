"""A run as a data set of chemiscope, for its own page or a notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nanochart.files import replacing
from nanochart.interop import to_atoms
from nanochart.progress import Progress, silent
from nanochart.report import RunData, run_properties
from nanochart.store import Run

__all__ = ["export_chemiscope"]


def export_chemiscope(
    run: Run,
    path: str | Path,
    structures: Literal["thermal", "inherent"] = "inherent",
    frames: slice | Sequence[int] | None = None,
    *,
    progress: Progress = silent,
) -> int:
    """Write configurations of a run as a chemiscope data set, gzipped JSON.

    It holds the structures with everything that is known of them: chart, energy, motif, family.

    Parameters
    ----------
    run
        The run.
    path
        The file, which must end in ``.json.gz`` or ``.json``; one of that name is replaced.
    structures
        "thermal" configurations, or the "inherent" structures they quench to.
    frames
        Which frames, all if None; where one frame in so many was quenched, those of them that were.
    progress
        Function that is called when the properties are known, and at the end.

    Returns
    -------
    int
        Number of configurations written.

    Raises
    ------
    ModuleNotFoundError
        If chemiscope is not installed.
    StoreError
        If the run has no such structures, or nothing to draw a map of.
    """
    try:
        import chemiscope
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "this export needs chemiscope, which is not installed: pip install 'nanochart[explore]'"
        ) from None
    whole = run.frames().require(*(["quench"] if structures == "inherent" else []))
    # Where one frame in so many is quenched, only these have numbers for every property.
    there = whole.with_minima() if whole.has("quench") else whole
    chosen = there.at(frames, "quench" if whole.has("quench") else "frames")
    data = RunData(there, run.metadata)
    names = dict(enumerate(map(str, run.info("families").get("names", ()))))
    chart = structures if whole.has("chart") else None
    properties, axes = run_properties(data, chart=chart, family_names=names, numbers=there.numbers)
    stored = chosen.inherent if structures == "inherent" else chosen.thermal
    positions = stored.positions.reshape(-1, run.metadata.n_atoms, 3)
    clusters = [to_atoms(x, run.metadata.element) for x in positions]
    rows = np.searchsorted(there.numbers, chosen.numbers)
    progress("export", len(clusters) // 2, len(clusters))
    places = (rows[:, None] * data.n_replicas + np.arange(data.n_replicas)).ravel()
    table: dict[str, Any] = {}
    for p in properties:
        values: Any = p.values[places]
        if p.categories:
            values = np.array(p.categories)[values.astype(int)]
        table[p.name] = {
            "target": "structure",
            "values": values.tolist(),
            "units": p.unit,
            "description": p.description,
        }
    settings = {"map": {"x": {"property": axes[0]}, "y": {"property": axes[1]}}}
    facts = run.metadata
    with replacing(path) as file:
        chemiscope.write_input(
            str(file),
            structures=clusters,
            properties=table,
            metadata={"name": f"{facts.element}{facts.n_atoms}"},
            settings=settings,
        )
    progress("export", len(clusters), len(clusters))
    return len(clusters)
