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
    """Of a ladder; the first ``n_discarded`` rounds leave no frame."""

    n_discarded: int
    observed = Round

    def number(self, state: TemperingState) -> int:
        """Rounds that were done."""
        return state.round

    def frames(self, state: TemperingState, rounds: Sequence[Round]) -> dict[str, np.ndarray]:
        """The run's arrays of some rounds, a frame each."""
        del state
        frames = {
            "positions": recentred(np.stack([r.positions for r in rounds])),
            "energy": np.stack([r.energies for r in rounds]),
            "temperature": np.stack([r.temperatures for r in rounds]),
            "rung": np.stack([r.rungs for r in rounds]),
            "step": np.array([r.steps for r in rounds]),
        }
        if len(rounds[0].accepted):
            frames["exchange_accepted"] = np.stack([r.accepted for r in rounds])
        return frames

    def pack(self, state: TemperingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A state as arrays and plain values."""
        arrays = {name: getattr(state.replicas, name) for name in REPLICAS}
        return arrays | {"rungs": state.rungs}, {"round": state.round, "seed": state.seed}

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> TemperingState:
        """The state of `pack`."""
        replicas = State(*(arrays[name] for name in REPLICAS))
        return TemperingState(replicas, arrays["rungs"], int(info["round"]), int(info["seed"]))
