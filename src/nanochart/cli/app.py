"""The application, and how errors leave it."""

import logging
import os
import sys
import warnings
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from nanochart import __version__
from nanochart.cli.display import COMMAND
from nanochart.cli.interrupts import INTERRUPTED, INTERRUPTS, what_is_left
from nanochart.cli.options import say
from nanochart.compiled.cache import fallback_sentence
from nanochart.parallel import use_threads

__all__ = ["app", "main"]

#: Exit code of a fault of the program itself, as of BSD's sysexits.
_FAULT = 70
#: Commands, each in the file of its name, as ``nanochart --help`` lists them: in the order in which
#: one works.
_ORDER = (
    "demo", "presets", "search", "sample", "import", "info", "quench", "label", "thermo", "train",
    "chart", "families", "explore", "track", "anchor", "bias", "fes", "refine", "report", "export",
    "doctor", "warmup",
)  # fmt: skip


def _as_flags(parameters: list[Any]) -> list[Any]:
    """Parameters of a command whose help shows ``--resume`` as a flag, not as one with a value."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _as_flags(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        COMMAND.set(ctx.info_name or "")
        # Of stages that take no executor, too.
        with use_threads(ctx.params.get("threads", ctx.params.get("_threads"))):
            return super().invoke(ctx)


class _InOrderOfWork(TyperGroup):
    """The commands, listed in the order of the work."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_flags(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=_ORDER.index)


app = typer.Typer(
    name="nanochart",
    cls=_InOrderOfWork,
    help="Structural landscapes of metal nanoclusters: from a metal's name to its chart.",
    pretty_exceptions_enable=False,
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
    # Each file adds its command to `app`; they import what they need when they run.
    for name in _ORDER:
        import_module(f"nanochart.cli.{name + '_' * iskeyword(name)}")
    for command in app.registered_commands:
        command.cls = _Command


def main() -> None:
    """Run the command line: one sentence and a non-zero exit code for what went wrong.

    Set ``NANOCHART_TRACEBACK`` to any value to see where an error came from.
    """
    if sentence := fallback_sentence():
        say(f"nanochart: {sentence}", err=True)
    # Of tasks that an error left asyncio speaks when the program ends; the sentence is enough.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    warnings.showwarning = _warn
    INTERRUPTS.install()
    try:
        _register()
        # Typer itself turns an interrupt into this exit code. A bare `nanochart` asks for help.
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get("NANOCHART_TRACEBACK"):
            raise
        sentence, code = _explained(error)
        say(f"nanochart: {sentence}", err=True)
    if code == INTERRUPTED:
        say(f"nanochart: interrupted; {what_is_left(sys.argv[1:])}", err=True)
        code = 128 + INTERRUPTS.received[-1] if INTERRUPTS.received else code
    sys.exit(code if isinstance(code, int) else 0)


def _warn(message: Warning | str, *_about: object, **_options: object) -> None:
    """A warning as the sentence that it is, without where in the program it came from."""
    say(f"nanochart: {message}", err=True)


def _explained(error: Exception) -> tuple[str, int]:
    """The sentence for an error, and the exit code."""
    usage = getattr(error, "format_message", None)
    if usage is not None:
        command = getattr(getattr(error, "ctx", None), "command_path", "nanochart")
        message = " ".join(usage().split()).rstrip(".").replace("Value error, ", "")
        return f"{message} (see `{command} --help`)", 2
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename} cannot be read or written: {error.strerror}", 1
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this ({error or 'none is left'})", 1
    ours = isinstance(error, RecursionError | NotImplementedError)
    if not ours and isinstance(error, ValueError | TypeError | OSError | RuntimeError):
        return str(error) or type(error).__name__, 1
    # What no check foresaw is a fault of the program, whatever the user asked for.
    what = " ".join(f"{type(error).__name__}: {error}".split())
    sentence = (
        f"this is a fault of nanochart ({what:.300}): please report it with what is shown when "
        "NANOCHART_TRACEBACK=1 is set"
    )
    return sentence, _FAULT
