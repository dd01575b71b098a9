"""From shapes near n atoms to candidates of exactly n: adatoms, vacancies and their repair."""

from collections.abc import Iterator

import numpy as np

from nanochart.clusters.kernels import change, coordinations, model_energy
from nanochart.clusters.shapes import BOND_ENERGY
from nanochart.clusters.template import Mask, Template, moments

__all__ = ["complete"]

# Numbers of atoms that a repair takes off and puts back: Fibonacci numbers, so that small dents
# and whole islands both move.
_REPAIRS = (1, 2, 3, 5, 8, 13, 21, 34)
_TIE = 1e-6


def _first_sites(template: Template, occupied: Mask, sign: int, most: int) -> list[int]:
    """Sites to change first: one of each kind at the surface, the best bound kinds first.

    Sites are of one kind if they have as many neighbours, and their neighbours as many, and lie
    equally far from the centroid.
    """
    graph = template.graph
    counts = coordinations(graph.indptr, graph.indices, occupied)
    if sign > 0:
        clashes = coordinations(graph.clash_indptr, graph.clash_indices, occupied)
        sites = np.flatnonzero(~occupied & (counts >= 3) & (clashes == 0))
    else:
        sites = np.flatnonzero(occupied & (counts < 12))
    among_atoms = np.cumsum(np.append(0, (counts * occupied)[graph.indices]))
    around = (among_atoms[graph.indptr[1:]] - among_atoms[graph.indptr[:-1]])[sites]
    centroid = graph.sites[occupied].mean(axis=0)
    distance = np.linalg.norm(graph.sites[sites] - centroid, axis=1).round(3)
    order = np.lexsort((sites, distance, -around, -sign * counts[sites]))
    kinds: dict[tuple[int, int, float], int] = {}
    for at in order:
        kind = (int(counts[sites[at]]), int(around[at]), float(distance[at]))
        kinds.setdefault(kind, int(sites[at]))
    return list(kinds.values())[:most]


def _repair(template: Template, occupied: Mask, energy: float) -> tuple[float, Mask]:
    """Take atoms off and put as many back at better sites, or the reverse, while it helps."""
    graph = template.graph
    n_atoms = int(occupied.sum())
    improved = True
    while improved:
        improved = False
        for count in _REPAIRS:
            if 3 * count > n_atoms:
                break
            for sign in (-1, 1):
                trial = occupied.copy()
                there = change(graph, trial, BOND_ENERGY, -1, count, sign)
                if change(graph, trial, BOND_ENERGY, -1, there, -sign) != there:
                    continue
                trial_energy = model_energy(graph, trial, BOND_ENERGY)
                if trial_energy < energy - _TIE:
                    energy, occupied, improved = trial_energy, trial, True
    return energy, occupied


def complete(template: Template, shape: Mask, n: int, most: int) -> Iterator[tuple[float, Mask]]:
    """Candidates of ``n`` atoms from one shape: model energy and occupied sites.

    Atoms are added or removed greedily, starting at up to ``most`` different kinds of site, with
    and without repair afterwards.
    """
    missing = n - int(shape.sum())
    sign = 1 if missing > 0 else -1
    met: set[tuple[float, ...]] = set()
    for first in [-1, *_first_sites(template, shape, sign, most)] if missing else [-1]:
        trial = shape.copy()
        if change(template.graph, trial, BOND_ENERGY, first, abs(missing), sign) != abs(missing):
            continue
        energy = model_energy(template.graph, trial, BOND_ENERGY)
        key = (round(energy, 4), *moments(template.graph, trial))
        if key in met:
            continue
        met.add(key)
        yield energy, trial
        repaired = _repair(template, trial, energy)
        if repaired[0] < energy - _TIE:
            yield repaired
