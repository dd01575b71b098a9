"""A run as a data set of chemiscope, for its own page or a notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanochart._files import replacing
from nanochart.interop import to_atoms
from nanochart.report._explorer_properties import run_properties
from nanochart.report._run_data import RunData
from nanochart.store import Run
from nanochart.workflow._quench import check_all_quenched

__all__ = ["export_chemiscope"]


def export_chemiscope(
    run: Run,
    path: str | Path,
    structures: str = "inherent",
    frames: slice | Sequence[int] | None = None,
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
        Which frames, all if None.

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
    if structures == "inherent":
        check_all_quenched(run, "this export")
    numbers = np.arange(run.committed())
    chosen = numbers[slice(None) if frames is None else frames]
    data = RunData(run.to_xarray(), {"element": run.metadata.element})
    names = dict(enumerate(map(str, run.info("families").get("names", ()))))
    chart = structures if whole.has("chart") else None
    properties, axes = run_properties(data, chart=chart, family_names=names)
    places = (chosen[:, None] * data.n_replicas + np.arange(data.n_replicas)).ravel()
    stored = whole.inherent if structures == "inherent" else whole.thermal
    clusters = [to_atoms(x, run.metadata.element) for x in stored.structures(places)]
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
    return len(clusters)
