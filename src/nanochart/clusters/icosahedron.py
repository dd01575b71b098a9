"""Mackay icosahedra: twenty fcc tetrahedra that share a vertex, in concentric shells."""

from itertools import combinations

import numpy as np

from nanochart.clusters.template import Array, Template, make_template

__all__ = ["icosahedral_templates"]

# Radial over tangential neighbour distance of a regular icosahedron: sin(72°).
_RADIAL = np.sqrt(0.625 + np.sqrt(5.0) / 8.0)


def _shell_size(shell: int) -> int:
    """Number of atoms up to a shell: 1, 13, 55, 147, 309, ..."""
    return (10 * shell**3 + 15 * shell**2 + 11 * shell + 3) // 3


def _corners() -> tuple[Array, list[tuple[int, int, int]]]:
    """Corners (12, 3) of an icosahedron of unit radius and its 20 faces (corner indices)."""
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    first = np.array([(0.0, a, b * golden) for a in (1, -1) for b in (1, -1)])
    corners = np.concatenate([np.roll(first, k, axis=1) for k in range(3)])
    faces = [
        face
        for face in combinations(range(12), 3)
        if all(np.linalg.norm(corners[i] - corners[j]) < 2.1 for i, j in combinations(face, 2))
    ]
    return corners / np.linalg.norm(corners[0]), faces


def icosahedral_templates(n: int) -> list[Template]:
    """Shells up to the first that holds ``n`` atoms, and the hcp sites over the one below.

    A face of shell k + 1 continues the fcc stacking of its tetrahedron (a Mackay overlayer). The
    other hollows of the face (an anti-Mackay overlayer) bind a small island better, because there
    it can close rings around the corners; they belong to no complete shape.
    """
    corners, faces = _corners()
    outer = next(shell for shell in range(1, 20) if _shell_size(shell) >= n)
    sites = [np.zeros(3)]
    tetrahedra: list[set[int]] = [set(range(20))]
    shells = [0]
    index: dict[tuple[float, ...], int] = {}
    for shell in range(1, outer + 1):
        for f, face in enumerate(faces):
            for a in range(shell + 1):
                for b in range(shell + 1 - a):
                    site = np.array([a, b, shell - a - b]) @ corners[list(face)] * _RADIAL
                    key = tuple(np.round(site, 5) + 0.0)
                    if key not in index:
                        index[key] = len(sites)
                        sites.append(site)
                        tetrahedra.append(set())
                        shells.append(shell)
                    tetrahedra[index[key]].add(f)
    inner = outer - 1
    hollows = []
    for face in faces:
        axes = corners[list(face)] * _RADIAL
        outward = axes.sum(axis=0) / np.linalg.norm(axes.sum(axis=0))
        hollows += [
            (np.array([a, b, inner - 1 - a - b]) + 1.0 / 3.0) @ axes
            + outward * np.sqrt(2.0 / 3.0) * np.linalg.norm(axes[0] - axes[1])
            for a in range(inner)
            for b in range(inner - a)
        ]
    positions = np.array(sites + hollows)
    heights = np.full((20 + 12, len(positions)), -np.inf)
    for site, (members, shell) in enumerate(zip(tetrahedra, shells, strict=True)):
        heights[list(members), site] = shell
    heights[20:] = corners @ positions.T
    heights[:, len(sites) :] = np.inf
    # Open shells of an icosahedron close up as they relax; the centre decides what it is.
    return [
        make_template(
            positions,
            heights,
            (tuple(range(20)), tuple(range(20, 32))),
            np.eye(3),
            n_core=13,
            tolerance=0.1,
        )
    ]
