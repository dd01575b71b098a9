"""Compiled bond counting on a fixed set of sites: the coordination model, growth and erosion.

A ``graph`` is a :class:`nanochart.clusters.template.Graph`: the sites and, in compressed sparse
rows, who neighbours whom and which sites lie too close to be occupied together. ``occupied``
(site,) marks the atoms; ``bond_energy[Z]`` is the energy of an atom with Z neighbours.
"""

import numpy as np
from numba import njit

from nanochart.compiled.options import EXACT

__all__ = ["change", "coordinations", "model_energy", "peeled"]

# Two energies, heights or squared distances closer than this differ by rounding only.
_TIE = 1e-6
# An adatom rests on three atoms at least; an atom with twelve neighbours is inside.
_LEAST_SUPPORT = 3
_CLOSE_PACKED = 12


@njit(**EXACT)
def coordinations(indptr, indices, occupied):
    """Count the occupied neighbours of every site, occupied or not; (site,) int64."""
    counts = np.zeros(len(occupied), np.int64)
    for site in range(len(occupied)):
        if occupied[site]:
            for k in range(indptr[site], indptr[site + 1]):
                counts[indices[k]] += 1
    return counts


@njit(**EXACT)
def model_energy(graph, occupied, bond_energy):
    """Sum ``bond_energy[Z]`` over the atoms."""
    counts = coordinations(graph.indptr, graph.indices, occupied)
    energy = 0.0
    for site in range(len(occupied)):
        if occupied[site]:
            energy += bond_energy[counts[site]]
    return energy


@njit(**EXACT)
def peeled(graph, heights, occupied, bond_energy):
    """Size and model energy that are left when each facet alone gives up its outermost layer.

    ``heights`` (facet, site). Returns the heights of the outermost layers (facet,), the numbers of
    atoms left (facet,), 0 where the facet cuts none, and the energies left (facet,).
    """
    n_facets, n_sites = heights.shape
    counts = coordinations(graph.indptr, graph.indices, occupied)
    energy = 0.0
    size = 0
    for site in range(n_sites):
        if occupied[site]:
            energy += bond_energy[counts[site]]
            size += 1
    tops = np.full(n_facets, -np.inf)
    sizes = np.zeros(n_facets, np.int64)
    energies = np.zeros(n_facets)
    left = counts.copy()
    layer = np.empty(size, np.int64)
    for facet in range(n_facets):
        for site in range(n_sites):
            if occupied[site]:
                tops[facet] = max(tops[facet], heights[facet, site])
        if not np.isfinite(tops[facet]):
            continue
        n_layer = 0
        for site in range(n_sites):
            if occupied[site] and heights[facet, site] >= tops[facet] - _TIE:
                layer[n_layer] = site
                n_layer += 1
        energies[facet] = energy
        for a in range(n_layer):
            site = layer[a]
            occupied[site] = False
            energies[facet] -= bond_energy[left[site]]
            for k in range(graph.indptr[site], graph.indptr[site + 1]):
                j = graph.indices[k]
                left[j] -= 1
                if occupied[j]:
                    energies[facet] += bond_energy[left[j]] - bond_energy[left[j] + 1]
        sizes[facet] = size - n_layer
        for a in range(n_layer):
            occupied[layer[a]] = True
        left[:] = counts
    return tops, sizes, energies


@njit(**EXACT)
def _energy_change(graph, occupied, counts, bond_energy, site, sign):
    """Energy change on occupying (sign +1) or emptying (sign -1) a site."""
    energy = sign * bond_energy[counts[site]]
    for k in range(graph.indptr[site], graph.indptr[site + 1]):
        j = graph.indices[k]
        if occupied[j]:
            energy += bond_energy[counts[j] + sign] - bond_energy[counts[j]]
    return energy


@njit(**EXACT)
def _is_open(occupied, counts, site, sign):
    """Whether a site is at the surface: it could take an adatom, or give up its atom."""
    if sign > 0:
        return not occupied[site] and counts[site] >= _LEAST_SUPPORT
    return occupied[site] and counts[site] < _CLOSE_PACKED


@njit(**EXACT)
def change(graph, occupied, bond_energy, first, count, sign):
    """Occupy (``sign`` +1) or empty (-1) ``count`` sites in place, one by one, the best each time.

    ``first`` is changed first; -1 leaves that choice free too. Among sites of equal energy the one
    nearest to the centroid of those changed before is taken, so that an island or a dent stays
    compact; the first is the one nearest to the origin. Returns the number of sites changed: less
    than ``count`` where none is left.
    """
    n_sites = len(occupied)
    counts = coordinations(graph.indptr, graph.indices, occupied)
    clashes = coordinations(graph.clash_indptr, graph.clash_indices, occupied)
    # Only the surface is searched; the list of its sites grows as the surface moves.
    surface = np.empty(n_sites, np.int64)
    listed = np.zeros(n_sites, np.bool_)
    n_surface = 0
    for site in range(n_sites):
        if _is_open(occupied, counts, site, sign):
            surface[n_surface] = site
            listed[site] = True
            n_surface += 1
    energy = np.empty(n_sites)
    stale = np.ones(n_sites, np.bool_)
    centroid = np.zeros(3)
    for done in range(count):
        best = first if done == 0 else -1
        if best < 0:
            best_energy = np.inf
            best_distance = np.inf
            for a in range(n_surface):
                site = surface[a]
                if occupied[site] == (sign > 0) or (sign > 0 and clashes[site] > 0):
                    continue
                if stale[site]:
                    energy[site] = _energy_change(graph, occupied, counts, bond_energy, site, sign)
                    stale[site] = False
                if energy[site] > best_energy + _TIE:
                    continue
                distance = 0.0
                for c in range(3):
                    distance += (graph.sites[site, c] - centroid[c]) ** 2
                if energy[site] < best_energy - _TIE or distance < best_distance - _TIE:
                    best = site
                    best_energy = energy[site]
                    best_distance = distance
        if best < 0:
            return done
        occupied[best] = sign > 0
        for c in range(3):
            centroid[c] += (graph.sites[best, c] - centroid[c]) / (done + 1)
        for k in range(graph.clash_indptr[best], graph.clash_indptr[best + 1]):
            clashes[graph.clash_indices[k]] += sign
        for k in range(graph.indptr[best], graph.indptr[best + 1]):
            j = graph.indices[k]
            counts[j] += sign
            stale[j] = True
            for m in range(graph.indptr[j], graph.indptr[j + 1]):
                stale[graph.indices[m]] = True
        for k in range(graph.indptr[best], graph.indptr[best + 1]):
            j = graph.indices[k]
            if not listed[j] and _is_open(occupied, counts, j, sign):
                surface[n_surface] = j
                listed[j] = True
                n_surface += 1
    return count
