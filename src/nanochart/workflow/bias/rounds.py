"""How the rounds of biased dynamics are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanochart.biasing import (
    STATES,
    BiasedRound,
    BiasedState,
    BiasingState,
)
from nanochart.dynamics import State
from nanochart.workflow.tempering_rounds import REPLICAS, recentred

__all__ = ["BiasedRounds"]

#: Before the names of the arrays of a method's state in a checkpoint.
_METHOD = "method_"


@dataclass(frozen=True)
class BiasedRounds:
    """Of walkers under a bias; every round leaves a frame."""

    n_discarded = 0
    observed = BiasedRound

    def number(self, state: BiasingState) -> int:
        """Rounds that were done."""
        return state.round

    def frames(self, state: BiasingState, rounds: Sequence[BiasedRound]) -> dict[str, np.ndarray]:
        """The run's arrays of some rounds, a frame each."""
        T = state.walkers.walkers.temperatures
        return {
            "positions": recentred(np.stack([r.positions for r in rounds])),
            "energy": np.stack([r.energies for r in rounds]),
            "kinetic_energy": np.stack([r.kinetic_energies for r in rounds]),
            "temperature": np.broadcast_to(T, (len(rounds), len(T))).copy(),
            "step": np.array([r.steps for r in rounds]),
            "cv": np.stack([r.values for r in rounds]),
            "bias_energy": np.stack([r.bias_energies for r in rounds]),
            "restraint": np.stack([r.centres for r in rounds]),
            "work": np.stack([r.work for r in rounds]),
            "log_weight": np.stack([r.log_weights for r in rounds]),
        }

    def pack(self, state: BiasingState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A state as arrays and plain values."""
        walkers = state.walkers
        arrays = {name: getattr(walkers.walkers, name) for name in REPLICAS}
        arrays["work"] = walkers.work
        for name, value in state.method._asdict().items():
            arrays[f"{_METHOD}{name}"] = np.asarray(value)
        return arrays, {"round": state.round, "method": type(state.method).__name__}

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
        """The state of `pack`."""
        kind: Any = STATES[info["method"]]
        stored = {name: arrays[f"{_METHOD}{name}"] for name in kind._fields}
        method = kind(**{name: a if a.ndim else float(a) for name, a in stored.items()})
        walkers = State(*(arrays[name] for name in REPLICAS))
        return BiasingState(BiasedState(walkers, arrays["work"]), method, int(info["round"]))
