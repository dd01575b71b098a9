"""Free energies from the work of steered dynamics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.statistics import import_pymbar
from nanochart.units import BOLTZMANN

__all__ = ["WorkEstimate", "bar", "jarzynski"]

Floats = NDArray[np.float64]

#: Dissipated work in kT above which an exponential average of few works is biased.
_MOST_DISSIPATED = 4.0
#: Works of a direction below which their scatter says nothing of the error.
_FEWEST = 10
#: Effective number of works below which an exponential average is that of one or two of them.
_FEWEST_EFFECTIVE = 3.0


@dataclass(frozen=True)
class WorkEstimate:
    """A free-energy difference in eV, its standard ``error``, the mean ``dissipated`` work in eV.

    All three are NaN where they are unknown, which `known` tells. ``reliable`` is False where the
    estimator may be biased by more than its error tells; ``advice`` says what is wrong.
    """

    value: float
    error: float
    dissipated: float
    reliable: bool
    advice: str

    @property
    def known(self) -> bool:
        """Whether the difference is known."""
        return bool(np.isfinite(self.value) and np.isfinite(self.error))


def _unknown(advice: str) -> WorkEstimate:
    return WorkEstimate(np.nan, np.nan, np.nan, reliable=False, advice=advice)


def _works(works: ArrayLike, what: str) -> Floats:
    w = np.asarray(works, dtype=np.float64).ravel()
    if len(w) < 1 or not np.isfinite(w).all():
        raise ValueError(
            f"{what} works must be at least one, of finite numbers in eV; got {len(w)}, "
            f"{int((~np.isfinite(w)).sum())} of them not finite"
        )
    return w


def jarzynski(works: ArrayLike, temperature: float) -> WorkEstimate:
    r"""Estimate a free-energy difference from works in one direction (Jarzynski's equality).

    .. math:: e^{-\Delta F / k_B T} = \langle e^{-W/k_B T} \rangle

    (Jarzynski, Phys. Rev. Lett. 78, 2690 (1997).) It is unknown from fewer than ten works, and
    where the average is that of one or two of them, because their scatter then says nothing of its
    error: with :math:`w = e^{-W / k_B T}` their effective number is :math:`(\sum w)^2 / \sum w^2`.

    Parameters
    ----------
    works
        Works in eV that were done on the system.
    temperature
        Temperature in K.
    """
    w, kT = _works(works, "forward"), BOLTZMANN * temperature
    if len(w) < _FEWEST:
        return _unknown(
            f"{len(w)} works are too few for an error, which needs {_FEWEST}: take more walkers"
        )
    shares = np.exp(-(w - w.min()) / kT)
    effective = float(shares.sum() ** 2 / (shares**2).sum())
    if effective < _FEWEST_EFFECTIVE:
        return _unknown(
            f"the average hangs on {effective:.1f} of {len(w)} works: move slower, or use works in "
            "both directions"
        )
    found = import_pymbar().other_estimators.exp(w / kT)
    value, error = float(found["Delta_f"]) * kT, float(found["dDelta_f"]) * kT
    dissipated = float(w.mean()) - value
    reliable = dissipated <= _MOST_DISSIPATED * kT
    advice = (
        "the dissipated work is small"
        if reliable
        else f"{dissipated / kT:.1f} kT are dissipated, so the average hangs on the few smallest "
        f"of {len(w)} works: move slower, or use works in both directions"
    )
    return WorkEstimate(value, error, dissipated, reliable, advice)


def bar(forward: ArrayLike, backward: ArrayLike, temperature: float) -> WorkEstimate:
    """Estimate a free-energy difference from works in both directions (Bennett's acceptance ratio).

    (Bennett, J. Comput. Phys. 22, 245 (1976); Crooks, Phys. Rev. E 61, 2361 (2000).) It is unknown
    from fewer than ten works in a direction, and where those of the two directions do not overlap.

    Parameters
    ----------
    forward, backward
        Works in eV that were done on the system in either direction.
    temperature
        Temperature in K.
    """
    f, b = _works(forward, "forward"), _works(backward, "backward")
    kT = BOLTZMANN * temperature
    if min(len(f), len(b)) < _FEWEST:
        return _unknown(
            f"{len(f)} forward and {len(b)} backward works are too few for an error, which needs "
            f"{_FEWEST} each: take more walkers"
        )
    # The works of the two directions must meet: W forward and -W backward.
    if f.min() > (-b).max():
        return _unknown("works of the two directions do not overlap: move slower")
    found = import_pymbar().other_estimators.bar(f / kT, b / kT)
    value, error = float(found["Delta_f"]) * kT, float(found["dDelta_f"]) * kT
    dissipated = 0.5 * float(f.mean() + b.mean())
    crossed = int((f <= value).sum()), int((-b >= value).sum())
    reliable = min(crossed) >= 2
    advice = (
        "works of both directions overlap"
        if reliable
        else f"works of the two directions hardly overlap ({crossed[0]} forward and {crossed[1]} "
        "backward ones lie beyond the difference): move slower"
    )
    return WorkEstimate(value, error, dissipated, reliable, advice)
