"""Free energies from the work of steered dynamics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._time_series import import_pymbar
from nanochart.units import BOLTZMANN

__all__ = ["WorkEstimate", "bar", "jarzynski"]

Floats = NDArray[np.float64]

#: Dissipated work in kT above which an exponential average of few works is biased.
_MOST_DISSIPATED = 4.0


@dataclass(frozen=True)
class WorkEstimate:
    """A free-energy difference in eV, its standard ``error``, the mean ``dissipated`` work in eV.

    ``reliable`` is False where the estimator is biased by more than its error tells; ``advice``
    says so.
    """

    value: float
    error: float
    dissipated: float
    reliable: bool
    advice: str


def _works(works: ArrayLike, what: str) -> Floats:
    w = np.asarray(works, dtype=np.float64).ravel()
    if len(w) < 2 or not np.isfinite(w).all():
        raise ValueError(
            f"{what} works must be at least two finite numbers in eV; got {len(w)}, "
            f"{int((~np.isfinite(w)).sum())} of them not finite"
        )
    return w


def jarzynski(works: ArrayLike, temperature: float) -> WorkEstimate:
    r"""From works in one direction, :math:`e^{-\Delta F / k_B T} = \langle e^{-W/k_B T} \rangle`.

    (Jarzynski, Phys. Rev. Lett. 78, 2690 (1997).)

    Parameters
    ----------
    works
        eV.
    temperature
        K.
    """
    w, kT = _works(works, "forward"), BOLTZMANN * temperature
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
    """From works in both directions, by Bennett's acceptance ratio.

    (Bennett, J. Comput. Phys. 22, 245 (1976); Crooks, Phys. Rev. E 61, 2361 (2000).)

    Parameters
    ----------
    forward, backward
        eV, each the work done on the system.
    temperature
        K.
    """
    f, b = _works(forward, "forward"), _works(backward, "backward")
    kT = BOLTZMANN * temperature
    found = import_pymbar().other_estimators.bar(f / kT, b / kT)
    value, error = float(found["Delta_f"]) * kT, float(found["dDelta_f"]) * kT
    dissipated = 0.5 * float(f.mean() + b.mean())
    # The works of the two directions must meet: W forward and -W backward.
    meet = f.min() <= (-b).max()
    advice = (
        "works of both directions overlap"
        if meet
        else "works of the two directions do not overlap: move slower"
    )
    return WorkEstimate(value, error, dissipated, bool(meet), advice)
