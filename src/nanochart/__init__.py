"""nanochart: the structural landscapes of metal nanoclusters.

One package for the whole chain: parallel-tempering molecular dynamics of metal clusters, inherent
structures, differentiable radial distribution functions, and a convolutional autoencoder whose
bottleneck is a low-dimensional chart of the structures.

Subpackages load on first use, so that ``import nanochart`` stays cheap.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from nanochart.compiled.cache import prepare_cache

try:
    __version__ = version("nanochart")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

prepare_cache(Path(__file__).parent)

_SUBPACKAGES = (
    "autoencoder",
    "biasing",
    "clusters",
    "compiled_chart",
    "config",
    "descriptors",
    "dynamics",
    "errors",
    "free_energy",
    "interop",
    "landscape",
    "metals",
    "minimization",
    "motifs",
    "potentials",
    "report",
    "search",
    "statistics",
    "store",
    "system",
    "tempering",
    "testing",
    "units",
    "workflow",
)

__all__ = ["__version__", *_SUBPACKAGES]  # noqa: PLE0604  # a tuple of strings, above


def __getattr__(name: str) -> ModuleType:
    if name in _SUBPACKAGES:
        return import_module(f"nanochart.{name}")
    raise AttributeError(f"module 'nanochart' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
