"""What a long command will take, measured on small pieces of its own work before it begins."""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Executor

from nanochart.errors import NanochartError
from nanochart.progress import Progress, duration, silent
from nanochart.shown import counted

__all__ = ["forecast", "forecast_dynamics", "seconds_of"]

#: Time steps of one replica whose time is measured for the estimate of the whole.
_STEPS = 100
#: Seconds that the measurement of these may take.
_PATIENCE = 5.0
#: Seconds over which a piece of work is repeated to be timed.
_MEASURE = 0.2


def seconds_of(piece: Callable[[], object]) -> float:
    """Seconds that a piece of work takes; it is done once before, which compiles its kernels."""
    piece()
    n, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < _MEASURE:
        piece()
        n += 1
    return elapsed / n


def forecast(
    progress: Progress,
    stage: str,
    done: float,
    total: float,
    *,
    seconds: Callable[[], float],
    what: str,
    executor: Executor | None = None,
    at_once: float = float("inf"),
) -> None:
    """Report, before the work begins, how long all of it will take.

    The time is measured and not tabulated: it depends on the machine, the cluster and the bias.
    Nothing is measured where nobody listens or nothing is left to do.

    Parameters
    ----------
    progress
        Called once, as ``progress(stage, done, total, note)`` with the estimate in the note.
    stage, done, total
        Name of the stage, and how much of it is done before it begins.
    seconds
        Measures how many seconds of one core the work ahead takes, and changes nothing. An error
        that it raises is left to the work itself, which explains it; there is no estimate then.
    what
        The work ahead, in words.
    executor
        Where the work runs; its number of workers divides the time where it is known. None is the
        calling thread.
    at_once
        How many pieces of the work can run at the same time, however many workers there are.
    """
    if progress is silent or done >= total:
        return
    with contextlib.suppress(NanochartError, ValueError):
        progress(stage, done, total, f"{what}: {_words(seconds(), executor, at_once)}")


def forecast_dynamics(
    progress: Progress,
    stage: str,
    frames: tuple[int, int],
    *,
    steps_per_frame: int,
    time_step: float,
    stride: int,
    clusters: tuple[int, str],
    piece: Callable[[int], object],
    executor: Executor | None,
    beside: Callable[[], float] = lambda: 0.0,
    stored: str = "",
) -> None:
    """Report, before frames of dynamics are made, how long all that are left will take.

    Parameters
    ----------
    progress, stage, executor
        As of `forecast`.
    frames
        Done, and in all.
    steps_per_frame, time_step
        Steps of each, in fs.
    stride
        Steps of which a piece is a multiple.
    clusters
        How many go at once, and what they are called.
    piece
        Goes so many steps with one of them.
    beside
        Measures how many seconds of one core a frame of one of them takes beside its steps.
    stored
        What will be stored, in words.
    """
    done, total = frames
    n, noun = clusters
    left = (total - done) * steps_per_frame
    few = stride * max(1, min(_STEPS, steps_per_frame) // stride)

    def seconds() -> float:
        piece(stride)  # compiles its kernels
        begin = time.perf_counter()
        piece(stride)
        one = time.perf_counter() - begin
        if one * few > _PATIENCE * stride:  # of a slow potential, few steps tell enough
            # A segment asks for forces once more than it has steps.
            per_step = one / (stride + 1)
        else:
            per_step = seconds_of(lambda: piece(few)) / few
        return n * (left * per_step + (total - done) * beside())

    forecast(
        progress,
        stage,
        done,
        total,
        seconds=seconds,
        what=f"{counted(n, noun)} of {left * time_step * 1e-6:.3g} ns{stored and ', '}{stored}",
        executor=executor,
        at_once=n,
    )


def _words(seconds: float, executor: Executor | None, at_once: float) -> str:
    """How long work of so many seconds of one core takes, in words."""
    workers = 1 if executor is None else getattr(executor, "_max_workers", None)
    if workers is None:
        return f"about {duration(seconds)} of one core, over the number of workers"
    workers = int(min(workers, at_once))
    clock = f"about {duration(max(1.0, seconds / workers))}"
    if executor is None:
        return clock
    return f"{clock} on {counted(workers, 'thread')}"
