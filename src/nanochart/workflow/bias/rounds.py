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
    HeatedRound,
    HeatedState,
)
from nanochart.dynamics import State
from nanochart.workflow.tempering_rounds import REPLICAS, recentred

__all__ = ["BiasedRounds", "HeatedRounds"]

#: Before the names of the arrays of a method's state in a checkpoint.
_METHOD = "method_"


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
        arrays = {**_packed(state.walkers), **_packed_method(_METHOD, state.method)}
        return arrays, {"round": state.round, "method": type(state.method).__name__}

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
        """The state of `pack`."""
        method = _method(_METHOD, info["method"], arrays)
        return BiasingState(_walkers(arrays), method, int(info["round"]))


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
        heated: HeatedState = state.method
        arrays = {**_packed(state.walkers), "rungs": heated.rungs}
        for k, method in enumerate(heated.methods):
            arrays |= _packed_method(f"rung{k}_{_METHOD}", method)
        kinds = [type(method).__name__ for method in heated.methods]
        return arrays, {"round": state.round, "methods": kinds}

    def unpack(self, arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> BiasingState:
        """The state of `pack`."""
        methods = tuple(
            _method(f"rung{k}_{_METHOD}", kind, arrays) for k, kind in enumerate(info["methods"])
        )
        heated = HeatedState(arrays["rungs"], methods)
        return BiasingState(_walkers(arrays), heated, int(info["round"]))


def _packed(walkers: BiasedState) -> dict[str, np.ndarray]:
    arrays = {name: getattr(walkers.walkers, name) for name in REPLICAS}
    return {**arrays, "work": walkers.work}


def _walkers(arrays: Mapping[str, np.ndarray]) -> BiasedState:
    return BiasedState(State(*(arrays[name] for name in REPLICAS)), arrays["work"])


def _packed_method(prefix: str, method: Any) -> dict[str, np.ndarray]:
    return {f"{prefix}{name}": np.asarray(value) for name, value in method._asdict().items()}


def _method(prefix: str, kind: str, arrays: Mapping[str, np.ndarray]) -> Any:
    made: Any = STATES[kind]
    stored = {name: arrays[f"{prefix}{name}"] for name in made._fields}
    return made(**{name: a if a.ndim else float(a) for name, a in stored.items()})
