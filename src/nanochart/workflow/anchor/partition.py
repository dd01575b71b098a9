"""The partition function of one motif, from its ladder and the vibrations of its minima."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from nanochart.free_energy import (
    Anchor,
    AnchoredMotif,
    HarmonicMinimum,
    Works,
    carried_up,
    draw_vibrations,
    harmonic_minimum,
    neighbour_works,
    works_of_frames,
)
from nanochart.landscape import ENERGY_TOLERANCE
from nanochart.parallel import chunks, use_executor
from nanochart.potentials import Potential
from nanochart.progress import Progress
from nanochart.search import Catalogue
from nanochart.store import Frames, Run
from nanochart.tempering import Ladder, MappedExchange
from nanochart.workflow.ladder import ladder_sample

__all__ = ["AnchorConfig", "frames_that_count", "motif_partition"]

Floats = NDArray[np.float64]

#: Frames whose works are computed at once.
_AT_ONCE = 64
#: Share of a ladder that is left out at its beginning.
_LEFT_OUT = 0.1
#: Share of the coldest rung that a minimum must have there, harmonically, to be anchored in.
_SHARE = 1e-3


@dataclass(frozen=True)
class AnchorConfig:
    """Settings of anchored free energies.

    Attributes
    ----------
    ladder
        Temperatures, the coldest of which must be one at which minima are nearly harmonic.
    time_per_replica
        Stored time of each replica in ns.
    swap_interval
        Time between exchanges in ps.
    n_draws
        Draws of the harmonic vibrations that a motif is anchored in.
    n_minima
        Minima of each motif that the harmonic superposition adds up.
    seed
        Seed of all that is drawn.
    """

    ladder: Ladder
    time_per_replica: float = 10.0
    swap_interval: float = 10.0
    n_draws: int = 2_000
    n_minima: int = 100
    seed: int = 0


def motif_partition(
    run: Run,
    catalogue: Catalogue,
    potential: Potential,
    exchange: MappedExchange,
    config: AnchorConfig,
    executor: Executor | None,
    progress: Progress,
) -> tuple[AnchoredMotif, Floats]:
    """Anchor the ladder of a motif in the vibrations of its minima, and carry it up.

    Parameters
    ----------
    run
        The ladder, quenched.
    catalogue
        The lowest minima of the motif.
    potential, exchange
        Of the ladder.
    config
        Settings.
    executor
        Executor that quenches run on.
    progress
        Function that is told how far the work is.

    Returns
    -------
    found, lowest
        The partition function at the rungs, and the energy of the lowest minimum in eV, (1,).
    """
    ladder = config.ladder
    T = np.array(ladder.temperatures)
    minima: list[HarmonicMinimum] = []
    for k, positions in enumerate(catalogue.positions):
        made = harmonic_minimum(positions, potential)
        minima += [] if made is None else [made]
        progress("vibrations", k + 1, len(catalogue))
    logs = np.array([m.log_partition(T) for m in minima])
    cold = logs[:, 0]
    chosen = np.flatnonzero(cold - cold.max() > np.log(_SHARE))
    anchored = [minima[k] for k in chosen]
    log_harmonic, draws = draw_vibrations(
        anchored, exchange, T[0], config.n_draws, config.seed, executor
    )
    works, rungs = _works(run, ladder, exchange, executor, progress)
    back = _works_back(run, potential, np.array([m.energy for m in anchored]), float(T[0]))
    reservation = ladder_sample(frames_that_count(run), run).reservation
    anchor = Anchor(log_harmonic, draws, back)
    log_partition, overlap = carried_up(works, rungs, ladder, anchor, reservation)
    lowest = minima[int(np.argmin([m.energy for m in minima]))]
    found = AnchoredMotif(
        temperatures=T,
        log_partition=log_partition,
        log_quantum=lowest.log_quantum(T),
        log_harmonic=np.asarray(logsumexp(logs, axis=0)),
        overlap=overlap,
        n_minima=len(minima),
        n_anchors=len(chosen),
        listed=float(np.isfinite(back).mean()),
    )
    return found, np.array([lowest.energy])


def frames_that_count(run: Run) -> Frames:
    """All frames but the first tenth: replicas begin in the lowest minima, at every temperature."""
    return run.frames(_first(run), run.committed("quench"))


def _first(run: Run) -> int:
    return int(_LEFT_OUT * run.committed("quench"))


def _works(
    run: Run,
    ladder: Ladder,
    exchange: MappedExchange,
    executor: Executor | None,
    progress: Progress,
) -> tuple[Works, NDArray[np.int64]]:
    up, down, rungs = [], [], []
    first = _first(run)
    n = run.committed("quench") - first
    with use_executor(executor) as pool:
        for part in chunks(n, _AT_ONCE):
            frames = run.frames(first + part.start, first + part.stop)
            r = np.asarray(frames.thermal.rungs).astype(np.int64)
            E = np.asarray(frames.thermal.energies)
            found = neighbour_works(
                exchange, ladder, frames.thermal.positions, frames.inherent.positions, E, r, pool
            )
            up.append(found.up)
            down.append(found.down)
            rungs.append(r)
            progress("works", part.stop, n)
    return Works(np.concatenate(up), np.concatenate(down)), np.concatenate(rungs)


def _works_back(run: Run, potential: Potential, listed: Floats, temperature: float) -> Floats:
    """Works of the frames of the coldest rung to the vibrations of the minima of these energies."""
    frames = frames_that_count(run)
    rungs, thermal = frames.thermal.rungs, frames.thermal.energies
    assert rungs is not None  # noqa: S101  a ladder has them
    assert thermal is not None  # noqa: S101
    cold = np.flatnonzero(np.asarray(rungs == 0).ravel())
    own = np.asarray(frames.inherent.energies).ravel()[cold]
    E = np.asarray(thermal).ravel()[cold] - own
    works = np.full(len(cold), np.inf)
    near = np.abs(own[:, None] - listed).min(axis=1) < ENERGY_TOLERANCE
    for part in chunks(int(near.sum()), _AT_ONCE):
        some = np.flatnonzero(near)[part]
        x = frames.thermal.structures(cold[some])
        minima = frames.inherent.structures(cold[some])
        works[some] = works_of_frames(potential, x, minima, E[some], temperature)
    return works
