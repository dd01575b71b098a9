"""The best candidates of a motif at a size, in the bond model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nanochart.clusters.close_packed import hcp_templates, octahedral_templates, twin_templates
from nanochart.clusters.completion import complete
from nanochart.clusters.decahedron import decahedral_templates
from nanochart.clusters.icosahedron import icosahedral_templates
from nanochart.clusters.shapes import Shape, complete_shapes, peel
from nanochart.clusters.template import Array, Mask, Template, moments
from nanochart.shown import short_repr

__all__ = ["TEMPLATES", "Candidate", "candidates"]

#: Where the sites of each motif come from.
TEMPLATES: dict[str, Callable[[int], list[Template]]] = {
    "icosahedron": icosahedral_templates,
    "decahedron": decahedral_templates,
    "octahedron": octahedral_templates,
    "twin": twin_templates,
    "hcp": hcp_templates,
}

# Breadth of the search: complete shapes, beam of the peeling, shapes to finish, first sites.
_COMPLETE_SHAPES = 8
_BEAM = 8
_SHAPES_TO_FINISH = 36
_FIRST_SITES = 8

# The motif's defect passes within this share of the radius of the centroid.
_OFF_CENTRE = 0.25


@short_repr
@dataclass(frozen=True)
class Candidate:
    """Ideal positions (atom, 3) in nearest-neighbour distances, and what makes them the motif.

    ``core`` are the indices of the atoms whose mutual bonds must stay, ``tolerance`` the share of
    all bonds that may change, in a relaxation that keeps the motif.
    """

    positions: Array
    energy: float
    core: tuple[int, ...]
    tolerance: float


def _shapes_to_finish(templates: list[Template], n: int) -> list[tuple[Template, Shape]]:
    """Complete and lopsided shapes that adatoms or vacancies bring to ``n``: the most promising."""
    found: dict[tuple[float, ...], tuple[Template, Shape]] = {}
    for template in templates:
        for start in complete_shapes(template, n, _COMPLETE_SHAPES):
            for shape in peel(template, start, n, _BEAM):
                key = (shape.size, round(shape.excess, 4), *moments(template.graph, shape.occupied))
                found.setdefault(key, (template, shape))

    def promise(item: tuple[Template, Shape]) -> float:
        # Far from n, the greedy part of the search has more to do and does it less well.
        return item[1].excess + 0.5 * abs(item[1].size - n) / n

    return sorted(found.values(), key=promise)[:_SHAPES_TO_FINISH]


def _is_central(template: Template, occupied: Mask, n: int) -> bool:
    radius = (3.0 * n / (4.0 * np.pi * np.sqrt(2.0))) ** (1.0 / 3.0)
    offset = template.defect_normal @ template.graph.sites[occupied].mean(axis=0)
    return bool(np.linalg.norm(offset) <= _OFF_CENTRE * radius)


@lru_cache(maxsize=8)  # they are those of every metal
def candidates(motif: str, n: int, most: int) -> tuple[Candidate, ...]:
    """At most ``most`` different candidates of ``n`` atoms, the best in the bond model first.

    Candidates whose defect lies off the centre count only where there are no others.
    """
    central: dict[tuple[float, ...], Candidate] = {}
    lopsided: dict[tuple[float, ...], Candidate] = {}
    for template, shape in _shapes_to_finish(TEMPLATES[motif](n), n):
        core = tuple(range(template.n_core))
        for energy, occupied in complete(template, shape.occupied, n, _FIRST_SITES):
            if not occupied[list(core)].all():
                continue
            key = (round(energy, 4), *moments(template.graph, occupied))
            found = central if _is_central(template, occupied, n) else lopsided
            positions = template.graph.sites[occupied]
            positions = positions - positions.mean(axis=0)
            positions.setflags(write=False)
            # Sites run from the origin outwards, so the core comes first among the atoms too.
            found.setdefault(key, Candidate(positions, energy, core, template.tolerance))
    return tuple(sorted((central or lopsided).values(), key=lambda c: c.energy)[:most])
