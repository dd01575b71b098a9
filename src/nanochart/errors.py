"""Errors that are not simply a wrong value or type.

Each also inherits the builtin that fits, so callers need not import these names to catch them.
"""

__all__ = [
    "ConfigError",
    "ConvergenceError",
    "DynamicsError",
    "ModelError",
    "NanochartError",
    "PotentialError",
    "StoreError",
]


class NanochartError(Exception):
    """Base of the errors below; its message is one sentence that names the remedy."""


class ConfigError(NanochartError, ValueError):
    """A configuration file asks for something that is not possible."""


class ConvergenceError(NanochartError, RuntimeError):
    """An iteration ended before it reached its tolerance."""


class DynamicsError(NanochartError, RuntimeError):
    """A trajectory left the physical region: overlapping atoms, NaN, an exploded cluster."""


class ModelError(NanochartError, ValueError):
    """A saved model is unreadable or does not fit the data."""


class PotentialError(NanochartError, RuntimeError):
    """The code of another program that gives energies and forces failed."""


class StoreError(NanochartError, OSError):
    """A run on disk is missing, foreign, locked or damaged."""
