"""How the rounds of parallel tempering are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanochart.dynamics import State
from nanochart.tempering import Round, TemperingState

__all__ = ["REPLICAS", "TemperingRounds", "recentred"]

#: Arrays of a state of dynamics.
REPLICAS = ("positions", "velocities", "temperatures", "random", "steps")


def recentred(positions: np.ndarray) -> np.ndarray:
    """Configurations (..., atom, 3) about their centres.

    The ensemble knows no position of the centre of mass, and float32 likes the origin.
    """
    centred: np.ndarray = positions - positions.mean(axis=-2, keepdims=True)
    return centred


@dataclass(frozen=True)
class TemperingRounds:
    """Of a ladder, ``rounds_per_frame`` at once; the first ``n_discarded`` leave no frame."""

    n_discarded: int
    rounds_per_frame: int = 1
    observed = Round

    def number(self, state: TemperingState) -> int:
        """Frames that were done, those that are discarded included."""
        return state.round // self.rounds_per_frame

    def frames(self, state: TemperingState, observed: Sequence[Round]) -> dict[str, np.ndarray]:
        """The run's arrays of what `nanochart.tempering.next_frame` observed, a frame each."""
        del state
        frames = {
            "positions": recentred(np.stack([r.positions for r in observed])),
            "energy": np.stack([r.energies for r in observed]),
            "temperature": np.stack([r.temperatures for r in observed]),
            "rung": np.stack([r.rungs for r in observed]),
            "step": np.array([r.steps for r in observed]),
        }
        if observed[0].accepted.shape[-1]:
            name = "exchange_accepted" if self.rounds_per_frame == 1 else "exchange_history"
            frames[name] = np.stack([r.accepted for r in observed])
        return frames

    def pack(self, state: TemperingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A state as arrays and plain values."""
        arrays = {name: getattr(state.replicas, name) for name in REPLICAS}
        return arrays | {"rungs": state.rungs}, {"round": state.round, "seed": state.seed}

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> TemperingState:
        """The state of `pack`."""
        replicas = State(*(arrays[name] for name in REPLICAS))
        return TemperingState(replicas, arrays["rungs"], int(info["round"]), int(info["seed"]))
