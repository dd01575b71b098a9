"""The sites a motif can occupy and the facets that cut complete shapes out of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from nanochart.shown import short_repr

__all__ = ["BOND", "Array", "Graph", "Mask", "Template", "bonds", "make_template", "moments"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# In units of the nearest-neighbour distance. The longest bond of an ideal site set is 1.05 (between
# the shells' neighbours of an icosahedron), the next distance sqrt(2) x 0.95.
BOND = 1.2
_CLASH = 0.8


class Graph(NamedTuple):
    """Sites and who neighbours whom, in compressed sparse rows (a tuple: Numba takes it whole)."""

    sites: Array
    """(site, 3), in units of the nearest-neighbour distance."""
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    clash_indptr: npt.NDArray[np.int64]
    clash_indices: npt.NDArray[np.int64]


@short_repr
@dataclass(frozen=True)
class Template:
    """Sites of one motif around one centre.

    A facet f gives every site a height h_f; a shape is the set of sites whose heights are all at
    most the facets' distances d_f: {s : h_f(s) <= d_f for all f}. It is *complete* when facets of
    one orbit (equal by symmetry) have one distance.
    """

    graph: Graph
    heights: Array
    """(facet, site); -inf for sites a facet does not cut, +inf for those of no complete shape."""
    orbits: tuple[tuple[int, ...], ...]
    """Facets that are equal by the symmetry of the motif."""
    defect_normal: Array
    """(k, 3) directions across the motif's defect (axis, plane or centre) through the origin."""
    n_core: int
    """The innermost sites that make the motif: always occupied, their bonds never broken."""
    tolerance: float
    """Share of the bonds that may change in a relaxation that keeps the motif."""


def bonds(positions: Array, cutoff: float) -> npt.NDArray[np.int64]:
    """Pairs i < j (pair, 2) nearer than ``cutoff``, sorted."""
    if len(positions) == 0:
        return np.empty((0, 2), np.int64)
    pairs = cKDTree(positions).query_pairs(cutoff, output_type="ndarray")
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _rows(pairs: npt.NDArray[np.int64], n_sites: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Compress pairs i < j into rows: ``indices[indptr[i]:indptr[i + 1]]`` neighbour i."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    indptr = np.zeros(n_sites + 1, np.int64)
    np.cumsum(np.bincount(both[:, 0], minlength=n_sites), out=indptr[1:])
    return indptr, np.ascontiguousarray(both[:, 1], dtype=np.int64)


def moments(graph: Graph, occupied: Mask) -> tuple[float, ...]:
    """Principal moments: equal for a shape met twice, turned, mirrored or around another centre."""
    positions = graph.sites[occupied]
    positions = positions - positions.mean(axis=0)
    # einsum adds in one order on every machine and number of threads; BLAS need not.
    inertia = np.einsum("ai,aj->ij", positions, positions)
    return tuple(np.linalg.eigvalsh(inertia).round(3).tolist())


def make_template(
    sites: Array,
    heights: Array,
    orbits: tuple[tuple[int, ...], ...],
    defect_normal: Array | None = None,
    n_core: int = 0,
    tolerance: float = 0.02,
) -> Template:
    """Join sites (nearest-neighbour distance 1) and facets; sites are sorted from the origin out.

    The other arguments are the fields of :class:`Template`.
    """
    distance = np.round(np.linalg.norm(sites, axis=1), 6)
    order = np.lexsort((*np.round(sites, 6).T, distance))
    sites = np.ascontiguousarray(sites[order])
    pairs = bonds(sites, BOND)
    length = np.linalg.norm(sites[pairs[:, 0]] - sites[pairs[:, 1]], axis=1)
    graph = Graph(
        sites,
        *_rows(pairs[length > _CLASH], len(sites)),
        *_rows(pairs[length <= _CLASH], len(sites)),
    )
    normal = np.zeros((0, 3)) if defect_normal is None else defect_normal
    return Template(graph, np.round(heights[:, order], 6), orbits, normal, n_core, tolerance)
