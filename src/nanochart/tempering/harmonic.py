r"""Averages from which the harmonic fluctuations are taken out, where minima last.

In a basin, with u the displacement from the own inherent structure m, laid onto the
configuration, and F the force,

.. math:: \langle E \rangle = \langle E + \tfrac12 F \cdot u
          + \tfrac{kT}{2} (3N - 6 + \partial_s \ln J) \rangle + \text{surface term}

follows by integration by parts over the length s of u, with the rotational Jacobian J of mapped
exchanges. Where the energy is harmonic the sum does not fluctuate at all. The identity misses what
is at the boundary of the basin, so it holds where minima last.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import superpose
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.tempering.mapped import rotational_matrix
from nanochart.tempering.tempered import TemperedSample
from nanochart.units import AMU, BOLTZMANN

__all__ = ["HarmonicFrames", "MappedEnergies", "harmonic_frames", "mapped_energies"]

Floats = NDArray[np.float64]

#: Å that an atom of one and the same minimum may move from frame to frame.
_SAME = 0.3
#: Share of frames with another minimum than the one before, above which minima do not last.
_LASTING = 0.02
#: Standard errors by which plain and mapped mean may differ before the mapped one is dropped.
_AGREE = 3.0


@short_repr
@dataclass(frozen=True, eq=False)
class HarmonicFrames:
    """What mapped averages need of frames.

    Attributes
    ----------
    shifts
        ½ F·u in eV, (frame, replica).
    freedom
        3N - 6 and the derivative of ln J, (frame, replica).
    lengths
        Norm of u in Å, (frame, replica).
    changed
        Whether the minimum is another than that of the frame before, (frame, replica); False in
        the first.
    """

    shifts: Floats
    freedom: Floats
    lengths: Floats
    changed: NDArray[np.bool_]


@short_repr
@dataclass(frozen=True, eq=False)
class MappedEnergies:
    """Harmonically mapped mean energies at the rungs.

    Attributes
    ----------
    energy
        Mean energy in eV, (rung,); unknown where minima do not last. Its error has the surface term
        that the observed changes of minimum make, as the systematic part.
    surface_term
        Plain less mapped mean of the same frames in eV, (rung,): what the identity misses, and
        noise.
    changes
        Share of frames whose minimum is another than that of the frame before, (rung,).
    """

    energy: Estimate
    surface_term: Estimate
    changes: Floats


def harmonic_frames(
    positions: Floats, minima: Floats, forces: Floats, before: Floats | None = None
) -> HarmonicFrames:
    """Prepare some frames for mapped averages.

    Parameters
    ----------
    positions, minima, forces
        (frame, replica, atom, 3): configurations and their inherent structures in Å, forces of
        the dynamics in eV/Å.
    before
        Minima of the frame before the first, (replica, atom, 3); None where there is none.
    """
    laid = superpose(minima, positions)
    u = positions - laid
    vibrations = max(3 * positions.shape[-2] - 6, 1)
    # d ln det M(s) / ds at s = 1 of M(s) = M(a) + s M(u).
    whole = rotational_matrix(laid - laid.mean(axis=-2, keepdims=True) + u, laid)
    slope = np.trace(np.linalg.solve(whole, rotational_matrix(u, laid)), axis1=-2, axis2=-1)
    first = minima[:1] if before is None else before[None]
    last = np.concatenate([first, minima[:-1]])
    moved = np.linalg.norm(superpose(last, minima) - minima, axis=-1).max(axis=-1)
    return HarmonicFrames(
        shifts=0.5 * (forces * u).sum(axis=(-2, -1)),
        freedom=vibrations + slope,
        lengths=np.linalg.norm(u, axis=(-2, -1)),
        changed=moved > _SAME,
    )


def mapped_energies(
    sample: TemperedSample, frames: HarmonicFrames, frame_time: float, mass: float
) -> MappedEnergies:
    r"""Mean energies at the rungs, mapped, with the surface term of the changes that were seen.

    A basin that is left at the rate k through boundaries at the distance |u| has the surface term
    :math:`\tfrac{kT}{2} |u|\, k / \sqrt{kT / 2 \pi m}`, for the flux through a boundary is the
    density there times the mean velocity across it.

    Parameters
    ----------
    sample
        Frames of the ladder.
    frames
        Of the same shape.
    frame_time
        Time between frames in fs.
    mass
        Of an atom, in amu.
    """
    energies, terms, shares = [], [], []
    for k, T in enumerate(sample.ladder.temperatures):
        kT = BOLTZMANN * T
        weighted, here = sample.at(T), sample.rungs == k
        mapped = sample.energies + frames.shifts + 0.5 * kT * frames.freedom
        found = weighted.mean(mapped)
        term = weighted.mean(sample.energies - mapped)
        # A replica that came from another rung has had time to change its minimum there.
        stayed = here[1:] & here[:-1]
        n = max(int(stayed.sum()), 1)
        share = float((frames.changed[1:] & stayed).sum() + 1) / n
        rate = share / frame_time
        crossing = np.sqrt(kT / (2 * np.pi * mass * AMU))
        systematic = 0.5 * kT * float(frames.lengths[here].mean()) * rate / crossing
        reason = ""
        if share > _LASTING + 1 / n:
            reason = (
                f"minima do not last at {T:g} K: {share:.1%} of the frames have another one than "
                "the frame before"
            )
        elif not abs(float(term.value)) < _AGREE * float(term.error) + systematic:
            reason = f"plain and mapped mean energy differ at {T:g} K by more than their noise"
        unknown = Estimate.unknown(found.value, reason)
        energies.append(unknown if reason else found.widened(systematic))
        terms.append(term)
        shares.append(share)
    return MappedEnergies(Estimate.stacked(energies), Estimate.stacked(terms), np.array(shares))
