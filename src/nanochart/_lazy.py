"""Packages whose names load on first use, so that start-up pays only for what a command needs."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """``__getattr__`` of a package (PEP 562) that takes each name from its module.

    Parameters
    ----------
    package
        The package's ``__name__``.
    modules
        Public name -> module within the package.
    """

    def get(name: str) -> Any:
        if name in modules:
            return getattr(import_module(f"{package}.{modules[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
