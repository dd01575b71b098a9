"""nanochart: the structural landscapes of metal nanoclusters.

One package for the whole chain: parallel-tempering molecular dynamics of metal clusters, inherent
structures, differentiable radial distribution functions, and a convolutional autoencoder whose
bottleneck is a low-dimensional chart of the structures.

`sample` begins a `Study`, a run with its stages as methods. In a notebook ``%load_ext nanochart``
shows results as pictures.

Subpackages load on first use, so that ``import nanochart`` stays cheap.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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

__all__ = ["Study", "__version__", "sample", *_SUBPACKAGES]  # noqa: PLE0604  # strings, above


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"nanochart.{name}")
    if name in {"Study", "sample"}:
        study = import_module("nanochart.workflow").Study
        return study if name == "Study" else study.sample
    raise AttributeError(f"module 'nanochart' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Show results as pictures in a notebook: what ``%load_ext nanochart`` calls."""
    import_module("nanochart.workflow").show_in_notebook(shell)
