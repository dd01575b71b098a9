"""The architectures by name.

An architecture is a folder here that has its name, with ``recipe.RECIPE``, ``network.Encoder`` and
``network.Decoder``. Only the last two need PyTorch.
"""

from importlib import import_module
from types import ModuleType
from typing import Final

from nanochart.autoencoder.architectures.recipe import Recipe

__all__ = ["ARCHITECTURES", "DEFAULT_RECIPE", "network_module", "recipe"]

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


def _part(architecture: str, part: str) -> ModuleType:
    return import_module(f"{__package__}.{architecture}.{part}")


DEFAULT_RECIPE: Final = recipe(ARCHITECTURES[0])
