"""The ``nanochart`` command."""

from nanochart.cli.app import main

__all__ = ["main"]
