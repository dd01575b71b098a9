"""What a sampling says: what it will take and make, then each frame with the exchanges so far."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.config import RunConfig
from nanochart.progress import Progress
from nanochart.shown import counted
from nanochart.tempering import (
    BatchSegment,
    Ladder,
    MappedExchange,
    RestrictedSegment,
    Round,
    Segment,
    TemperingConfig,
    TemperingState,
)
from nanochart.units import kelvin_range
from nanochart.workflow.forecast import forecast_dynamics, seconds_of
from nanochart.workflow.tempering_rounds import TemperingRounds

__all__ = ["Told", "Work", "frame_bytes", "run_bytes", "size_words"]

#: Bytes of a stored attempt of a pair: of three values, which are compressed to a fifth.
_ATTEMPT_BYTES = 0.2


@dataclass(frozen=True, eq=False)
class Work:
    """What a round of a ladder is made of."""

    dynamics: Segment
    segment: Segment
    tempering: TemperingConfig
    mapped: MappedExchange | None
    pool: Executor

    @property
    def shared(self) -> bool:
        """Whether replicas are shared among workers: not with a potential called from Python."""
        return not isinstance(self.segment, BatchSegment)

    def quenches(self, state: TemperingState) -> float:
        """Measure seconds of one core that the quenches of a round take for each replica.

        A mapped pair has its turn in every second round. Replicas that have not moved yet would be
        quenched in no time, so it is done where a round takes one of each pair.
        """
        seconds, replicas, ladder = 0.0, state.replicas, self.tempering.ladder
        holder = np.argsort(state.rungs)
        steps = self.tempering.steps_per_round

        def moved(rung: int) -> NDArray[np.float64]:
            return self.dynamics(replicas[int(holder[rung])], steps, steps)[0].positions

        restricted = getattr(self.segment, "restricted", self.segment)
        if isinstance(restricted, RestrictedSegment):
            x, inside = moved(len(ladder) // 2), restricted.inside
            seconds += 2.0 * seconds_of(lambda: inside(x))  # of either half of a round
        mapped = self.mapped
        n = 0 if mapped is None else ladder.pairs_below(mapped.below)
        if mapped is not None and n:
            k = n // 2
            x = np.stack([moved(k), moved(k + 1)], axis=1)
            energies, betas = mapped.energies(x[0])[None], ladder.betas[None, k : k + 2]
            always = np.array([-np.inf])
            pair = seconds_of(lambda: mapped.attempt(x, energies, betas, always, self.pool))
            seconds += 0.5 * n * pair / mapped.every / len(ladder)
        return seconds


class Told:
    """Reports a sampling: what it will take, then each frame with the exchanges until then."""

    def __init__(
        self, config: RunConfig, kind: TemperingRounds, time_step: float, progress: Progress
    ) -> None:
        self.exchanges = _Exchanges(config.tempering.ladder)
        self.config = config
        self.time_step = time_step
        self.kind = kind
        self.total = config.n_discarded + config.n_frames
        self.progress = progress

    def ahead(self, work: Work, state: TemperingState) -> None:
        """Report how long the frames that are left will take, and how large the run will be."""
        replicas, config = state.replicas, self.config
        forecast_dynamics(
            self.progress,
            "sample",
            (self.kind.number(state), self.total),
            steps_per_frame=config.steps_per_frame(self.time_step),
            time_step=self.time_step,
            stride=1,
            clusters=(len(replicas), "replica"),
            piece=lambda steps: work.dynamics(replicas[len(replicas) // 2], steps, steps),
            executor=work.pool if work.shared else None,
            beside=lambda: config.tempering.exchanges_per_frame * work.quenches(state),
            stored=f"{counted(config.n_frames, 'frame')} in about {size_words(run_bytes(config))}",
        )

    def __call__(self, state: TemperingState, observed: Round) -> None:
        """Report a frame that is done."""
        done = self.kind.number(state)
        note = "equilibrating" if done <= self.kind.n_discarded else ""
        self.progress("sample", done, self.total, self.exchanges.add(observed, note))


def frame_bytes(config: RunConfig) -> int:
    """Bytes of positions of one replica in one frame; the rest, and compression, are about even."""
    return 12 * config.system.n_atoms


def run_bytes(config: RunConfig) -> float:
    """Bytes that a run will take: the positions of its frames, and the exchanges between them."""
    n, attempts = len(config.tempering.ladder), config.tempering.exchanges_per_frame
    return config.n_frames * (n * frame_bytes(config) + _ATTEMPT_BYTES * attempts * (n - 1))


def size_words(size: float) -> str:
    """A size in bytes, in the unit that suits it."""
    if size >= 1e9:
        return f"{size / 1e9:.2g} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


class _Exchanges:
    """Counts of exchanges since the command began, for the eye."""

    def __init__(self, ladder: Ladder) -> None:
        self.temperatures = ladder.temperatures
        self.tried = np.zeros(max(len(ladder) - 1, 0), dtype=np.int64)
        self.accepted = self.tried.copy()

    def add(self, observed: Round, prefix: str = "") -> str:
        """Take up a round, and say how the ladder does."""
        attempts = np.atleast_2d(observed.accepted)
        self.tried += (attempts >= 0).sum(axis=0)
        self.accepted += (attempts == 1).sum(axis=0)
        words = [prefix] if prefix else []
        if self.tried.sum():
            words.append(f"acceptance {self.accepted.sum() / self.tried.sum():.0%}")
        if self.tried.size and self.tried.min() >= 10:
            k = int(np.argmin(self.accepted / self.tried))
            pair = kelvin_range(*self.temperatures[k : k + 2])
            words.append(f"lowest {self.accepted[k] / self.tried[k]:.0%} at {pair}")
        return ", ".join(words)
