"""Where replicas run: threads of this process, or the workers of a Dask cluster."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from nanochart.errors import NanochartError

__all__ = ["ExecutorError", "dask_executor", "thread_executor"]

#: Loggers of Dask and of what it stands on that print tracebacks when a scheduler is lost.
_NOISY = ("distributed.client", "distributed.comm", "distributed.core", "tornado.application")
#: Seconds between two looks at whether a client still has its scheduler.
_LOOK = 1.0


class ExecutorError(NanochartError, RuntimeError):
    """The machines that should do the work cannot be reached, or were lost."""


@contextmanager
def thread_executor(threads: int | None) -> Iterator[Executor | None]:
    """``threads`` threads of this process; None, one per core, is what every stage takes anyway."""
    if threads is None:
        yield None
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool


@contextmanager
def dask_executor(
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    timeout: float | None = None,
) -> Iterator[Executor]:
    """The workers of a running Dask cluster, as an executor.

    Parameters
    ----------
    scheduler
        Address, as in ``tcp://10.0.0.1:8786``.
    scheduler_file
        File that ``dask scheduler --scheduler-file`` wrote; one of the two is needed.
    timeout
        Seconds to wait for the scheduler, in the beginning and when it is lost; None takes Dask's
        own setting, ``distributed.comm.timeouts.connect``, of 30 seconds where nothing else is set.

    Raises
    ------
    ValueError
        If not exactly one of the two is given.
    ExecutorError
        If ``distributed`` is not installed, the scheduler is not there, or it is lost on the way.
    """
    if (scheduler is None) == (scheduler_file is None):
        raise ValueError(
            "Dask needs the address of a scheduler (--scheduler) or the file that it wrote "
            f"(--scheduler-file), one of the two; got {scheduler!r} and {scheduler_file!r}"
        )
    if scheduler_file is not None and not Path(scheduler_file).is_file():
        raise ExecutorError(
            f"there is no scheduler file {scheduler_file}: start one with "
            f"`dask scheduler --scheduler-file {scheduler_file}`"
        )
    distributed = _distributed()
    where = scheduler or str(scheduler_file)
    address: dict[str, Any] = {"address": scheduler} if scheduler else {}
    if scheduler_file is not None:
        address["scheduler_file"] = str(scheduler_file)
    if timeout is not None:
        address["timeout"] = timeout
    try:
        client = distributed.Client(**address, set_as_default=False)
    except (OSError, ValueError, distributed.comm.core.CommClosedError) as error:
        raise ExecutorError(
            f"no Dask scheduler answers at {where}: start one with `dask scheduler`, and check the "
            f"address and the network ({error})"
        ) from error
    with _silent(), client:
        try:
            with DaskExecutor(client) as watched:
                yield watched
        except distributed.scheduler.KilledWorker as error:
            raise ExecutorError(
                f"the Dask cluster at {where} gave up on a segment, because too many workers "
                f"died while they ran it: look at their logs, set "
                f"distributed.scheduler.allowed-failures higher, and resume; what was saved is kept"
            ) from error
        except (CancelledError, distributed.comm.core.CommClosedError) as error:
            raise ExecutorError(
                f"the Dask scheduler at {where} was lost: start it again and resume; what was "
                f"saved is kept"
            ) from error


class DaskExecutor(Executor):
    """The executor of a Dask client, whose futures end when the client has lost its scheduler.

    The client cancels the futures that it knows when it gives a scheduler up. One that is handed in
    while it still tries to reach the scheduler again is not among them, and would never end.
    """

    def __init__(self, client: Any) -> None:
        # Every task is new: to hash its arrays for a name would be work for nothing.
        self._client, self._executor = client, client.get_executor(pure=False)
        self._pending: set[Future[Any]] = set()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            if self._client.status not in {"closing", "closed"}:
                continue
            for future in tuple(self._pending):
                with suppress(InvalidStateError):
                    future.set_exception(CancelledError())


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own tracebacks from the terminal: what is lost is told in one sentence."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _distributed() -> Any:
    try:
        import distributed
        import distributed.comm.core
        import distributed.scheduler
    except ImportError:
        raise ExecutorError(
            "a Dask cluster needs the package distributed, which is not installed: "
            "`pip install 'nanochart[dask]'`"
        ) from None
    return distributed
