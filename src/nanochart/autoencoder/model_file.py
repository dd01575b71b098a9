"""Saved models: one safetensors file, ``chart.nanochart``, with a JSON header."""

import os
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nanochart.autoencoder.architectures.network import MIN_BINS, Network, build_network
from nanochart.autoencoder.config import TrainingConfig
from nanochart.autoencoder.history import History
from nanochart.autoencoder.tensor_file import read_tensors, write_tensors
from nanochart.descriptors import MOST_BINS, RDF
from nanochart.errors import ModelError

__all__ = [
    "FORMAT",
    "VERSION",
    "Header",
    "fill_network",
    "network_arrays",
    "read_model",
    "write_model",
]

FORMAT: Final = "nanochart model"
#: 2 came with charts of several metals, 3 with a checksum; earlier files are read as before.
VERSION = 3

#: More than any cluster has whose pairs are all summed.
_MOST_ATOMS = 1_000_000


class Header(BaseModel):
    """What a model file says beside its arrays."""

    # NaN stays NaN when dumped, so that it is refused instead of becoming null.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format: Literal["nanochart model"] = FORMAT
    version: int = VERSION
    n_bins: int = Field(ge=MIN_BINS, le=MOST_BINS)
    config: TrainingConfig
    rdf: dict[str, Any]
    element: str
    n_atoms: int = Field(ge=2, le=_MOST_ATOMS)
    history: History
    provenance: dict[str, Any]
    lengths: dict[str, float] = Field(default_factory=dict)


def write_model(path: str | os.PathLike[str], network: Network, header: Header) -> None:
    """Write a model; see ``Model.save``.

    The time that the training took is left out, so that equal trainings give equal files.
    """
    values = header.model_dump(
        mode="json", exclude={"history": {"curves": {"__all__": {"seconds"}}}}
    )
    write_tensors(path, network_arrays(network), values)


def read_model(path: str | os.PathLike[str]) -> tuple[Network, Header, RDF]:
    """The parts of a model that `write_model` wrote; see ``load``."""
    tensors, values = read_tensors(path, FORMAT, VERSION)
    try:
        header = Header.model_validate(values)
        rdf = RDF.from_dict(header.rdf)
    except (ValidationError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise ModelError(
            f"the header of {os.fspath(path)} is damaged ({_first_line(error)}): copy or train the "
            "model again"
        ) from error
    network = build_network(header.config.architecture, header.n_bins, header.config.bottleneck)
    fill_network(network, tensors, os.fspath(path))
    return network, header, rdf


def network_arrays(network: Network) -> dict[str, NDArray[Any]]:
    """Weights, buffers and scalings by name, in the single precision they were trained in."""
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().numpy().copy()
        for name, tensor in network.state_dict().items()
    }


def fill_network(network: Network, tensors: dict[str, NDArray[Any]], source: str) -> None:
    """Give a network laid out by ``build_network`` its arrays, after checking each.

    Raises
    ------
    ModelError
        If an array is missing, unknown, of another shape or type, or not finite.
    """
    layout = network.state_dict()
    remedy = "copy or train the model again"
    for name in sorted(layout.keys() ^ tensors.keys()):
        what = "lacks the array" if name in layout else "has an unknown array"
        raise ModelError(f"{source} {what} {name!r}: {remedy}")
    for name, tensor in layout.items():
        array = tensors[name]
        kind = np.float32 if tensor.is_floating_point() else np.int64
        if array.shape != tuple(tensor.shape) or array.dtype != kind:
            raise ModelError(
                f"the array {name!r} of {source} must be {np.dtype(kind)} of shape "
                f"{tuple(tensor.shape)}; got {array.dtype} of shape {array.shape}: {remedy}"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"the array {name!r} of {source} must be finite: {remedy}")
    # A copy, because arrays from a file may be read-only views of it.
    values = {name: torch.from_numpy(np.array(tensors[name])) for name in layout}
    network.load_state_dict(values, assign=True)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).partition("\n")[0]
