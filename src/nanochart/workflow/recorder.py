"""One recorder for whatever makes frames: pending frames, commits, checkpoints, stops, failures.

A frame is what is stored of one round, or of several in a row. Frames are committed in whole
chunks. A checkpoint holds the state after a frame together with the frames since the last commit,
so that a stopped run recomputes nothing that a checkpoint has seen.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from nanochart.errors import DynamicsError, StoreError
from nanochart.store import Run
from nanochart.workflow.sessions import SessionLog

__all__ = ["Recorder", "Rounds", "never"]

S = TypeVar("S")
R = TypeVar("R")
Arrays = dict[str, np.ndarray]

#: Seconds after which a checkpoint is written also within a chunk: what a kill loses at most,
#: beside the frame in flight.
_CHECKPOINT_SECONDS = 30.0
#: Before the names of the frames' arrays in a checkpoint.
_PENDING = "pending_"


def never() -> bool:
    """The answer of a caller who does not stop a run."""
    return False


class Rounds(Protocol[S, R]):
    """How one kind of rounds is written down: S is the state between frames, R what one observed.

    R is a dataclass whose fields are arrays or numbers.
    """

    @property
    def observed(self) -> type[R]:
        """The type R."""

    @property
    def n_discarded(self) -> int:
        """Frames at the beginning that are not stored."""

    def number(self, state: S) -> int:
        """Frames that were done, those that are not stored included."""

    def frames(self, state: S, observed: Sequence[R]) -> Arrays:
        """The run's arrays of some frames."""

    def pack(self, state: S) -> tuple[Arrays, dict[str, Any]]:
        """A state as arrays and plain values."""

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> S:
        """The state of `pack`; a KeyError names what is missing."""


