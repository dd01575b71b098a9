"""Independent pieces of work on any ``concurrent.futures.Executor``."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = [
    "InThisThread",
    "available_cores",
    "chunks",
    "map_in_order",
    "threads_at_once",
    "use_executor",
    "use_threads",
]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Threads that were asked for; the innermost block of `use_threads` counts. They are of the process
#: and not of a context, which the threads of a pool do not share.
_ASKED: list[int] = []


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_at_once() -> int:
    """Threads that what is parallel takes by itself: those of `use_threads`, or one per core."""
    return _ASKED[-1] if _ASKED else available_cores()


@contextmanager
def use_threads(count: int | None) -> Iterator[None]:
    """Let whatever is not told otherwise take so many threads within the block; None changes none.

    Results do not depend on it.
    """
    asked = [] if count is None else [count]
    _ASKED.extend(asked)
    try:
        yield
    finally:
        del _ASKED[len(_ASKED) - len(asked) :]


class InThisThread(Executor):
    """Runs each piece of work at once, where it is handed in: for what is a piece of work itself.

    It is stateless, so that a piece of work may hold one.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run, and return the future of what is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  whoever asks for the result gets it
            future.set_exception(error)
        return future


@contextmanager
def use_executor(executor: Executor | None) -> Iterator[Executor]:
    """The caller's executor, or threads for the time of the block.

    Threads suffice, because compiled kernels release the interpreter's lock.
    """
    if executor is not None:
        yield executor
        return
    with ThreadPoolExecutor(threads_at_once()) as threads:
        yield threads


def map_in_order(
    function: Callable[[Item], Outcome],
    items: Iterable[Item],
    executor: Executor | None = None,
    *,
    threads: bool = True,
) -> Generator[Outcome, None, None]:
    """Results in the order of the items, each as soon as it and its forerunners are done.

    Closing the generator cancels what has not begun. Without ``threads`` an item begins when the
    one before is done, unless the executor is one of other processes: what a user wrote may not
    bear to be called twice at once.
    """
    if not threads and (executor is None or isinstance(executor, ThreadPoolExecutor)):
        for item in items:
            yield function(item)
        return
    with use_executor(executor) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def chunks(n: int, size: int) -> list[slice]:
    """Slices of at most ``size`` that cover ``range(n)``."""
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]
