"""Relax candidates, keep those that are still the motif, and choose the best."""

from collections.abc import Sequence

import numpy as np

from nanochart.clusters.candidates import Candidate
from nanochart.clusters.template import BOND, Array, bonds
from nanochart.errors import ConvergenceError
from nanochart.minimization import quench
from nanochart.potentials import Potential

__all__ = ["relax_best"]

# Displacement before the quench, in nearest-neighbour distances: takes symmetric shapes off saddle
# points, where no force would, and is far too small to leave a basin.
_SHAKE = 0.004

# Bonds of relaxed clusters reach further than ideal ones: between corners of large icosahedra.
_RELAXED_BOND = 1.25

_FINAL_FORCE = 1e-5


def _changed_bonds(candidate: Candidate, relaxed: Array) -> float:
    """Share of the bonds that a relaxation broke or formed; infinite if it touched the core's.

    ``relaxed`` in nearest-neighbour distances.
    """
    core = list(candidate.core)
    # The core's bonds must not even stretch, or analyses of neighbours no longer see the motif.
    if bonds(relaxed[core], BOND).tolist() != bonds(candidate.positions[core], BOND).tolist():
        return np.inf
    n = len(relaxed)
    before = bonds(candidate.positions, BOND)
    after = bonds(relaxed, _RELAXED_BOND)
    kept = np.isin(before @ [n, 1], after @ [n, 1])
    return float((len(before) + len(after) - 2 * kept.sum()) / len(before))


def relax_best(found: Sequence[Candidate], potential: Potential) -> tuple[Array, float, bool]:
    """Positions (atom, 3) in Å, energy in eV of the best relaxed candidate; if it kept its bonds.

    The lowest in energy of those whose bonds changed no more than their tolerance; if there is
    none (very small clusters of some metals), the one whose bonds changed least.
    """
    ideal = np.array([candidate.positions for candidate in found])
    shake = _SHAKE * np.random.default_rng(0).normal(size=ideal.shape[1:])
    nearest = potential.nearest_neighbour
    q = quench((ideal + shake) * nearest, potential)
    changed = np.array(
        [_changed_bonds(c, x / nearest) for c, x in zip(found, q.positions, strict=True)]
    )
    tolerance = np.array([candidate.tolerance for candidate in found])
    # Energies first to 1e-6 eV, then by rank: candidates that relax to the same cluster are equal.
    energy = np.round(q.energies, 6)
    penalty = np.where(q.converged, np.maximum(changed - tolerance, 0.0), np.inf)
    best = int(np.lexsort((np.arange(len(found)), energy, penalty))[0])
    if not q.converged[best]:
        raise ConvergenceError(
            f"no relaxation of a cluster of {ideal.shape[1]} atoms with the potential "
            f"{potential.name} converged (largest force left: {q.max_forces[best]:.2g} eV/Å); "
            f"check the potential, or its nearest-neighbour distance "
            f"({potential.nearest_neighbour:.3f} Å)"
        )
    final = quench(q.positions[best], potential, max_force=_FINAL_FORCE)
    kept = bool(penalty[best] == 0.0)
    return final.positions - final.positions.mean(axis=0), float(final.energies), kept
