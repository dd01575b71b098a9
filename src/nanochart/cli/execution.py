"""Options of the commands that simulate: the run that they make, and what advances it."""

from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = [
    "ExecutorKind",
    "ExecutorOption",
    "Resume",
    "RunFolder",
    "Scheduler",
    "SchedulerFile",
    "make_executor",
]


class ExecutorKind(StrEnum):
    """Where replicas run."""

    THREADS = "threads"
    DASK = "dask"


RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Folder of the new run; by default the name of CONFIG with .zarr."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run where it was stopped.")]
ExecutorOption = Annotated[
    ExecutorKind,
    typer.Option(
        help="Where replicas or walkers run: threads of this machine, or a Dask cluster's workers."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address of the Dask scheduler, as tcp://host:8786."),
]
SchedulerFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File that the Dask scheduler wrote.")
]


def make_executor(
    kind: ExecutorKind, threads: int | None, scheduler: str | None, scheduler_file: Path | None
) -> "AbstractContextManager[Executor | None]":
    """What runs replicas or walkers, from the options; closed at the end of its block.

    Raises
    ------
    ValueError
        If options of the one kind are given with the other.
    """
    from nanochart.workflow import dask_executor, thread_executor

    if kind is ExecutorKind.DASK:
        if threads is not None:
            raise ValueError(
                "--threads is for --executor threads; the threads of a Dask cluster are those of "
                "its workers: `dask worker --nthreads`"
            )
        return dask_executor(scheduler, scheduler_file)
    if scheduler is not None or scheduler_file is not None:
        raise ValueError("--scheduler and --scheduler-file need --executor dask")
    return thread_executor(threads)
