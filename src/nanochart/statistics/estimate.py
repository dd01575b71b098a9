"""Numbers with intervals that know when they know nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr

__all__ = ["Estimate", "student_half_width"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class Estimate:
    """A number, or an array of them, with its error.

    Attributes
    ----------
    value
        The estimate itself.
    error
        Standard error; infinite where it is not known.
    low, high
        Ends of the 95 % interval; infinite where it is not known.
    known
        Whether the samples suffice for an interval. Where they do not, ``value`` is what was
        sampled, which may depend on where the walkers started: it is not to be quoted.
    why
        One sentence on what the samples lack, or one for each element of an array of one axis;
        empty where all is known.
    """

    value: Any
    error: Any
    low: Any
    high: Any
    known: Any
    why: str | tuple[str, ...] = ""

    @property
    def reason(self) -> str:
        """Why the first element that is not known is not."""
        return self.why if isinstance(self.why, str) else next(filter(None, self.why), "")

    def __getitem__(self, place: Any) -> "Estimate":
        """A part of an array."""
        why = self.why if isinstance(self.why, str) else self.why[place]
        value, error, low, high, known = (
            np.asarray(part)[place]
            for part in (self.value, self.error, self.low, self.high, self.known)
        )
        return Estimate(value, error, low, high, known, why)

    @classmethod
    def stacked(cls, parts: Sequence["Estimate"], axis: int = 0) -> "Estimate":
        """Estimates of one shape as one array of them along a new axis."""
        value, error, low, high, known = (
            np.stack([np.asarray(getattr(part, name)) for part in parts], axis=axis)
            for name in ("value", "error", "low", "high", "known")
        )
        why = next((part.reason for part in parts if not np.all(part.known)), "")
        return cls(value, error, low, high, known, why)

    @classmethod
    def joined(cls, parts: Sequence["Estimate"]) -> "Estimate":
        """Estimates (estimate,), one after the other."""
        value, error, low, high, known = (
            np.concatenate([np.asarray(getattr(part, name)) for part in parts])
            for name in ("value", "error", "low", "high", "known")
        )
        why = [
            reason
            for part in parts
            for reason in ([part.why] * len(part.value) if isinstance(part.why, str) else part.why)
        ]
        return cls(value, error, low, high, known, tuple(why))

    def scaled(self, factor: float, shift: float = 0.0) -> "Estimate":
        """The same estimate in other units: ``factor`` times it plus ``shift``."""
        return Estimate(
            factor * self.value + shift, abs(factor) * self.error, factor * self.low + shift,
            factor * self.high + shift, self.known, self.why,
        )  # fmt: skip

    def widened(self, error: ArrayLike) -> "Estimate":
        """The same estimate with another, independent standard error added in quadrature."""
        own, centre = np.where(self.known, self.error, 1.0), np.where(self.known, self.value, 0.0)
        factor = np.hypot(own, np.asarray(error, dtype=np.float64)) / np.maximum(own, 1e-300)
        low, high = (
            np.where(
                self.known,
                centre + factor * (np.where(self.known, end, 0.0) - centre),
                end,
            )
            for end in (self.low, self.high)
        )
        wide = np.where(self.known, factor * own, self.error)
        return Estimate(self.value, wide, low, high, self.known, self.why)

    @classmethod
    def unknown(cls, value: ArrayLike, why: str) -> "Estimate":
        """Make an estimate that is not known, because the samples do not suffice."""
        v = np.asarray(value, dtype=np.float64)
        nothing = np.full(v.shape, np.inf)
        return cls(v, nothing, -nothing, nothing, np.zeros(v.shape, dtype=bool), why)

    @classmethod
    def of(
        cls,
        value: ArrayLike,
        error: ArrayLike,
        freedom: ArrayLike,
        known: ArrayLike,
        why: str | tuple[str, ...] = "",
    ) -> "Estimate":
        """Make an estimate with Student's interval, which is infinite where it is not known."""
        v, e = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
        sure = np.broadcast_to(np.asarray(known, dtype=bool), v.shape) & np.isfinite(e)
        sure = np.asarray(sure & np.isfinite(v))
        half = np.where(sure, student_half_width(np.where(sure, e, 0.0), freedom), np.inf)
        centre = np.where(sure, v, 0.0)
        return cls(v, np.where(sure, e, np.inf), centre - half, centre + half, sure,
                   "" if sure.all() else why)  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Give value, error and interval as JSON values; None where nothing is known."""

        def plain(part: Any) -> Any:
            shown = np.where(np.asarray(self.known) & np.isfinite(np.asarray(part)), part, np.nan)
            objects = np.asarray(shown, dtype=object)
            return np.where(np.isnan(shown), np.array(None), objects).tolist()

        found = {name: plain(getattr(self, name)) for name in ("value", "error", "low", "high")}
        found["known"] = np.asarray(self.known).tolist()
        return found | ({"why": self.reason} if self.reason else {})


def student_half_width(error: ArrayLike, freedom: ArrayLike) -> Floats:
    """Half of the 95 % interval for a standard error that has so many degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.asarray(freedom, dtype=np.float64), 0.975) * np.asarray(error))
