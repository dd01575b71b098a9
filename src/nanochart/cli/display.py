"""Progress on standard error: a live bar on a terminal, a line now and then elsewhere."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from nanochart.cli.options import say
from nanochart.output import printable
from nanochart.progress import Progress, duration, silent

__all__ = ["COMMAND", "show_progress"]

#: Name of the command that runs.
COMMAND: ContextVar[str] = ContextVar("COMMAND", default="")


@contextmanager
def show_progress(quiet: bool) -> Iterator[Progress]:
    """Progress of a command; stages of another name than the command's stand behind it."""
    command = COMMAND.get()

    def label(stage: str) -> str:
        return stage if stage == command or not command else f"{command}: {stage}"

    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bars(label) as progress:
            yield progress
    else:
        yield _Lines(label)


def _count(done: float) -> str:
    return f"{done:.0f}" if float(done).is_integer() else f"{done:g}"


def _of(done: float, total: float) -> str:
    """How far a stage is; of one whose end nobody knows, how much is done."""
    return f"{_count(done)}/{_count(total)}" if math.isfinite(total) else _count(done)


@contextmanager
def _bars(label: Callable[[str], str]) -> Iterator[Progress]:
    from rich.console import Console, RenderableType
    from rich.progress import (
        BarColumn,
        Progress as Bars,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class WithNotes(Bars):
        """Bars with their notes below, which a narrow terminal wraps and does not cut."""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            for task in self.tasks:
                if task.fields["note"] and not task.finished:
                    yield Text(f"  {task.fields['note']}", overflow="fold")

    columns = (
        TextColumn("{task.description:<7}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[far]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with WithNotes(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def advance(stage: str, done: float, total: float, note: str = "") -> None:
            known = total if math.isfinite(total) else None
            again = stage in tasks and bars.tasks[tasks[stage]].finished and done < total
            if stage not in tasks or again:
                tasks[stage] = bars.add_task(label(stage), total=known, note="", far="")
                # What a stage says before it begins, its estimate, stays above the bar.
                if note:
                    text = f"{label(stage)}: {printable(note)}"
                    bars.console.print(text, highlight=False, markup=False)
                    note = ""
            bars.update(tasks[stage], completed=done, total=known, note=printable(note),
                        far=_of(done, total))  # fmt: skip

        yield advance


class _Lines:
    """One line per stage every ten seconds and at its end, with an estimate of what is left."""

    def __init__(self, label: Callable[[str], str] = str, interval: float = 10.0) -> None:
        self.label = label
        self.interval = interval
        self.started: dict[str, tuple[float, float]] = {}
        self.last = 0.0

    def __call__(self, stage: str, done: float, total: float, note: str = "") -> None:
        now = time.monotonic()
        # The first report opens the stage: a resumed one does not begin at zero, and what a stage
        # says before it begins, its estimate, is always said.
        opens = stage not in self.started and bool(note)
        start, first = self.started.setdefault(stage, (now, done))
        if done < total and now - self.last < self.interval and not opens:
            return
        self.last = now
        elapsed = now - start
        if done >= total:
            clock = f", {elapsed:.0f} s"
            del self.started[stage]  # a stage of this name that comes again is another
        elif done > first:
            left = elapsed / (done - first) * (total - done)
            clock = f", {elapsed:.0f} s"
            clock += f", {duration(left)} left" if math.isfinite(left) else ""
        else:
            clock = ""
        line = f"{self.label(stage)}: {_of(done, total)}{clock}{', ' + note if note else ''}"
        say(line, err=True)
