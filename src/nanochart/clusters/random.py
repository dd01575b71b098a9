"""Random compact clusters: a starting point without structure."""

import numpy as np

from nanochart.clusters.template import Array, bonds
from nanochart.errors import ConvergenceError
from nanochart.minimization import quench
from nanochart.potentials import Potential

__all__ = ["random_cluster"]

# Share of the ball that spheres of the nearest-neighbour diameter would fill, and how close points
# may stay in such diameters. Both are low, so that parting points is no packing: spheres at 0.60
# that are parted until they touch at 0.95 find the truncated octahedron of 38 from one seed in
# four, and these in none of 360.
_FILLING = 0.50
_CONTACT = 0.70
_STEPS = 200


def _part(positions: Array, radius: float) -> Array:
    """Push overlapping points apart within a ball, until all are ``_CONTACT`` or more from others.

    Each step moves every overlapping pair apart by half of its overlap and pulls points back into
    the ball, which is a descent of harmonic repulsion.
    """
    for _ in range(_STEPS):
        pairs = bonds(positions, _CONTACT)
        if len(pairs) == 0:
            break
        apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
        distance = np.linalg.norm(apart, axis=1, keepdims=True)
        push = 0.5 * (_CONTACT * 1.01 - distance) * apart / np.maximum(distance, 1e-9)
        move = np.zeros_like(positions)
        np.add.at(move, pairs[:, 0], push)
        np.add.at(move, pairs[:, 1], -push)
        positions = positions + np.clip(move, -0.25, 0.25)
        outside = np.linalg.norm(positions, axis=1, keepdims=True)
        positions = np.where(outside > radius, positions * (radius / outside), positions)
    return positions


def random_cluster(n: int, seed: int, potential: Potential) -> tuple[Array, float]:
    """Positions (atom, 3) in Å and energy in eV of ``n`` atoms thrown into a ball and quenched.

    Points are uniform in the ball; only those that lie on top of each other are parted before.
    """
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = 0.5 * (n / _FILLING) ** (1.0 / 3.0)
    centres = max(radius - 0.5, 0.5)
    positions = direction * centres * rng.random((n, 1)) ** (1.0 / 3.0)
    q = quench(_part(positions, centres) * potential.nearest_neighbour, potential)
    if not q.converged:
        raise ConvergenceError(
            f"the quench of a random cluster of {n} atoms (seed {seed}) did not converge (largest "
            f"force left: {q.max_forces:.2g} eV/Å); take another seed"
        )
    return q.positions - q.positions.mean(axis=0), float(q.energies)
