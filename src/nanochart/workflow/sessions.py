"""When, where and how fast a run was sampled: one record per command that worked on it."""

import os
import platform
import socket
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nanochart.config import AUTO
from nanochart.parallel import available_cores, threads_at_once
from nanochart.store import Run, installed_versions

__all__ = ["SessionLog", "asked_config", "machine", "with_time_step"]

#: Seconds between records of a session that has been going for long.
_INTERVAL = 60.0


def machine() -> dict[str, Any]:
    """Host, processor, operating system and the cores that this process may use."""
    return {
        "host": socket.gethostname(),
        "processor": _processor(),
        "platform": platform.platform(),
        "cores": available_cores(),
    }


def _processor() -> str:
    """Model of the processor; on Linux the standard library knows only its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n"):
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def asked_config(run: Run) -> dict[str, Any]:
    """Configuration of a run as it was last asked for; one that was resumed may be longer."""
    return dict(run.info("frames").get("config", run.metadata.config))


def with_time_step(config: Mapping[str, Any], time_step: float | None) -> dict[str, Any]:
    """A configuration of a run that was made, in which a derived time step is the number it has."""
    dynamics = dict(config["dynamics"])
    if dynamics["time_step"] == AUTO:
        dynamics["time_step"] = time_step
    return {**config, "dynamics": dynamics}


class SessionLog:
    """The sessions of a run's sampling, of which the last is this process's.

    They stand in the run's record (``run.info("frames")["sessions"]``), beside the arrays, so that
    the arrays of two runs are equal whatever the machines were.

    Parameters
    ----------
    run
        Open for writing.
    executor
        Where replicas run; None is one thread per core.
    config
        What this process was asked for, which is recorded at once where it is not what was asked
        for last.
    rounds_per_frame
        Rounds from one frame to the next.
    """

    def __init__(
        self,
        run: Run,
        executor: Executor | None,
        config: Mapping[str, Any],
        rounds_per_frame: int = 1,
    ) -> None:
        self.run = run
        self.config = dict(config)
        info = run.info("frames")
        self.earlier: list[dict[str, Any]] = list(info.get("sessions", []))
        where = "threads" if executor is None else type(executor).__name__
        self.facts = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "pid": os.getpid(),
            **machine(),
            "executor": where,
            "workers": getattr(executor, "_max_workers", None) if executor else threads_at_once(),
            "versions": installed_versions(),
        }
        self.rounds_per_frame = rounds_per_frame
        self.rounds = 0
        self.begin = self.last = time.perf_counter()
        if asked_config(run) != self.config:
            self.record()

    def add_frame(self) -> None:
        """Count the rounds of a frame that is done."""
        self.rounds += self.rounds_per_frame

    def record_if_due(self) -> None:
        """Record often at first, then once in `_INTERVAL`: a long run keeps a short record."""
        now = time.perf_counter()
        if now - self.last >= min(_INTERVAL, 0.2 * (now - self.begin)):
            self.record()

    def record(
        self,
        failure: str | None = None,
        stopped: str | None = None,
        advice: str | None = None,
    ) -> None:
        """Write what this session has done so far into the run's record.

        Parameters
        ----------
        failure
            The sentence that ended the session.
        stopped
            Why the run is done before its planned end.
        advice
            What the run, now that it is done, could be better in.
        """
        self.last = time.perf_counter()
        session = {
            **self.facts,
            "rounds": self.rounds,
            "seconds": round(self.last - self.begin, 3),
        }
        facts = {"sessions": [*self.earlier, session], "failure": failure, "config": self.config}
        if stopped is not None:
            facts["stopped"] = stopped
        if advice is not None:
            facts["advice"] = advice
        self.run.record_info("frames", facts)
