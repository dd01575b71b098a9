"""How a workflow tells its caller how far it is."""

from typing import Protocol

__all__ = ["Progress", "duration", "silent"]


class Progress(Protocol):
    """Called after every piece of work: ``(stage, done, total, note)``.

    A long stage is also reported once before its work begins, with an estimate of its time as the
    note.
    """

    def __call__(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Take note of ``done`` of ``total``."""


def silent(stage: str, done: float, total: float, note: str = "") -> None:
    """Report nothing."""


def duration(seconds: float) -> str:
    """A time of the clock with the unit that suits it: ``40 s``, ``12 min``, ``3.5 h``, ``6 d``."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    if seconds < 6000.0:
        return f"{seconds / 60.0:.0f} min"
    value, unit = (seconds / 3600.0, "h") if seconds < 259200.0 else (seconds / 86400.0, "d")
    return f"{value:.1f} {unit}" if value < 10.0 else f"{value:.0f} {unit}"
