"""The ``nanochart`` command."""

from nanochart.cli.main import main

__all__ = ["main"]
