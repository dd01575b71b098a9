"""The application, and how errors leave it."""

import os
import sys
from typing import Annotated

import typer

from nanochart import __version__
from nanochart._kernel_cache import fallback_sentence
from nanochart.cli._interrupts import INTERRUPTED, as_interrupts, what_is_left

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
        _bias,
        _chart,
        _demo,
        _explore,
        _export,
        _families,
        _fes,
        _import,
        _info,
        _label,
        _presets,
        _quench,
        _refine,
        _report,
        _sample,
        _thermo,
        _track,
        _train,
        _warmup,
    )


def main() -> None:
    """Run the command line: one sentence and a non-zero exit code for what went wrong.

    Set ``NANOCHART_TRACEBACK`` to any value to see where an error came from.
    """
    if sentence := fallback_sentence():
        typer.echo(f"nanochart: {sentence}", err=True)
    received = as_interrupts()
    try:
        _register()
        # Typer itself turns an interrupt into this exit code.
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get("NANOCHART_TRACEBACK"):
            raise
        sentence, code = _explained(error)
        if sentence is None:
            raise
        typer.echo(f"nanochart: {sentence}", err=True)
    if code == INTERRUPTED:
        typer.echo(f"nanochart: {what_is_left(sys.argv[1:])}", err=True)
        code = 128 + received[-1] if received else code
    sys.exit(code if isinstance(code, int) else 0)


def _explained(error: Exception) -> tuple[str | None, int]:
    """The sentence for an error and the exit code; no sentence for what should never happen."""
    usage = getattr(error, "format_message", None)
    if usage is not None:
        command = getattr(getattr(error, "ctx", None), "command_path", "nanochart")
        message = " ".join(usage().split()).rstrip(".").replace("Value error, ", "")
        return f"{message} (see `{command} --help`)", 2
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename} cannot be read or written: {error.strerror}", 1
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this ({error or 'none is left'})", 1
    if isinstance(error, (ValueError, TypeError, OSError, RuntimeError)):
        return str(error) or type(error).__name__, 1
    return None, 1
