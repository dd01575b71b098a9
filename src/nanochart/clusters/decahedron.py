"""Marks decahedra: five fcc tetrahedra that share an edge, with notches where their twins meet."""

import numpy as np

from nanochart.clusters.template import Template, make_template

__all__ = ["decahedral_templates"]


def decahedral_templates(n: int) -> list[Template]:
    """Sites i u_k + j u_(k+1) + z of five units k = 0..4 around the z axis, for ``n`` atoms.

    u_k points along twin plane k and one step along it measures sqrt(3)/2; sites with odd i + j sit
    half a step higher. Facets: the {111} caps |z| + (i + j)/2, the {100} sides i + j, and the {111}
    notches i and j of every unit. The two templates have a site, or the middle between two, at the
    centre of the axis.
    """
    radius = 1.35 * (3.0 * n / (4.0 * np.pi * np.sqrt(2.0))) ** (1.0 / 3.0) + 1.5
    reach = int(np.ceil(radius / (np.sqrt(0.75) * np.cos(np.pi / 5.0))))
    angles = 2.0 * np.pi * np.arange(6) / 5.0
    twins = np.sqrt(0.75) * np.stack([np.cos(angles), np.sin(angles), np.zeros(6)], axis=1)
    levels = np.arange(-2 * int(radius) - 2, 2 * int(radius) + 3) / 2.0
    i, j, z = (a.ravel() for a in np.meshgrid(np.arange(reach), np.arange(reach), levels))
    templates = []
    for middle in (0.0, 0.5):
        allowed = np.isclose(np.mod(z + middle + (i + j) / 2.0, 1.0), 0.0)
        sites, heights = [], []
        for unit in range(5):
            # i >= 1 leaves the twin plane j-wards to the next unit, so that no site comes twice;
            # the axis belongs to unit 0.
            own = allowed & ((i >= 1) | ((unit == 0) & (j == 0)))
            a, b, c = i[own], j[own], z[own]
            height = np.full((25, own.sum()), -np.inf)
            owners = [(unit, a, b, np.ones(len(a), bool)), (unit - 1, 0 * a, a, b == 0)]
            owners += [(other, a, b, (a == 0) & (b == 0)) for other in range(5)]
            for owner, along, across, where in owners:
                k = owner % 5
                height[k, where] = (c + (along + across) / 2.0)[where]
                height[5 + k, where] = (-c + (along + across) / 2.0)[where]
                height[10 + k, where] = (along + across)[where]
                height[15 + k, where] = along[where]
                height[20 + k, where] = across[where]
            site = np.outer(a, twins[unit]) + np.outer(b, twins[unit + 1])
            site[:, 2] = c
            inside = np.linalg.norm(site, axis=1) <= radius
            sites.append(site[inside])
            heights.append(height[:, inside])
        templates.append(
            make_template(
                np.concatenate(sites),
                np.concatenate(heights, axis=1),
                (tuple(range(10)), tuple(range(10, 15)), tuple(range(15, 25))),
                np.eye(3)[:2],
            )
        )
    return templates
