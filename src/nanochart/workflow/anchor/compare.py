"""What the ladder of a run itself says of its motifs, to stand beside their anchors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import ConvergenceError, StoreError
from nanochart.statistics import Estimate, state_populations
from nanochart.store import Run
from nanochart.tempering import Ladder
from nanochart.workflow.ladder import ladder_sample, whole_frames

__all__ = ["compared_by_ladder"]


def compared_by_ladder(
    run: Run, order: Sequence[str], ladder: Ladder
) -> tuple[NDArray[np.float64], dict[str, Estimate]]:
    """Free energies in eV of motifs less that of the first, by the ladder of the run itself.

    Parameters
    ----------
    run
        Of parallel tempering, or any other, of which nothing is known.
    order
        Motifs.
    ladder
        Of the anchored free energies.

    Returns
    -------
    hotter, differences
        Temperatures in K of the run's ladder above those of the other (hotter,), and the difference
        of each motif but the first at the rungs of the other and at these (temperature,).
    """
    first, *others = order
    frames, own = run.frames(), run.frames().ladder
    top = ladder.temperatures[-1]
    hotter = np.array([] if own is None else [t for t in own if t > top], dtype=float)
    T = np.concatenate([ladder.temperatures, hotter])
    nothing = np.full(len(T), np.nan)
    if not others:
        return hotter, {}
    try:
        whole = whole_frames(frames, run)
        sampled = ladder_sample(frames, run, whole)
    except (StoreError, ValueError, ConvergenceError) as error:  # no ladder, or none that joins
        return hotter, {name: Estimate.unknown(nothing, str(error)) for name in others}
    if not frames.has("label"):
        why = f"{run.path} has no motifs to compare with: `nanochart label` finds them"
        return hotter, {name: Estimate.unknown(nothing, why) for name in others}
    codes, names = frames.motifs.codes[whole], tuple(frames.motifs.names)
    places = {name: names.index(name) for name in order}
    pairs = [(places[first], places[name]) for name in others]
    rungs = sampled.ladder.temperatures
    found: list[Estimate] = []
    for temperature in T:
        there = sampled.joined_from <= temperature <= rungs[-1] or temperature in rungs
        if not there:
            why = f"the ladder of {run.path} has no frames at {temperature:g} K"
            found.append(Estimate.unknown(np.full(len(pairs), np.nan), why))
            continue
        states = state_populations(codes, sampled.at(float(temperature)), float(temperature), names)
        found.append(states.differences(pairs))
    joined = Estimate.stacked(found)
    return hotter, {name: joined[:, k] for k, name in enumerate(others)}
