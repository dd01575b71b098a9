"""Close-packed crystals: fcc (truncated octahedra), fcc with one twin plane, and hcp."""

from itertools import product

import numpy as np
import numpy.typing as npt

from nanochart.clusters.template import Array, Template, make_template

__all__ = ["hcp_templates", "octahedral_templates", "twin_templates"]

# Sideways step from one close-packed layer to the next, and the layers' distance.
_STEP = np.array([0.5, np.sqrt(3.0) / 6.0, 0.0])
_LAYER = np.sqrt(2.0 / 3.0)


def _radius(n: int) -> float:
    """Radius of a ball of sites that holds the shapes near ``n`` atoms and a layer more."""
    return float(1.35 * (3.0 * n / (4.0 * np.pi * np.sqrt(2.0))) ** (1.0 / 3.0) + 1.5)


def octahedral_templates(n: int) -> list[Template]:
    """Fcc sites around an atom and around an octahedral hole; facets {111} and {100}."""
    radius = _radius(n)
    half = int(np.ceil(radius * np.sqrt(2.0))) + 1
    axis = np.arange(-half, half + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    normals = [np.array(s) / np.sqrt(3.0) for s in product((1, -1), repeat=3)]
    normals += [sign * row for row in np.eye(3) for sign in (1, -1)]
    orbits = (tuple(range(8)), tuple(range(8, 14)))
    templates = []
    for parity in (0, 1):
        sites = grid[grid.sum(axis=1) % 2 == parity] / np.sqrt(2.0)
        sites = sites[np.linalg.norm(sites, axis=1) <= radius]
        templates.append(make_template(sites, np.array(normals) @ sites.T, orbits))
    return templates


def _layers(
    radius: float, shifts: Array, levels: npt.NDArray[np.int64], centre: Array
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Triangular layers at heights ``levels``, shifted sideways; sites and their level index."""
    half = int(np.ceil(radius / np.sqrt(0.75))) + 2
    axis = np.arange(-half, half + 1)
    a, b = (x.ravel() for x in np.meshgrid(axis, axis))
    flat = np.stack([a + b / 2.0, np.sqrt(0.75) * b, 0.0 * a], axis=1)
    sites = flat[None] + shifts[:, None] + (levels * _LAYER)[:, None, None] * np.array([0, 0, 1.0])
    sites = sites.reshape(-1, 3) - centre
    level = np.repeat(levels, len(flat))
    inside = np.linalg.norm(sites, axis=1) <= radius
    return sites[inside], level[inside]


def twin_templates(n: int) -> list[Template]:
    """Two fcc halves that mirror each other in the plane z = 0 (one hcp layer).

    Centred, in the plane, on an atom and on both kinds of hollow. Facets: the two basal {111}; in
    each half the {111} that lean in and those that lean out (ridges and grooves of the twin), and
    the {100} that lean in, as those that lean out meet no compact shape.
    """
    radius = _radius(n)
    levels = np.arange(-int(radius / _LAYER) - 1, int(radius / _LAYER) + 2)
    shifts = np.outer(np.abs(levels) % 3, _STEP)
    # Edges of a tetrahedron of the upper half; {111} hold two of them, {100} two opposite ones.
    one, two = np.array([1.0, 0.0, 0.0]), np.array([0.5, np.sqrt(0.75), 0.0])
    three = _STEP + np.array([0.0, 0.0, _LAYER])
    octahedral = [np.cross(one, three), np.cross(two, three), np.cross(two - one, three - one)]
    cubic = [np.cross(one, three - two), np.cross(two, three - one), np.cross(three, two - one)]
    inwards = [vector * np.sign(vector[2]) / np.linalg.norm(vector) for vector in octahedral]
    square = [vector * np.sign(vector[2]) / np.linalg.norm(vector) for vector in cubic]
    normals = [np.array([0.0, 0.0, 1.0]), *inwards, *[-vector for vector in inwards], *square]
    # Facets 2 k and 2 k + 1 are normal k in the upper half and its mirror image in the lower.
    orbits = ((0, 1), tuple(range(2, 8)), tuple(range(8, 14)), tuple(range(14, 20)))
    mirror = np.array([1.0, 1.0, -1.0])
    templates = []
    for centre in (0.0, 1.0, 2.0):
        sites, level = _layers(radius, shifts, levels, centre * _STEP)
        upper = np.where(level >= 0, np.array(normals) @ sites.T, -np.inf)
        lower = np.where(level <= 0, (np.array(normals) * mirror) @ sites.T, -np.inf)
        heights = np.stack([upper, lower], axis=1).reshape(-1, len(sites))
        templates.append(make_template(sites, heights, orbits, np.array([[0.0, 0.0, 1.0]])))
    return templates


def hcp_templates(n: int) -> list[Template]:
    """Hcp sites around four centres; facets {0001}, pyramidal {10-11} and prismatic {10-10}.

    The centres are, within a layer, an atom, the hollow between atoms of both neighbour layers and
    the empty hollow; and the octahedral hole between two layers.
    """
    radius = _radius(n)
    levels = np.arange(-int(radius / _LAYER) - 2, int(radius / _LAYER) + 3)
    shifts = np.outer(levels % 2, _STEP)
    turns = np.pi / 3.0 * np.arange(6)
    prism = np.stack([np.sin(turns), np.cos(turns), 0.0 * turns], axis=1)
    # {10-11}: cuts sqrt(3)/2 sideways and the height 2 _LAYER of a cell: slope from c/a.
    slope = np.sqrt(0.75) / (2.0 * _LAYER)
    tilt = np.array([0.0, 0.0, slope])
    pyramids = [(row + sign * tilt) / np.hypot(1.0, slope) for sign in (1, -1) for row in prism]
    normals = np.array([[0, 0, 1.0], [0, 0, -1.0], *pyramids, *prism])
    orbits = ((0, 1), tuple(range(2, 14)), tuple(range(14, 20)))
    centres = [0.0 * _STEP, _STEP, 2.0 * _STEP, 2.0 * _STEP + np.array([0.0, 0.0, _LAYER / 2.0])]
    templates = []
    for centre in centres:
        sites, _ = _layers(radius, shifts, levels, centre)
        templates.append(make_template(sites, normals @ sites.T, orbits))
    return templates
