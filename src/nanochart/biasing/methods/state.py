"""The state of methods that learn nothing."""

from typing import NamedTuple

__all__ = ["NoState"]


class NoState(NamedTuple):
    """State of a method that learns nothing on the way."""
