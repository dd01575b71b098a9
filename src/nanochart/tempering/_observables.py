"""Averages on a grid of temperatures, for many sets of counts at once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nanochart.tempering._mbar import Mixture
from nanochart.units import BOLTZMANN

__all__ = ["Observables", "observables", "peak_temperature"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observables:
    """Averages per set of counts.

    ``energy`` (set, temperature) in eV; ``heat_capacity`` (set, temperature) in eV/K;
    ``rung_energy`` (set, rung) in eV; ``peak`` (set,) in K, NaN where there is none;
    ``populations`` (set, temperature, label).
    """

    energy: Floats
    heat_capacity: Floats
    rung_energy: Floats
    peak: Floats
    populations: Floats

    @classmethod
    def joined(cls, parts: Sequence["Observables"]) -> "Observables":
        """One after the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def free_energy_difference(self, a: int, b: int, kT: Floats) -> Floats:
        """F_b - F_a in eV, (set, temperature); NaN where neither was seen."""
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = np.log(self.populations[..., a]) - np.log(self.populations[..., b])
        return np.asarray(kT * difference)


def observables(
    mixture: Mixture,
    temperatures: Floats,
    counts: Floats,
    deltas: Floats,
    indicators: NDArray[np.bool_] | None,
    n_atoms: int,
    offset: float,
) -> Observables:
    """Averages for each set of counts (set, sample) with its shifts of free energy (set, rung).

    ``indicators`` (sample, label) says which sample has which label; ``offset`` in eV is added to
    the energies.
    """
    E, T = mixture.energies, temperatures
    n_rungs = len(mixture.betas)
    columns = [np.ones_like(E), E, E**2]
    if indicators is not None:
        columns += list(indicators.T.astype(np.float64))
    values = np.array(columns).T
    weighted = [
        (c / mixture.mixture_change(c, d))[:, None] * values
        for c, d in zip(counts, deltas, strict=True)
    ]
    sums = mixture.sums(1.0 / (BOLTZMANN * T), np.concatenate(weighted, axis=1))
    sums = sums.reshape(len(T), len(counts), len(columns)).transpose(1, 0, 2)
    means = sums[..., 1:] / sums[..., :1]
    variance = means[..., 1] - means[..., 0] ** 2
    heat_capacity = variance / (BOLTZMANN * T**2) + 1.5 * n_atoms * BOLTZMANN
    with np.errstate(invalid="ignore"):  # a rung may be absent from a draw of blocks
        rung_energy = np.array(
            [
                np.bincount(mixture.rungs, c * E, n_rungs) / np.bincount(mixture.rungs, c, n_rungs)
                for c in counts
            ]
        )
    return Observables(
        energy=means[..., 0] + offset,
        heat_capacity=heat_capacity,
        rung_energy=rung_energy + offset,
        peak=np.array([peak_temperature(T, c) for c in heat_capacity]),
        populations=means[..., 2:],
    )


def peak_temperature(temperatures: Floats, heat_capacity: Floats) -> float:
    """Temperature in K of the highest heat capacity, between grid points by a parabola.

    NaN where it is highest at an end of the grid, which is no peak.
    """
    k = int(np.argmax(heat_capacity))
    if k in {0, len(heat_capacity) - 1}:
        return float("nan")
    left, top, right = heat_capacity[k - 1 : k + 2]
    shift = 0.5 * (left - right) / (left - 2.0 * top + right)
    return float(temperatures[k] + shift * (temperatures[1] - temperatures[0]))
