"""The states that frames have where a frame is in the chart, as shares."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.landscape import PLACE, place_membership
from nanochart.motifs import LABELS
from nanochart.store import Run
from nanochart.workflow._membership import (
    Known,
    Source,
    States,
    families_of,
    model_of_chart,
    states_of,
)

__all__ = ["place_states"]

Floats = NDArray[np.float64]

#: Known frames that shares by place need, and how far their temperature may be at first and at
#: most, as shares of that of the run.
_ENOUGH, _NEAR, _FAR = 2_000, 0.05, 0.25


def place_states(
    run: Run,
    source: Source,
    frames: slice,
    by: str,
    known: Known,
    temperature: float,
    *,
    model: str | Path | None = None,
) -> States:
    """States of frames by their place in all coordinates of the chart, as shares.

    The shares are those of the source's frames there, of temperatures near the run's; see
    `nanochart.landscape.PlaceMembership`.

    Parameters
    ----------
    run, source, frames, by, known, model
        As of `own_states`.
    temperature
        K, of the biased run.

    Raises
    ------
    StoreError
        If the source has no chart with families or motifs, or too few frames near the temperature.
    """
    data = source.to_xarray()
    if "chart" not in data or by not in data or not (data[by] >= 0).any():
        command = "families" if by == "family" else "label"
        raise StoreError(
            f"states by place need a chart of {source.path} with a {by} of its frames: run "
            f"`nanochart chart {source.path}` and `nanochart {command} {source.path}` first"
        )
    names = LABELS if by == "motif" else tuple(source.info("families")["names"])
    codes = data[by].to_numpy().astype(np.int64)
    chosen = _near(data["temperature"].to_numpy(), temperature) & (codes >= 0)
    n_frames, n_replicas = codes.shape
    # Replicas are independent; of a single one, tenths of its time nearly are.
    groups = np.broadcast_to(np.arange(n_replicas), codes.shape)
    if n_replicas == 1:
        groups = (10 * np.arange(n_frames) // n_frames)[:, None]
    chart = data["chart"].to_numpy().astype(np.float64)
    try:
        places = place_membership(chart[chosen], codes[chosen], groups[chosen], len(names))
    except ValueError as error:
        raise StoreError(
            f"{source.path}, at temperatures near {temperature:g} K: {error}"
        ) from None
    shares = places.shares(_thermal_chart(run, source, frames, model))
    families = families_of(source).fingerprint if by == "family" else None
    return states_of(
        names, shares.argmax(axis=-1).astype(np.int64), known, definition=PLACE,
        families=families, shares=shares, error=places.error,
    )  # fmt: skip


def _near(temperatures: Floats, wanted: float) -> NDArray[np.bool_]:
    """Frames whose temperature is near, in a window as narrow as holds enough of them."""
    off = np.abs(temperatures / wanted - 1.0)
    k = min(_ENOUGH, off.size) - 1
    width = float(np.partition(off, k, axis=None)[k])
    return np.asarray(off <= min(max(width, _NEAR), _FAR))


def _thermal_chart(run: Run, source: Source, frames: slice, model: str | Path | None) -> Floats:
    """Places of thermal frames in all coordinates of the source's chart, (time, walker, d)."""
    charted = source.info("chart").get("model")
    data = run.to_xarray().isel(frame=frames)
    if run.info("chart").get("model") == charted and run.committed("chart") == run.committed():
        return data["chart"].to_numpy().astype(np.float64)
    known = model_of_chart(source, model)
    stored = data["positions"]
    blocks = (stored[k : k + 64].to_numpy() for k in range(0, len(stored), 64))
    parts = [known.encode(x.astype(np.float64), run.metadata.element) for x in blocks]
    return np.concatenate(parts).astype(np.float64)
