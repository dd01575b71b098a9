"""How the rounds of biased dynamics are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanochart.biasing import (
    BiasedRound,
    BiasedState,
    BiasingState,
    HeatedRound,
    pack_method,
    unpack_method,
)
from nanochart.dynamics import State
from nanochart.workflow.tempering_rounds import REPLICAS, recentred

__all__ = ["BiasedRounds", "HeatedRounds"]


@dataclass(frozen=True)
class BiasedRounds:
    """Of walkers under a bias; every round leaves a frame."""

    n_discarded = 0
    observed = BiasedRound

    def number(self, state: BiasingState) -> int:
        """Frames that were done, one a round."""
        return state.round

    def frames(self, state: BiasingState, observed: Sequence[BiasedRound]) -> dict[str, np.ndarray]:
        """The run's arrays of some rounds, each of which is a frame."""
        T = state.walkers.walkers.temperatures
        return {
            "positions": recentred(np.stack([r.positions for r in observed])),
            "energy": np.stack([r.energies for r in observed]),
            "kinetic_energy": np.stack([r.kinetic_energies for r in observed]),
            "temperature": np.broadcast_to(T, (len(observed), len(T))).copy(),
            "step": np.array([r.steps for r in observed]),
            "cv": np.stack([r.values for r in observed]),
            "bias_energy": np.stack([r.bias_energies for r in observed]),
            "restraint": np.stack([r.centres for r in observed]),
            "work": np.stack([r.work for r in observed]),
            "log_weight": np.stack([r.log_weights for r in observed]),
        }

    def pack(self, state: BiasingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A state as arrays and plain values."""
        return _packed(state)

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
        """The state of `pack`."""
        return _unpacked(arrays, info)


@dataclass(frozen=True)
class HeatedRounds:
    """Of walkers under the biases of a ladder; every round leaves a frame."""

    n_discarded = 0
    observed = HeatedRound

    def number(self, state: BiasingState) -> int:
        """Frames that were done, one a round."""
        return state.round

    def frames(self, state: BiasingState, observed: Sequence[HeatedRound]) -> dict[str, np.ndarray]:
        """The run's arrays of some rounds, each of which is a frame."""
        return {
            **BiasedRounds().frames(state, observed),
            "temperature": np.stack([r.temperatures for r in observed]),
            "rung": np.stack([r.rungs for r in observed]),
            "exchanged": np.stack([r.exchanged for r in observed]),
            "rung_log_weight": np.stack([r.rung_log_weights for r in observed]),
        }

    def pack(self, state: BiasingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A state as arrays and plain values."""
        return _packed(state)

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
        """The state of `pack`."""
        return _unpacked(arrays, info)


def _packed(state: BiasingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays, info = pack_method(state.method)
    walkers = {name: getattr(state.walkers.walkers, name) for name in REPLICAS}
    return {**walkers, "work": state.walkers.work, **arrays}, {"round": state.round, **info}


def _unpacked(arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
    walkers = BiasedState(State(*(arrays[name] for name in REPLICAS)), arrays["work"])
    return BiasingState(walkers, unpack_method(arrays, info), int(info["round"]))
