"""Harmonically mapped mean energies of a run's ladder."""

import numpy as np
from numpy.typing import NDArray

from nanochart.dynamics import Langevin, confined_forces
from nanochart.errors import NanochartError
from nanochart.parallel import chunks
from nanochart.potentials import is_compiled
from nanochart.store import Run
from nanochart.tempering import (
    HarmonicFrames,
    MappedEnergies,
    TemperedSample,
    harmonic_frames,
    mapped_energies,
)
from nanochart.workflow.system import run_config

__all__ = ["mapped_energies_of"]

#: Frames that are read at once.
_AT_ONCE = 256


def mapped_energies_of(
    run: Run, sample: TemperedSample, numbers: NDArray[np.int64]
) -> MappedEnergies | None:
    """Mean energies at the rungs without their harmonic fluctuations.

    None where the run has not the inherent structure of every frame, or the potential is one that
    is called from Python or not at hand.

    Parameters
    ----------
    run
        Sampled.
    sample
        Its frames as one sample.
    numbers
        Numbers of these frames in the run, (frame,).
    """
    config, time_step = run_config(run), run.metadata.time_step
    if (
        config is None
        or time_step is None
        or run.committed("quench") < run.committed()
        or not len(numbers)
    ):
        return None
    if int(run.info("quench").get("every", 1)) > 1:
        return None
    try:
        potential = run.system.potential
    except NanochartError:
        return None
    if not is_compiled(potential):
        return None
    radius = run.metadata.provenance.get("sphere_radius")
    dynamics = Langevin(time_step, config.dynamics.friction, radius)
    parts: list[HarmonicFrames] = []
    before = None
    for part in chunks(len(numbers), _AT_ONCE):
        first, last = int(numbers[part][0]), int(numbers[part][-1]) + 1
        here = numbers[part] - first
        frames = run.frames(first, last)
        x, minima = frames.thermal.positions[here], frames.inherent.positions[here]
        flat = x.reshape(-1, *x.shape[2:])
        forces = confined_forces(flat, potential, dynamics)[1].reshape(x.shape)
        parts.append(harmonic_frames(x, minima, forces, before))
        before = minima[-1]
    joined = HarmonicFrames(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("shifts", "freedom", "lengths", "changed")
        )
    )
    frame_time = config.steps_per_frame(time_step) * time_step
    exchanges = run.frames().thermal.exchanges
    return mapped_energies(
        sample, joined, frame_time, potential.mass,
        None if exchanges is None else exchanges[numbers],
    )  # fmt: skip
