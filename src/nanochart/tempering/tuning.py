"""Temperatures of equal acceptance, from the distributions of the energy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, isotonic_regression
from scipy.special import erfc, erfcinv

from nanochart.shown import short_repr
from nanochart.tempering.ladder import Ladder
from nanochart.units import BOLTZMANN

__all__ = [
    "AcceptanceModel",
    "EnergyDistributions",
    "MappedDistances",
    "TunedLadder",
    "cold_rungs",
    "harmonic_ladder",
    "mean_acceptance",
    "predicted_acceptance",
    "tuned_ladder",
]

Floats = NDArray[np.float64]

#: Quantiles that stand for a distribution: the acceptance is right to a thousandth.
_N_QUANTILES = 128
_LEVELS = (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES
#: Of temperatures in a search, relative.
_TOLERANCE = 1e-6
_FEWEST_SAMPLES = 8
#: Acceptance that a few attempts cannot tell from none.
_RARELY = 0.01
#: Step of the square roots of cold temperatures, K^(1/2): mapped exchanges of Au147 are then
#: accepted in 30 to 60 % from 20 K to 300 K.
_COLD_STEP = 2.2


class AcceptanceModel(Protocol):
    """What places temperatures."""

    def acceptance(self, t_cold: float, t_hot: float) -> float:
        """Expected acceptance of the exchange of two temperatures in K."""


@short_repr
@dataclass(frozen=True)
class EnergyDistributions:
    r"""The distribution of the energy at any temperature, between those where it was measured.

    The quantile function :math:`Q(u; T)` is interpolated in T at each level u. It rises with T at
    every level, because :math:`e^{-\beta E}` favours low energies the more the colder it is; noise
    against that law is removed by isotonic regression. For a harmonic solid
    :math:`Q(u; T) = E_0 + k_B T\, q(u)` is linear in T and the interpolation is exact.

    Attributes
    ----------
    temperatures
        Temperatures in K, rising, shape (temperature,).
    quantiles
        Quantiles of the energy in eV at the levels (i + 1/2) / 128, shape (temperature, level).
    """

    temperatures: Floats
    quantiles: Floats
    _interpolate: PchipInterpolator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        T, q = np.asarray(self.temperatures, float), np.asarray(self.quantiles, float)
        if len(T) < 2 or (np.diff(T) <= 0).any() or q.shape != (len(T), _N_QUANTILES):
            raise ValueError(
                f"distributions must be given at two or more rising temperatures, with "
                f"{_N_QUANTILES} quantiles each; got shapes {T.shape} and {q.shape}"
            )
        rising = np.array([isotonic_regression(column).x for column in q.T]).T
        object.__setattr__(self, "temperatures", T)
        object.__setattr__(self, "quantiles", rising)
        object.__setattr__(self, "_interpolate", PchipInterpolator(T, rising, axis=0))

    @classmethod
    def from_samples(
        cls, temperatures: ArrayLike, energies: Sequence[ArrayLike]
    ) -> "EnergyDistributions":
        """Distributions of measured energies (eV), one array per temperature (K).

        Equal temperatures are taken together; NaN are left out.
        """
        T = np.asarray(temperatures, float)
        if len(T) != len(energies):
            raise ValueError(
                f"energies must hold one array per temperature, {len(T)}; got {len(energies)}"
            )
        levels, quantiles = np.unique(T), []
        for level in levels:
            here = [np.ravel(e) for t, e in zip(T, energies, strict=True) if t == level]
            sample = np.concatenate(here).astype(float)
            sample = sample[np.isfinite(sample)]
            if sample.size < _FEWEST_SAMPLES:
                raise ValueError(
                    f"each temperature needs at least {_FEWEST_SAMPLES} energies; got "
                    f"{sample.size} at {level:g} K: sample longer"
                )
            quantiles.append(np.quantile(sample, _LEVELS))
        return cls(levels, np.array(quantiles))

    def at(self, temperature: float) -> Floats:
        """Quantiles in eV at a temperature in K within the measured range, shape (level,)."""
        T = self.temperatures
        if not T[0] * (1 - _TOLERANCE) <= temperature <= T[-1] * (1 + _TOLERANCE):
            raise ValueError(
                f"the temperature must lie where energies were measured, {T[0]:g} to {T[-1]:g} K; "
                f"got {temperature:g} K: sample there, too"
            )
        return np.asarray(self._interpolate(np.clip(temperature, T[0], T[-1])))

    def acceptance(self, t_cold: float, t_hot: float) -> float:
        """Expected acceptance of a plain exchange between two temperatures in K."""
        return mean_acceptance(self.at(t_cold), self.at(t_hot), t_cold, t_hot)


@short_repr
@dataclass(frozen=True)
class MappedDistances:
    r"""Acceptance between any temperatures of a ladder whose cold pairs exchange mapped.

    A pair that is accepted with probability p counts as :math:`\mathrm{erfcinv}(p)` apart, as
    normal distributions are, and these distances add up. They are interpolated in the square root
    of the temperature, in which mapped exchanges of vibrations are evenly spaced.

    Attributes
    ----------
    plain
        Of pairs that reach above ``below``.
    below
        Highest temperature in K of a pair that exchanges mapped.
    ladder
        Temperatures that were measured.
    acceptance_of
        Measured acceptance of each pair of theirs, (pair,).
    """

    plain: EnergyDistributions
    below: float
    ladder: Ladder
    acceptance_of: Floats
    _distance: PchipInterpolator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n = self.ladder.pairs_below(self.below)
        # None or all of a few attempts is not never or always.
        apart = erfcinv(np.clip(self.acceptance_of[:n], _RARELY, 1.0 - _RARELY))
        places = np.sqrt(self.ladder.temperatures[: n + 1])
        distance = PchipInterpolator(places, np.concatenate([[0.0], np.cumsum(apart)]))
        object.__setattr__(self, "_distance", distance)

    def acceptance(self, t_cold: float, t_hot: float) -> float:
        """Expected acceptance of the exchange of two temperatures in K, mapped or plain."""
        if t_hot > self.below * (1 + _TOLERANCE):
            return self.plain.acceptance(t_cold, t_hot)
        ends = self._distance(np.sqrt([t_cold, t_hot]))
        return float(erfc(ends[1] - ends[0]))


@short_repr
@dataclass(frozen=True)
class TunedLadder:
    """A ladder with the ``acceptance`` (pair,) predicted for it."""

    ladder: Ladder
    acceptance: Floats


def mean_acceptance(cold: ArrayLike, hot: ArrayLike, t_cold: float, t_hot: float) -> float:
    r"""Average over two independent samples of min(1, exp[(β_c - β_h)(E_c - E_h)]).

    Parameters
    ----------
    cold, hot
        Energies in eV at the two temperatures, shape (sample,).
    t_cold, t_hot
        The two temperatures in K.
    """
    difference = np.subtract.outer(np.asarray(cold, float), np.asarray(hot, float))
    exponent = (1.0 / t_cold - 1.0 / t_hot) / BOLTZMANN * difference
    return float(np.exp(np.minimum(exponent, 0.0)).mean())


def predicted_acceptance(model: AcceptanceModel, ladder: Ladder) -> Floats:
    """Acceptance of each pair of any ladder within the measured temperatures, shape (pair,)."""
    return np.array([model.acceptance(a, b) for a, b in pairwise(ladder.temperatures)], dtype=float)


def tuned_ladder(
    model: AcceptanceModel, t_min: float, t_max: float, target: float = 0.3
) -> TunedLadder:
    """The fewest temperatures between two ends whose neighbours all exchange equally often.

    From ``t_min`` on, each temperature is placed where it exchanges with the one before with
    probability p. The p is raised from ``target`` until a whole number of such steps ends at
    ``t_max``, so that all pairs get the same p, at least the target.

    Parameters
    ----------
    model
        Gives acceptances from ``t_min`` to ``t_max`` at least: the measured distributions of the
        energy, with the distances of mapped exchanges where there are any.
    t_min, t_max
        Ends of the ladder in K.
    target
        Acceptance to reach, between 0 and 1.
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"the target acceptance must lie between 0 and 1, as 0.3; got {target!r}")
    if not 0.0 < t_min < t_max:
        raise ValueError(
            f"the ends of a ladder must have 0 < t_min < t_max (K); got {t_min!r} and {t_max!r}"
        )
    length = _walk(model, t_min, t_max, target)[1]
    n_steps = max(1, int(np.ceil(length - 1e-6)))
    p = target
    if length < n_steps:
        highest = target
        while _walk(model, t_min, t_max, highest)[1] < n_steps:
            highest = 1.0 - 0.7 * (1.0 - highest)
        p = brentq(lambda x: _walk(model, t_min, t_max, x)[1] - n_steps, target, highest, xtol=1e-4)
    middle = _walk(model, t_min, t_max, p)[0][1:n_steps]
    ladder = Ladder((float(t_min), *middle, float(t_max)))
    return TunedLadder(ladder, predicted_acceptance(model, ladder))


