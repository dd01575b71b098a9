"""Dynamics that keep to a part of the landscape: the basins of some inherent structures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nanochart.dynamics import Langevin, Samples, State, confined_energies
from nanochart.motifs import classify
from nanochart.potentials import Potential
from nanochart.shown import short_repr
from nanochart.tempering.mapped import quenched
from nanochart.tempering.sampler import BatchSegment, Segment

__all__ = ["RestrictedSegment", "motifs_of", "within_motif"]

Floats = NDArray[np.float64]


def within_motif(segment: Segment, potential: Potential, dynamics: Langevin, motif: str) -> Segment:
    """Restrict a segment to the configurations whose inherent structure is of a motif.

    Parameters
    ----------
    segment, potential, dynamics
        Of the ladder.
    motif
        One of `nanochart.motifs.LABELS`.
    """
    energies = partial(confined_energies, potential=potential, config=dynamics)
    restricted = RestrictedSegment(segment, partial(_is_of, potential, motif), energies)
    if isinstance(segment, BatchSegment):  # all replicas at once, also here
        return BatchSegment(potential, dynamics, restricted)
    return restricted


def motifs_of(potential: Potential, positions: Floats) -> NDArray[np.str_]:
    """Motif of the inherent structure of each configuration (configuration, atom, 3).

    What did not converge has none, the empty word.
    """
    minima, converged = quenched(potential, positions, None)
    found = classify(minima, potential.symbol, nearest_neighbour=potential.nearest_neighbour)
    return np.where(converged, found, "")


def _is_of(potential: Potential, motif: str, positions: Floats) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = motifs_of(potential, positions) == motif
    return same


@short_repr
@dataclass(frozen=True, eq=False)
class RestrictedSegment:
    """A segment that samples its ensemble restricted to a region.

    Each stretch of dynamics between two samples is a proposal. One that ends outside of the region
    is refused: the replica starts again from where it was, with its velocities turned, and that is
    the sample. Langevin dynamics that are run backwards are as probable as forwards, once momenta
    are turned and weighted by the ensemble, so this is a Metropolis move of the restricted
    ensemble, and exact wherever the dynamics themselves are. Exchanges must keep each configuration
    within the region: plain and mapped exchanges of neighbours do.

    Attributes
    ----------
    segment
        Dynamics of one replica.
    inside
        Tells of configurations (configuration, atom, 3) in Å which are in the region.
    energies
        Gives the energies (configuration,) in eV that the dynamics follows.
    """

    segment: Segment
    inside: Callable[[Floats], NDArray[np.bool_]]
    energies: Callable[[Floats], Floats]

    def __call__(self, state: State, n_steps: int, sample_every: int) -> tuple[State, Samples]:
        """Advance the replicas of ``state``, which are in the region.

        Raises
        ------
        ValueError
            If ``n_steps`` is not a whole number of stretches of ``sample_every``.
        """
        if sample_every < 1 or n_steps % sample_every:
            raise ValueError(
                "n_steps of a restricted segment must be a whole number of times sample_every; got "
                f"{n_steps} and {sample_every}"
            )
        parts = []
        for _ in range(n_steps // sample_every):
            state, samples = self._stretch(state, sample_every)
            parts.append(samples)
        return state, Samples(
            *(np.concatenate(each) for each in zip(*map(_arrays, parts), strict=True))
        )

    def _stretch(self, state: State, n_steps: int) -> tuple[State, Samples]:
        after, samples = self.segment(state, n_steps, n_steps)
        left = ~self.inside(after.positions)
        if not left.any():
            return after, samples
        wide = left[:, None, None]
        positions = np.where(wide, state.positions, after.positions)
        velocities = np.where(wide, -state.velocities, after.velocities)
        energies = samples.potential_energies.copy()
        energies[0, left] = self.energies(state.positions[left])
        kept = Samples(positions[None], energies, samples.kinetic_energies)
        return replace(after, positions=positions, velocities=velocities), kept


def _arrays(samples: Samples) -> tuple[Floats, Floats, Floats]:
    return samples.positions, samples.potential_energies, samples.kinetic_energies
