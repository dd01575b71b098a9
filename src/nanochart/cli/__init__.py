"""The ``nanochart`` command."""

from nanochart.cli._main import main

__all__ = ["main"]
