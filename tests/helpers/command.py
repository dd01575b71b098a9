"""The command line, called in this process as a process of its own would be."""

import contextlib
import io
import logging
import os
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from nanochart.cli.app import main
from nanochart.cli.interrupts import INTERRUPTS

#: The command as it is installed, for tests of what only a process has: start-up, signals.
NANOCHART = Path(sys.executable).with_name("nanochart")


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@contextlib.contextmanager
def as_in_a_process(arguments, cwd):
    """Arguments, folder, signals and what a command changes for its process, for a while."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    asyncio, argv = logging.getLogger("asyncio"), sys.argv
    level, received = asyncio.level, list(INTERRUPTS.received)
    sys.argv = ["nanochart", *arguments]
    try:
        with contextlib.chdir(cwd or Path.cwd()), warnings.catch_warnings():
            yield
    finally:
        sys.argv = argv
        asyncio.setLevel(level)
        INTERRUPTS.received[:] = received
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)


def nanochart(*args, cwd=None, code=0):
    """Run the command in this process, without the seconds that a process needs to begin."""
    out, err = io.StringIO(), io.StringIO()
    returned = None
    with (
        as_in_a_process([str(a) for a in args], cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            returned = left.code or 0
    return checked(Done(returned, out.getvalue(), err.getvalue()), code)


def nanochart_process(*args, cwd=None, code=0):
    """Run the command in a process of its own, as a user does."""
    environment = {k: v for k, v in os.environ.items() if k != "NANOCHART_TRACEBACK"}
    done = subprocess.run(
        [NANOCHART, *map(str, args)],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return checked(Done(done.returncode, done.stdout, done.stderr), code)


def checked(done, code):
    assert code in {None, done.returncode}, done.stderr
    assert "Traceback" not in done.stderr
    return done