def harmonic_ladder(n_atoms: int, t_min: float, t_max: float, target: float = 0.3) -> Ladder:
    r"""The geometric ladder that gives a harmonic cluster the target acceptance.

    With :math:`f = 3N - 6` vibrations and a ratio r of neighbouring temperatures the acceptance is
    :math:`2 I_{1/(1+r)}(f/2, f/2)`.
    """
    from scipy.special import betaincinv

    half = 0.5 * max(3 * n_atoms - 6, 1)
    z = float(betaincinv(half, half, 0.5 * target))
    n = int(np.ceil(np.log(t_max / t_min) / np.log((1.0 - z) / z) - 1e-9)) + 1
    return Ladder.geometric(t_min, t_max, max(n, 2))


def cold_rungs(coldest: float, lowest: float) -> tuple[float, ...]:
    """Temperatures in K below the lowest of a ladder, for mapped exchanges, rising.

    What mapped exchanges lose by is the anharmonic part of the vibrations; equal steps of the
    square root of the temperature make it about equal from pair to pair.

    Parameters
    ----------
    coldest, lowest
        First temperature, and the lowest that is there already.
    """
    n = max(1, int(np.ceil((np.sqrt(lowest) - np.sqrt(coldest)) / _COLD_STEP)))
    roots = np.linspace(np.sqrt(coldest), np.sqrt(lowest), n + 1)[:-1]
    return (float(coldest), *(float(round(root**2)) for root in roots[1:]))


def _walk(
    model: AcceptanceModel, t_min: float, t_max: float, p: float
) -> tuple[list[float], float]:
    """Temperatures in steps of acceptance p from t_min to below t_max, and the number of steps.

    The number is not whole: the rest of the way counts as the part of a step by which the
    distributions at its ends stand apart, erfcinv(acceptance) for normal distributions.
    """
    T = [float(t_min)]
    while True:
        here = T[-1]
        rest = model.acceptance(here, t_max)
        if rest >= p:
            return T, len(T) - 1 + float(erfcinv(rest) / erfcinv(p))

        def excess(t: float, here: float = here) -> float:
            return model.acceptance(here, t) - p

        T.append(float(brentq(excess, here, t_max, rtol=_TOLERANCE)))
