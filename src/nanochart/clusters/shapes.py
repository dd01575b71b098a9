"""Complete shapes near a size, and the lopsided ones that peeling single facets makes of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nanochart.clusters.kernels import model_energy, peeled
from nanochart.clusters.template import Mask, Template

__all__ = ["BOND_ENERGY", "Shape", "complete_shapes", "peel"]

#: Energy of an atom with Z neighbours: the second-moment law, a repulsion linear and a band energy
#: in the square root of Z. Their ratio lies between 0.07 and 0.12 for Cu, Ag and Au.
BOND_ENERGY = 0.1 * np.arange(32) - np.sqrt(np.arange(32))

_BULK = BOND_ENERGY[12]
_TIE = 1e-5


@dataclass(frozen=True)
class Shape:
    """Occupied sites (site,), how many they are, and their surface energy per N^(2/3).

    ``excess`` = (E - N e_12) / N^(2/3) in the bond model compares shapes of different size: the
    lower, the better rounded.
    """

    occupied: Mask
    size: int
    excess: float


def _excess(size: int, energy: float) -> float:
    return float((energy - _BULK * size) / size ** (2.0 / 3.0))


def _near(sizes: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.bool_]:
    """Mark sizes within about a layer of ``n``, and in any case the three nearest on each side."""
    step = n ** (2.0 / 3.0)
    below = np.unique(sizes[(sizes <= n) & (sizes > 0)])[-3:]
    above = np.unique(sizes[sizes >= n])[:3]
    smallest = min([n - step, *below])
    largest = max([n + 2.5 * step, *above])
    return np.asarray((sizes >= smallest) & (sizes <= largest))


def complete_shapes(template: Template, n: int, keep: int) -> list[Shape]:
    """Best-rounded complete shapes near ``n`` atoms, at most ``keep``.

    Every shape is met once, with its facets at the outermost sites that they leave. The sizes of
    all come from one cumulative histogram of the sites' heights.
    """
    index, levels = [], []
    for orbit in template.orbits:
        height = template.heights[list(orbit)].max(axis=0)
        finite = np.unique(height[np.isfinite(height)])
        levels.append(finite)
        # Sites below every facet count with the lowest level, excluded ones with none.
        index.append(np.searchsorted(finite, height))
    shape = [len(level) + 1 for level in levels]
    table = np.bincount(np.ravel_multi_index(index, shape), minlength=int(np.prod(shape)))
    sizes: npt.NDArray[np.int64] = table.reshape(shape)[tuple(slice(-1) for _ in shape)]
    for axis in range(len(shape)):
        sizes = np.cumsum(sizes, axis=axis)
    distinct = sizes > 0
    for axis in range(len(shape)):
        distinct &= np.diff(sizes, axis=axis, prepend=0) > 0
    distinct[distinct] = _near(sizes[distinct], n)
    found = []
    for entry in np.argwhere(distinct):
        inside = np.ones(len(template.graph.sites), bool)
        for at, height_index in zip(entry, index, strict=True):
            inside &= height_index <= at
        size = int(sizes[tuple(entry)])
        energy = model_energy(template.graph, inside, BOND_ENERGY)
        found.append(Shape(inside, size, _excess(size, energy)))
    found.sort(key=lambda shape: shape.excess)
    return found[:keep]


def peel(template: Template, start: Shape, n: int, width: int) -> list[Shape]:
    """Take facets off a shape, one whole layer at a time, until ``n`` atoms or fewer are left.

    A beam search: of all shapes one layer smaller, the ``width`` best rounded go on. Returns those
    of at most ``n`` atoms and the last larger ones, so that ``n`` lies within a layer of each.
    """
    if start.size <= n:
        return [start]
    ends: dict[tuple[int, float], Shape] = {}
    beam = [start]
    while beam:
        following: dict[tuple[int, float], tuple[Shape, int, float]] = {}
        for shape in beam:
            tops, sizes, energies = peeled(
                template.graph, template.heights, shape.occupied, BOND_ENERGY
            )
            for facet in np.flatnonzero(sizes):
                left = int(sizes[facet])
                excess = round(_excess(left, energies[facet]), 5)
                # Layers equal by symmetry leave the same size and energy: one of them is enough.
                following.setdefault((left, excess), (shape, int(facet), float(tops[facet])))
        beam = []
        n_larger = 0
        for (size, excess), (shape, cut, top) in sorted(following.items(), key=lambda i: i[0][1]):
            n_larger += size > n
            if size > n and n_larger > width:
                continue
            layer = template.heights[cut] >= top - _TIE
            smaller = Shape(shape.occupied & ~layer, size, excess)
            if size > n:
                beam.append(smaller)
            else:
                ends.setdefault((size, excess), smaller)
                ends.setdefault((shape.size, round(shape.excess, 5)), shape)
    return list(ends.values())
