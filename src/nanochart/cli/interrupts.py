"""Signals that end a command, and what its user is told then."""

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from nanochart.progress import Progress

__all__ = ["INTERRUPTED", "INTERRUPTS", "Interrupts", "what_is_left"]

#: Exit code of a command that Ctrl-C ended.
INTERRUPTED = 130

#: Commands whose work goes on with this option.
_RESUMED = ("bias", "sample", "search", "train")
#: Commands that go on where they were when they are run again.
_CONTINUED = ("demo", "label", "quench", "refine")


class Interrupts:
    """What Ctrl-C, and the SIGTERM that a queue sends at the end of a job's time, do to a command.

    The first ends the command: after the round, the frame or the piece of work, where it does one
    after another, else at once. Compiled loops cannot be left in the middle, so the second ends
    the process; whatever was committed is whole on the disk by then.

    Attributes
    ----------
    received
        The signals that came, as they come.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self._unit = ""

    def install(self) -> None:
        """Take the signals over, for the life of the process."""
        with contextlib.suppress(ValueError):  # not the main thread: signals are another's
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._handle)

    @contextlib.contextmanager
    def in_rounds(self, unit: str = "round") -> Iterator[Callable[[], bool]]:
        """The first signal raises nothing within the block; the answer is whether it came."""
        self._unit = unit
        try:
            yield lambda: bool(self.received)
        finally:
            self._unit = ""

    @contextlib.contextmanager
    def in_pieces(self, progress: Progress) -> Iterator[Progress]:
        """Progress of stages that save each piece of work before they report it.

        The first signal ends the command at the next report.
        """
        with self.in_rounds("piece of work") as stop:

            def told(stage: str, done: float, total: float, note: str = "") -> None:
                progress(stage, done, total, note)
                if stop():
                    raise KeyboardInterrupt

            yield told

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if len(self.received) > 1:
            _say(f"stopped at once; {what_is_left(sys.argv[1:])}")
            os._exit(128 + number)
        if not self._unit:
            raise KeyboardInterrupt
        _say(f"stopping after this {self._unit}; once more stops at once")


#: Those of this process.
INTERRUPTS = Interrupts()


def _say(sentence: str) -> None:
    """Write to the terminal, past a stream that the signal may have caught in a write."""
    os.write(2, f"\nnanochart: {sentence}\n".encode())


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
            f"what was committed is kept: go on with `{line} --resume`, or without "
            "--resume where nothing had begun"
        )
    if command in _CONTINUED:
        line = shlex.join(["nanochart", *(a for a in arguments if a != "--again")])
        return f"what was committed is kept: go on with `{line}`"
    return "what was not finished is as it was before: run the command again"
