"""Signals that end a command, and what its user is told then."""

import contextlib
import shlex
import signal
from collections.abc import Sequence
from types import FrameType

__all__ = ["INTERRUPTED", "as_interrupts", "what_is_left"]

#: Exit code of a command that Ctrl-C ended.
INTERRUPTED = 130

#: Commands whose work goes on with this option.
_RESUMED = ("bias", "sample", "train")
#: Commands that go on where they were when they are run again.
_CONTINUED = ("demo", "label", "quench", "refine")


def as_interrupts() -> list[int]:
    """Let a SIGTERM, which a queue sends at the end of a job's time, end a command as Ctrl-C does.

    Returns
    -------
    list of int
        The signals that came, as they come.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread: signals are another's
        signal.signal(signal.SIGTERM, interrupt)
    return received


def what_is_left(arguments: Sequence[str]) -> str:
    """Say what an interrupted command has left, and how to go on.

    Parameters
    ----------
    arguments
        Those of the command line, without the program's name.
    """
    command = next((a for a in arguments if not a.startswith("-")), "")
    if command in _RESUMED and "--tune-ladder" not in arguments:
        again = [a for a in arguments if a != "--resume"]
        line = shlex.join(["nanochart", *again])
        return (
            f"interrupted; what was committed is kept: go on with `{line} --resume`, or without "
            "--resume where nothing had begun"
        )
    if command in _CONTINUED:
        line = shlex.join(["nanochart", *(a for a in arguments if a != "--again")])
        return f"interrupted; what was committed is kept: go on with `{line}`"
    return "interrupted; what was not finished is as it was before: run the command again"
