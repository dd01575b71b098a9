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
    """

    energies: Floats
    rungs: Ints
    ladder: Ladder
    mixture: Mixture
    acceptance: Floats
    diagnostics: LadderDiagnostics
    reservation: str
    warnings: tuple[str, ...]
    _memory: dict[bytes, tuple[int, str]] = field(init=False, default_factory=dict, repr=False)

    def at(self, temperature: float) -> Weighted:
        """All frames with their weights at a temperature in K.

        Replicas are not independent of one another, because they exchange; it is a replica that
        remembers its structure while it changes its temperature.
        """
        beta = 1.0 / (BOLTZMANN * temperature)
        logs = -beta * self.energies - self.mixture.log_mixture.reshape(self.energies.shape)

        def again(first: int, last: int) -> Weighted:
            E, r = self.energies[first:last], self.rungs[first:last]
            if len(np.unique(r)) < len(self.ladder):
                raise ConvergenceError("a rung has no frames in this part of the run")
            part = _mixture(E, r, self.ladder)
            shorter = -beta * E - part.log_mixture.reshape(E.shape)
            return Weighted(shorter, "replicas", None, part, self.reservation)

        return Weighted(logs, "replicas", None, self.mixture, self.reservation, again, self._memory)


def tempered_sample(
    energies: ArrayLike,
    rungs: ArrayLike,
    ladder: Ladder,
    exchange_accepted: ArrayLike | None = None,
    *,
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
        Outcome of each exchange, (frame, pair): -1 not attempted, 0 refused, 1 accepted; None where
        it was not recorded.
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
    acceptance, warnings = check_overlap(E, r, ladder)
    known = diagnostics or diagnose_ladder(ladder, r, E, exchange_accepted)
    return TemperedSample(
        E, r, ladder, _mixture(E, r, ladder, f), acceptance, known, ladder_reservation(known),
        warnings,
    )  # fmt: skip


def _mixture(energies: Floats, rungs: Ints, ladder: Ladder, f: ArrayLike | None = None) -> Mixture:
    # The zero of the energies is arbitrary: it is a constant factor of all weights.
    reduced = np.multiply.outer(ladder.betas, energies.ravel() - energies.mean())
    what = "the rungs of the ladder"
    if f is not None:
        return mixture_of(reduced, rungs.ravel(), f, what)
    return solve_mixture(reduced, rungs.ravel(), what)


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
