"""The architectures by name.

An architecture is a folder here that has its name, with ``recipe.RECIPE``, ``network.Encoder``,
``network.Decoder`` and ``encoder.cpp``. Only the networks need PyTorch.
"""

from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Final

from nanochart.autoencoder.architectures.recipe import Recipe

__all__ = ["ARCHITECTURES", "DEFAULT_RECIPE", "encoder_source", "network_module", "recipe"]

#: The names of the architectures; the first is the default.
ARCHITECTURES: Final = ("compact", "paper")


def recipe(architecture: str) -> Recipe:
    """Settings that an architecture is trained with."""
    found: Recipe = _part(architecture, "recipe").RECIPE
    return found


def network_module(architecture: str) -> ModuleType:
    """Module with the ``Encoder`` and the ``Decoder`` of an architecture.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if architecture not in ARCHITECTURES:
        names = " or ".join(repr(name) for name in ARCHITECTURES)
        raise ValueError(f"the architecture must be {names}; got {architecture!r}")
    return _part(architecture, "network")


def encoder_source(architecture: str) -> str:
    """C++ of the encoder of an architecture, a ``struct Encoder``; see `chart_source`.

    It finds the sizes ``n_bins`` and ``bottleneck`` and every array of the encoder under its name
    in the network, with ``_`` for dots, and ``Convolution`` of ``compiled_chart/layers.cpp``.
    ``encode(input, s)`` gives coordinates ``s`` of a scaled RDF, and ``pull(d)`` the gradient of
    s[d] by the last input.
    """
    return files(f"{__package__}.{architecture}").joinpath("encoder.cpp").read_text("utf-8")


def _part(architecture: str, part: str) -> ModuleType:
    return import_module(f"{__package__}.{architecture}.{part}")


DEFAULT_RECIPE: Final = recipe(ARCHITECTURES[0])
