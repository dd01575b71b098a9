"""What the compiled chart asks of an architecture."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CompiledEncoder", "Weights", "scaling"]

#: Arrays of a trained network by name.
Weights = dict[str, NDArray[np.float64]]


class CompiledEncoder(NamedTuple):
    """An encoder as the compiled chart evaluates it: ``ENCODER`` of ``kernels_<architecture>``.

    The last three are compiled by Numba.
    """

    #: Type of the tables, a named tuple of arrays of its own, by which the kernels are found.
    tables: type
    #: ``compile(weights)``: the tables of a network.
    compile: Callable[[Weights], Any]
    #: Whether it decides, by a maximum or a ReLU. Where two bins are nearly equal, rounding would
    #: choose, so such an encoder gets the RDF in double precision.
    exact: bool
    #: ``make_workspace(tables)``: scratch arrays.
    make_workspace: Any
    #: ``encode(tables, g, filled, work, s)``: coordinates ``s`` (d,) of an RDF ``g`` (n_bins,) in
    #: 1/Å, which is zero from the bin ``filled`` on; keeps what the way back needs.
    encode: Any
    #: ``decode(tables, work, slope, filled, cotangent)``: gradient of Σ_k slope[k] s[k] by the last
    #: RDF, into ``cotangent`` (n_bins,), where what is beyond ``filled`` has no meaning.
    decode: Any


def scaling(weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factor and shift (n_bins,) with which factor * g + shift is what the encoder sees."""
    factor = 1.0 / weights["input_scale"]
    return factor, -weights["input_shift"] * factor
