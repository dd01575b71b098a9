"""The frames of a ladder as one weighted sample at any of its temperatures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.shown import short_repr
from nanochart.statistics import (
    Estimate,
    Mixture,
    Weighted,
    mixture_of,
    side_by_side,
    solve_mixture,
    state_populations,
)
from nanochart.tempering.diagnostics import LadderDiagnostics, diagnose_ladder
from nanochart.tempering.findings import ladder_reservation
from nanochart.tempering.ladder import Ladder
from nanochart.tempering.overlap import check_overlap
from nanochart.units import BOLTZMANN

__all__ = ["TemperedSample", "rung_populations", "tempered_sample"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


_FEWEST = 20


@short_repr
@dataclass(frozen=True, eq=False)
class TemperedSample:
    r"""Frames of all rungs, joined by MBAR.

    .. math:: w_n(\beta) \propto \frac{e^{-\beta E_n}}{\sum_k N_k e^{f_k - \beta_k E_n}}

    Attributes
    ----------
    energies
        Potential energies in eV, (frame, replica).
    rungs
        Rung of each replica, (frame, replica).
    ladder
        Temperatures of the ladder.
    mixture
        Mixture of the ensembles of all rungs, from MBAR.
    acceptance
        Expected acceptance of exchanges between neighbouring rungs, (pair,).
    diagnostics
        Diagnostics of the ladder.
    reservation
        Why no average over the ladder is known; empty if the ladder is mixed.
    warnings
        Sentences about neighbours that overlap poorly.
    groups
        Group of each rung from 0, (rung,): neighbours of one group overlap. Cold rungs that
        exchange mapped may overlap with none; an average there is that of their own frames.
    """

    energies: Floats
    rungs: Ints
    ladder: Ladder
    mixture: Mixture
    acceptance: Floats
    diagnostics: LadderDiagnostics
    reservation: str
    warnings: tuple[str, ...]
    groups: Ints
    _memory: dict[bytes, tuple[int, str]] = field(init=False, default_factory=dict, repr=False)

    def at(self, temperature: float) -> Weighted:
        """All frames with their weights at a temperature in K.

        Replicas are not independent of one another, because they exchange; it is a replica that
        remembers its structure while it changes its temperature.
        """
        beta = 1.0 / (BOLTZMANN * temperature)
        # No other group has an energy that is usual there.
        there = self.groups == self.groups[self._nearest(temperature)]

        def logs(E: Floats, r: Ints, mixture: Mixture) -> Floats:
            reduced: Floats = -beta * E - mixture.log_mixture.reshape(E.shape)
            return np.where(there[r], reduced, -np.inf)

        def again(first: int, last: int) -> Weighted:
            E, r = self.energies[first:last], self.rungs[first:last]
            if len(np.unique(r)) < len(self.ladder):
                raise ConvergenceError("a rung has no frames in this part of the run")
            part = _mixture(E, r, self.ladder, self.groups)
            return Weighted(logs(E, r, part), "replicas", None, part, self.reservation)

        whole = logs(self.energies, self.rungs, self.mixture)
        return Weighted(
            whole, "replicas", None, self.mixture, self.reservation, again, self._memory
        )

    @property
    def joined_from(self) -> float:
        """Temperature in K from which on all neighbours overlap, up to the top of the ladder."""
        return self.ladder.temperatures[int(np.flatnonzero(self.groups == self.groups[-1])[0])]

    def _nearest(self, temperature: float) -> int:
        """The rung nearest to a temperature, in ratio."""
        T = np.array(self.ladder.temperatures)
        return int(np.abs(np.log(T / temperature)).argmin())


def tempered_sample(
    energies: ArrayLike,
    rungs: ArrayLike,
    ladder: Ladder,
    exchange_accepted: ArrayLike | None = None,
    *,
    n_mapped: int = 0,
    diagnostics: LadderDiagnostics | None = None,
    f: ArrayLike | None = None,
) -> TemperedSample:
    """Join the frames of a ladder.

    Parameters
    ----------
    energies
        Potential energies in eV, (frame, replica), frames equally spaced in time.
    rungs
        Rung of each replica, (frame, replica).
    ladder
        Temperatures of the ladder.
    exchange_accepted
        Outcome of each exchange, as `diagnose_ladder` takes it; None where it was not recorded.
    n_mapped
        Number of the lowest pairs that exchange mapped, which need not overlap.
    diagnostics, f
        What was found of these frames before: `diagnose_ladder` and the reduced free energies of
        the rungs, (rung,). None computes them.

    Raises
    ------
    ValueError
        If the arrays do not fit, a rung is empty, or neighbouring rungs do not overlap.
    """
    E, r = np.asarray(energies, dtype=np.float64), np.asarray(rungs).astype(np.int64)
    if E.ndim != 2 or r.shape != E.shape:
        raise ValueError(
            f"energies and rungs must have one shape (frame, replica); got {E.shape} and {r.shape}"
        )
    if len(E) < _FEWEST:
        raise ValueError(
            f"thermodynamics needs at least {_FEWEST} frames for its errors; got {len(E)}: sample "
            "longer or discard less"
        )
    if len(ladder) < 2:
        raise ValueError("a ladder must have at least two temperatures to be joined; got one")
    missing = int((~np.isfinite(E)).sum())
    if missing:
        raise ValueError(
            f"every frame must have a finite energy; got {missing} of {E.size} that have none"
        )
    if r.min() < 0 or r.max() >= len(ladder):
        raise ValueError(
            f"rungs must lie between 0 and {len(ladder) - 1}, the last of the ladder; got "
            f"{r.min()} to {r.max()}"
        )
    empty = np.setdiff1d(np.arange(len(ladder)), r)
    if empty.size:
        raise ValueError(
            f"every rung must have frames; got none at {ladder.temperatures[empty[0]]:g} K: give "
            "the ladder that was sampled"
        )
    acceptance, groups, warnings = check_overlap(E, r, ladder, n_mapped)
    known = diagnostics or diagnose_ladder(ladder, r, E, exchange_accepted)
    return TemperedSample(
        E, r, ladder, _mixture(E, r, ladder, groups, f), acceptance, known,
        ladder_reservation(known), warnings, groups,
    )  # fmt: skip


def _mixture(
    energies: Floats, rungs: Ints, ladder: Ladder, groups: Ints, f: ArrayLike | None = None
) -> Mixture:
    # The zero of the energies is arbitrary: it is a constant factor of all weights.
    E, own = energies.ravel() - energies.mean(), rungs.ravel()
    what = "the rungs of the ladder"
    parts, order = [], []
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        there = np.flatnonzero(groups[own] == group)
        reduced = np.multiply.outer(ladder.betas[members], E[there])
        owner = own[there] - members[0]
        if f is None:
            parts.append(solve_mixture(reduced, owner, what))
        else:
            parts.append(mixture_of(reduced, owner, np.asarray(f)[members], what))
        order.append(there)
    return parts[0] if len(parts) == 1 else side_by_side(parts, np.concatenate(order))


def rung_populations(sample: TemperedSample, labels: ArrayLike, names: Sequence[str]) -> Estimate:
    """Estimate the population of each label at each rung, (label, rung), as in `thermodynamics`.

    Parameters
    ----------
    sample
        Frames of the ladder, from `tempered_sample`.
    labels
        Label of each frame from 0, (frame, replica); negative ones are frames without a label.
    names
        Names of the labels.
    """
    codes = np.asarray(labels).astype(np.int64)
    found = [
        state_populations(codes, sample.at(T), T, tuple(names)).shares
        for T in sample.ladder.temperatures
    ]
    return Estimate.stacked(found, axis=1)
