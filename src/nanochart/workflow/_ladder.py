"""The ladder of a run: its frames as one weighted sample, and populations at its rungs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError, StoreError
from nanochart.statistics import Estimate
from nanochart.store import Frames, Run
from nanochart.tempering import Ladder, TemperedSample, rung_populations, tempered_sample

__all__ = ["ladder_sample", "populations_at_rungs", "whole_frames"]

#: Frames below which a ladder has no populations with errors.
_FEWEST = 20


def whole_frames(frames: Frames, run: Run) -> NDArray[np.bool_]:
    """Which frames hold every replica, with its energy and rung, (frame,).

    Raises
    ------
    StoreError
        If the run has no ladder.
    """
    energies, rungs = frames.thermal.energies, frames.thermal.rungs
    if frames.ladder is None or energies is None or rungs is None:
        raise StoreError(
            f"{run.path} has no ladder with energies and rungs, which thermodynamics is made of: "
            "sample with `nanochart sample`"
        )
    return np.asarray((np.isfinite(energies) & (rungs >= 0)).all(axis=1))


def ladder_sample(
    frames: Frames, run: Run, whole: NDArray[np.bool_] | None = None
) -> TemperedSample:
    """Frames of a run of parallel tempering as one weighted sample.

    Parameters
    ----------
    frames, run
        Of the run.
    whole
        Which frames count, (frame,); by default those that hold every replica.

    Raises
    ------
    StoreError
        If the run has no ladder.
    ValueError
        If a rung has no frames or neighbouring rungs do not overlap.
    """
    chosen = whole_frames(frames, run) if whole is None else whole
    thermal, temperatures = frames.thermal, frames.ladder
    energies, rungs, exchanges = thermal.energies, thermal.rungs, thermal.exchanges
    assert temperatures is not None  # noqa: S101  `whole_frames` has looked
    assert energies is not None  # noqa: S101
    assert rungs is not None  # noqa: S101
    ladder = Ladder(tuple(float(t) for t in temperatures))
    outcome = None if exchanges is None else exchanges[chosen]
    return tempered_sample(energies[chosen], rungs[chosen], ladder, outcome)


def populations_at_rungs(
    frames: Frames, run: Run, codes: ArrayLike, names: Sequence[str]
) -> Estimate | None:
    """Share of each motif or family at each rung, (label, rung), as `thermo_run` has them.

    None where the run has no ladder, too few frames, or frames without a label.

    Parameters
    ----------
    frames, run
        Of parallel tempering.
    codes
        (frame, replica), index into the names.
    names
        Of the labels.
    """
    labels = np.asarray(codes)
    if frames.ladder is None or len(frames.ladder) < 2 or len(labels) < _FEWEST:
        return None
    try:
        whole = whole_frames(frames, run)
        if not whole.any() or labels[whole].min() < 0:
            return None
        return rung_populations(ladder_sample(frames, run, whole), labels[whole], names)
    except (StoreError, ValueError, ConvergenceError):  # no rungs, empty ones, or no overlap
        return None
