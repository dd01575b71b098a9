"""The application, and how errors leave it."""

import os
import sys
from typing import Annotated

import typer

from nanochart import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="nanochart",
    help="Structural landscapes of metal nanoclusters: from a metal's name to its chart.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"nanochart {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def _register() -> None:
    # Each module adds its command to `app`; they import what they need when they run.
    from nanochart.cli import (  # noqa: F401
        _chart,
        _demo,
        _export,
        _import,
        _presets,
        _quench,
        _report,
        _sample,
        _train,
        _warmup,
    )


def main() -> None:
    """Run the command line: one sentence and a non-zero exit code for what went wrong.

    Set ``NANOCHART_TRACEBACK`` to any value to see where an error came from.
    """
    _register()
    try:
        app()
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        if os.environ.get("NANOCHART_TRACEBACK"):
            raise
        message = str(error) or type(error).__name__
        typer.echo(f"nanochart: {message}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("nanochart: interrupted; what was committed is kept", err=True)
        sys.exit(130)
