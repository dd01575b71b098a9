"""The state of a training between two epochs, and its file.

Everything the next epoch depends on is in the state; the order of the samples is drawn from
(seed, epoch) and needs no generator to be kept. So a training that is resumed from its file
continues bit for bit, on the same machine with the same number of threads.
"""

import copy
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from nanochart.autoencoder.architectures.network import Network
from nanochart.autoencoder.config import TrainingConfig
from nanochart.autoencoder.history import Progress
from nanochart.autoencoder.model_file import fill_network, network_arrays
from nanochart.autoencoder.tensor_file import read_tensors, write_tensors
from nanochart.errors import ModelError
from nanochart.shown import short_repr

__all__ = ["TrainingState", "load_state", "save_state"]

FORMAT: Final = "nanochart training"
VERSION = 2

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@short_repr
@dataclass
class TrainingState:
    """What continues from epoch to epoch.

    Attributes
    ----------
    network
        The weights that the optimizer changes.
    average
        Their moving average, or the same object where there is none.
    best
        Arrays of the average at its lowest validation loss.
    optimizer
        Adam with its moments.
    threads
        PyTorch threads in use; another number would round differently.
    steps
        Optimizer steps done.
    best_loss, best_epoch
        Lowest validation loss and its epoch.
    curves
        One ``Progress`` per finished epoch.
    """

    network: Network
    average: Network
    best: dict[str, NDArray[Any]]
    optimizer: torch.optim.Adam
    threads: int
    steps: int = 0
    best_loss: float = np.inf
    best_epoch: int = 0
    curves: list[Progress] = field(default_factory=list)

    @classmethod
    def start(cls, network: Network, config: TrainingConfig, threads: int) -> "TrainingState":
        """State before the first epoch."""
        average = copy.deepcopy(network) if config.averaging else network
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        return cls(network, average, network_arrays(network), optimizer, threads)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curves)

    @property
    def seconds(self) -> float:
        """Seconds spent in finished epochs."""
        return self.curves[-1].seconds if self.curves else 0.0


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format: Literal["nanochart training"] = FORMAT
    version: int = VERSION
    config: TrainingConfig
    fingerprint: str
    threads: int
    steps: int
    best_loss: float
    best_epoch: int
    curves: list[Progress]


def save_state(
    state: TrainingState,
    path: str | os.PathLike[str],
    config: TrainingConfig,
    fingerprint: str,
) -> None:
    """Write the state between two epochs to one file, whole or not at all.

    Parameters
    ----------
    state
        After at least one epoch.
    path
        The checkpoint file.
    config, fingerprint
        Of the training and its data; a resumed training must have the same.
    """
    tensors = {
        f"{group}/{name}": array
        for group, arrays in (
            ("network", network_arrays(state.network)),
            ("average", network_arrays(state.average)),
            ("best", state.best),
        )
        for name, array in arrays.items()
    }
    for name, parameter in state.network.named_parameters():
        for moment in _MOMENTS:
            tensors[f"{moment}/{name}"] = state.optimizer.state[parameter][moment].numpy()
    header = _Header(
        config=config,
        fingerprint=fingerprint,
        threads=state.threads,
        steps=state.steps,
        best_loss=state.best_loss,
        best_epoch=state.best_epoch,
        curves=[Progress(**asdict(curve)) for curve in state.curves],
    )
    write_tensors(path, tensors, header.model_dump(mode="json"))


def load_state(
    state: TrainingState,
    path: str | os.PathLike[str],
    config: TrainingConfig,
    fingerprint: str,
) -> None:
    """Put a saved state into a fresh one, in place, if the file exists.

    Parameters
    ----------
    state
        As ``TrainingState.start`` makes it.
    path
        The checkpoint file; nothing happens if there is none.
    config, fingerprint
        Of the training and its data.

    Raises
    ------
    ModelError
        If the file is damaged or foreign, or is of another training.
    """
    if not Path(path).exists():
        return
    source = os.fspath(path)
    tensors, values = read_tensors(path, FORMAT, VERSION)
    try:
        header = _Header.model_validate(values)
    except ValidationError as error:
        raise ModelError(
            f"the header of the checkpoint {source} is damaged: delete it and train again"
        ) from error
    _check_same_training(header, config, fingerprint, source)

    groups: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in tensors.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    best = copy.deepcopy(state.network)
    for group, network in (
        ("best", best),
        ("network", state.network),
        ("average", state.average),
    ):
        _fill(network, groups.get(group, {}), source)
    state.best = network_arrays(best)
    for name, parameter in state.network.named_parameters():
        moments = {}
        for moment in _MOMENTS:
            moment_array = groups.get(moment, {}).get(name)
            shape = () if moment == "step" else tuple(parameter.shape)
            if moment_array is None or moment_array.shape != shape:
                raise ModelError(
                    f"the checkpoint {source} lacks the {moment} of {name!r}: delete it and train "
                    "again"
                )
            moments[moment] = torch.from_numpy(np.array(moment_array))
        state.optimizer.state[parameter] = moments
    state.threads = header.threads
    state.steps = header.steps
    state.best_loss = header.best_loss
    state.best_epoch = header.best_epoch
    state.curves = list(header.curves)


def _fill(network: Network, arrays: dict[str, NDArray[Any]], source: str) -> None:
    """Copy arrays into the network's own storage, which the optimizer refers to."""
    loaded = copy.deepcopy(network)
    fill_network(loaded, arrays, source)
    network.load_state_dict(loaded.state_dict())


def _check_same_training(
    header: _Header, config: TrainingConfig, fingerprint: str, source: str
) -> None:
    # A time budget does not change the path of the training, only where it ends.
    then, now = header.config.model_dump(), config.model_dump()
    for name in now:
        if name != "max_seconds" and then[name] != now[name]:
            raise ModelError(
                f"the checkpoint {source} was made with {name} = {then[name]!r}, but the training "
                f"asks for {now[name]!r}: resume with the same settings or train without resume"
            )
    if header.fingerprint != fingerprint:
        raise ModelError(
            f"the checkpoint {source} was made with other data (RDFs or split): resume with the "
            "same data, train without resume, or delete it"
        )
