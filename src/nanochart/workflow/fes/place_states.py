"""The states that frames have where a frame is in the chart, as shares."""

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.landscape import PLACE, Known, States, place_membership, states_of
from nanochart.motifs import LABELS
from nanochart.store import Frames, Run
from nanochart.workflow.bias.then import SourceThen

__all__ = ["place_states"]

Floats = NDArray[np.float64]


def place_states(
    run: Run, source: SourceThen, frames: Frames, by: str, known: Known, temperature: float
) -> States:
    """States of frames by their place in all coordinates of the chart, as shares.

    The shares are those of the source's frames there, of temperatures near the run's; see
    `nanochart.landscape.PlaceMembership`.

    Parameters
    ----------
    run, source
        The biased run, and what it holds of its source.
    frames
        Of the run.
    by, known
        As of `own_states`.
    temperature
        K, of the biased run.

    Raises
    ------
    StoreError
        If the source had no chart with families or motifs, or too few frames near the temperature.
    """
    codes = source.codes.get(by)
    if codes is None:
        command = "families" if by == "family" else "label"
        raise StoreError(
            f"states by place need a chart with a {by} of its frames, which {source.name} had not "
            f"when {run.path} was begun: run `nanochart chart` and `nanochart {command}` on "
            f"{source.name}, and bias anew"
        )
    families = source.families() if by == "family" else None
    names = LABELS if families is None else families.names
    chosen = codes >= 0
    try:
        places = place_membership(
            source.chart[chosen], codes[chosen], source.groups[chosen], len(names)
        )
    except ValueError as error:
        raise StoreError(
            f"{source.name}, at temperatures near {temperature:g} K: {error}"
        ) from None
    shares = places.shares(_thermal_chart(run, source, frames))
    return states_of(
        names, shares.argmax(axis=-1).astype(np.int64), known, definition=PLACE,
        families=None if families is None else families.fingerprint,
        shares=shares, error=places.error,
    )  # fmt: skip


def _thermal_chart(run: Run, source: SourceThen, frames: Frames) -> Floats:
    """Places of thermal frames in all coordinates of the source's chart, (time, walker, d)."""
    if frames.has("chart") and frames.chart("thermal").model == source.charted:
        return frames.chart("thermal").coordinates
    model = source.model()
    blocks = (
        frames.take(np.arange(k, min(k + 64, len(frames)))) for k in range(0, len(frames), 64)
    )
    parts = [model.encode(block.thermal.positions, run.metadata.element) for block in blocks]
    return np.concatenate(parts).astype(np.float64)
