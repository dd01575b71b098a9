"""A sampling in progress: the ladder's state and the rounds that are not committed yet.

Frames are committed in whole chunks. A checkpoint holds the state after a round together with the
rounds since the last commit, so that a stopped run recomputes nothing that a checkpoint has seen.
"""

import time
from dataclasses import dataclass, field

import numpy as np

from nanochart.dynamics import State
from nanochart.store import Run
from nanochart.tempering import Round, TemperingState

__all__ = ["Sampling", "restore"]

_REPLICAS = ("positions", "velocities", "temperatures", "random", "steps")
_ROUND = ("positions", "energies", "temperatures", "rungs", "accepted", "steps")


@dataclass
class Sampling:
    """What a run in progress consists of.

    ``run`` holds the committed frames, ``pending`` the rounds after them, and ``state`` is that
    after all of these. The first ``n_discarded`` rounds leave no frame.
    """

    run: Run
    n_discarded: int
    state: TemperingState
    pending: list[Round] = field(default_factory=list)
    last: Round = field(init=False)
    _saved: float = field(init=False, default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Seconds since the last checkpoint."""
        return time.monotonic() - self._saved

    @property
    def whole(self) -> bool:
        """Whether state and frames fit together: an interrupt may come between the two."""
        frames = self.run.committed() + len(self.pending)
        return frames == max(0, self.state.round - self.n_discarded)

    @property
    def equilibrated(self) -> bool:
        """Whether the last round was the last to be discarded."""
        return self.state.round == self.n_discarded

    def take_up(self, state: TemperingState, observed: Round) -> None:
        """Go on to the state after a round, whose frame is kept unless it is to be discarded."""
        self.state, self.last = state, observed
        if state.round > self.n_discarded:
            self.pending.append(observed)

    @property
    def full(self) -> bool:
        """Whether the pending rounds fill a block."""
        block: slice = next(self.run.pending())
        n_frames: int = block.stop - block.start
        return len(self.pending) == n_frames

    def commit(self) -> None:
        """Commit the pending rounds, which fill a block."""
        self.run.write_frames(self.run.committed(), _frames(self.pending))
        self.pending = []

    def save(self) -> None:
        """Write a checkpoint."""
        replicas = self.state.replicas
        arrays = {name: getattr(replicas, name) for name in _REPLICAS} | {"rungs": self.state.rungs}
        if self.pending:
            for name in _ROUND:
                values = [np.asarray(getattr(r, name)) for r in self.pending]
                arrays[f"pending_{name}"] = np.stack(values)
        info = {"round": self.state.round, "seed": self.state.seed, "pending": len(self.pending)}
        self.run.save_checkpoint(arrays, info)
        self._saved = time.monotonic()


def restore(run: Run, n_discarded: int) -> Sampling | None:
    """Sampling at the last checkpoint, None if there is none.

    Frames that were committed after it are given up; they will be computed again.
    """
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        run.truncate(0)
        return None
    arrays, info = checkpoint.arrays, checkpoint.info
    state = TemperingState(
        State(*(arrays[name] for name in _REPLICAS)),
        arrays["rungs"],
        int(info["round"]),
        int(info["seed"]),
    )
    pending = [
        Round(
            arrays["pending_positions"][k],
            arrays["pending_energies"][k],
            arrays["pending_temperatures"][k],
            arrays["pending_rungs"][k],
            arrays["pending_accepted"][k],
            int(arrays["pending_steps"][k]),
        )
        for k in range(int(info.get("pending", 0)))
    ]
    run.truncate(checkpoint.frames)
    return Sampling(run, n_discarded, state, pending)


def _frames(rounds: list[Round]) -> dict[str, np.ndarray]:
    # Recentred: the ensemble knows no position of the centre of mass, and float32 likes the origin.
    positions = np.stack([r.positions for r in rounds])
    positions = positions - positions.mean(axis=2, keepdims=True)
    frames = {
        "positions": positions,
        "energy": np.stack([r.energies for r in rounds]),
        "temperature": np.stack([r.temperatures for r in rounds]),
        "rung": np.stack([r.rungs for r in rounds]),
        "step": np.array([r.steps for r in rounds]),
    }
    if len(rounds[0].accepted):
        frames["exchange_accepted"] = np.stack([r.accepted for r in rounds])
    return frames