@dataclass
class Recorder(Generic[S, R]):
    """A run in progress.

    Attributes
    ----------
    run
        Holds the committed frames; open for writing and locked.
    kind
        How its rounds are written down.
    state
        After all frames, those that are pending included.
    pending
        Frames since the last commit.
    """

    run: Run
    kind: Rounds[S, R]
    state: S
    pending: list[R] = field(default_factory=list)
    _saved: float = field(init=False, default_factory=time.monotonic)

    @classmethod
    def begin(cls, run: Run, kind: Rounds[S, R], state: S) -> "Recorder[S, R]":
        """Begin a run at a state, which a checkpoint keeps from here on."""
        run.truncate(0)
        recorder = cls(run, kind, state)
        recorder.save()
        return recorder

    @classmethod
    def restore(cls, run: Run, kind: Rounds[S, R]) -> "Recorder[S, R] | None":
        """A run at its last checkpoint; None if it has none.

        Frames that were committed after the checkpoint are given up; they are computed again.

        Raises
        ------
        StoreError
            If the checkpoint lacks what this version continues.
        """
        checkpoint = run.load_checkpoint()
        if checkpoint is None:
            return None
        arrays, info = checkpoint.arrays, checkpoint.info
        try:
            state = kind.unpack(arrays, info)
            pending = _restored(kind.observed, arrays, int(info["pending"]))
        except KeyError as error:
            raise StoreError(
                f"the checkpoint of {run.path} must hold what this version of nanochart continues; "
                f"got one without {error.args[0]}: go on with the version that wrote it "
                "(`nanochart info` names it), or begin anew with another --output"
            ) from None
        run.truncate(checkpoint.frames)
        return cls(run, kind, state, pending)

    def record(
        self,
        step: Callable[[S], tuple[S, R]],
        log: SessionLog,
        *,
        ahead: Callable[[S], None],
        told: Callable[[S, R], None],
        stop: Callable[[], bool],
        judged: Callable[[], str | None] = lambda: None,
        advised: Callable[[], str | None] = lambda: None,
        explained: Callable[[BaseException], str | None] = lambda _: None,
    ) -> None:
        """Make frames until the planned frames are committed, or until something ends the run.

        Parameters
        ----------
        step
            One frame: from a state to the next and what was observed.
        log
            Keeps when and how fast this process worked on the run.
        ahead
            Told the state before the first frame, unless none is left.
        told
            Told of every frame that is done.
        stop
            Asked after every frame; once it answers True, all that was computed is saved.
        judged
            Asked after every commit, and at the start of what was committed before: a sentence on
            why the run is done before its planned end, or None.
        advised
            Asked at the end of a run that is done: a sentence on what to do about it, or None.
        explained
            The sentence for a user about an error that ended a frame, or None for an error that
            says it itself. All frames before are saved.

        Raises
        ------
        DynamicsError
            With the sentence of ``explained``.
        """
        run = self.run
        try:
            reached = self._advance(step, log, ahead, told, stop, judged)
        except StoreError:  # what the store refuses to write now cannot be saved either
            raise
        except BaseException as error:
            if self._whole:
                self.save()
            sentence = explained(error)
            log.record(failure=sentence)
            if sentence is None:
                raise
            raise DynamicsError(sentence) from error
        done = reached is not None or run.committed() == run.n_frames
        log.record(stopped=reached, advice=advised() if done else None)
        if run.committed() == run.n_frames and not run.complete:
            run.finalize()

    def _advance(
        self,
        step: Callable[[S], tuple[S, R]],
        log: SessionLog,
        ahead: Callable[[S], None],
        told: Callable[[S, R], None],
        stop: Callable[[], bool],
        judged: Callable[[], str | None],
    ) -> str | None:
        """Make frames; why the run is done before its planned end, None where it is not."""
        run, stopped = self.run, False
        # A kill may have come between a commit and its judgement.
        reached = None if self.pending or not run.committed() else judged()
        if reached is None and run.committed() < run.n_frames:
            ahead(self.state)
        while not stopped and reached is None and run.committed() < run.n_frames:
            # Full before a frame: an interrupt came before the commit.
            if not self._full:
                state, observed = step(self.state)
                self._take_up(state, observed)
                log.add_frame()
                told(state, observed)
                stopped = stop()
            full = self._full
            if full:
                self._commit()
            if full or stopped or self._equilibrated or self._age > _CHECKPOINT_SECONDS:
                self.save()
                log.record_if_due()
            if full:
                reached = judged()
        return reached

    def save(self) -> None:
        """Write a checkpoint."""
        arrays, info = self.kind.pack(self.state)
        for name in _fields(self.kind.observed) if self.pending else ():
            values = [np.asarray(getattr(observed, name)) for observed in self.pending]
            arrays[f"{_PENDING}{name}"] = np.stack(values)
        self.run.save_checkpoint(arrays, {**info, "pending": len(self.pending)})
        self._saved = time.monotonic()

    @property
    def _age(self) -> float:
        """Seconds since the last checkpoint."""
        return time.monotonic() - self._saved

    @property
    def _whole(self) -> bool:
        """Whether state and frames fit together: an interrupt may come between the two."""
        frames = self.run.committed() + len(self.pending)
        return frames == max(0, self.kind.number(self.state) - self.kind.n_discarded)

    @property
    def _equilibrated(self) -> bool:
        """Whether the last frame was the last to be discarded."""
        return self.kind.number(self.state) == self.kind.n_discarded

    @property
    def _full(self) -> bool:
        """Whether the pending frames fill a chunk."""
        block: slice = next(self.run.pending())
        n_frames: int = block.stop - block.start
        return len(self.pending) == n_frames

    def _take_up(self, state: S, observed: R) -> None:
        """Go on to the state after a frame, which is kept unless it is to be discarded."""
        self.state = state
        if self.kind.number(state) > self.kind.n_discarded:
            self.pending.append(observed)

    def _commit(self) -> None:
        """Commit the pending frames, which fill a chunk."""
        self.run.write_frames(self.run.committed(), self.kind.frames(self.state, self.pending))
        self.pending = []


def _fields(observed: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(observed))


def _restored(observed: type[R], arrays: Mapping[str, np.ndarray], n: int) -> list[R]:
    """Pending frames of a checkpoint; numbers come back as Python's own."""
    if n == 0:
        return []
    stacked = {name: arrays[f"{_PENDING}{name}"] for name in _fields(observed)}
    rows = ({name: a[k] if a.ndim > 1 else a[k].item() for name, a in stacked.items()}
            for k in range(n))  # fmt: skip
    return [observed(**row) for row in rows]
