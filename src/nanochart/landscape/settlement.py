"""What becomes of minima that a clustering of places cannot judge: single ones, and too few.

A density has no say about a single minimum: however often it was visited, it is one point. A
clustering leaves it as noise, or, where it has no noise, to whatever is nearest.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.choice import vote
from nanochart.landscape.minima import Minima

__all__ = ["often_visited", "reach_of", "settled"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Share of all frames from which a minimum is visited often.
_OFTEN = 0.001
#: Fitted points beyond whose nearest neighbours a frame is in no place the fit has seen: the
#: distance that all but this share of the fitted points keep, times a factor.
_OUTSIDE, _MARGIN = 0.01, 3.0
#: The same factor for a minimum that stands alone. The cuboctahedron of Ag55 is three times as far
#: from every other minimum in the chart, six times by what its places decode to.
_ALONE = 2.0


def reach_of(points: Floats) -> float:
    """Distance from the nearest of some points beyond which a place is none that they know."""
    if len(points) < 2:
        return 0.0
    return float(_MARGIN * np.quantile(_nearest(points), 1.0 - _OUTSIDE))


def often_visited(minima: Minima, smallest: int) -> NDArray[np.bool_]:
    """Whether each minimum was visited by 0.1 % of all frames, and by ``smallest`` at least."""
    return np.asarray(minima.counts >= max(smallest, _OFTEN * minima.counts.sum()))


def settled(minima: Minima, labels: Ints, smallest: int) -> Ints:
    """Family of each minimum (minimum,) after those that are visited have one.

    1. A minimum that was visited often, by 0.1 % of all frames and ``smallest`` at least, is a
       family of its own where the clustering left it as noise, and where it is farther from every
       other than twice what 99 % of the minima that were visited less keep to their nearest.
    2. Any other that was left as noise but visited ``smallest`` times or more joins the family of
       those near it.
    3. What is left was visited hardly at all, and is noise.

    Where nothing is a family after the first step, all minima are one.

    Parameters
    ----------
    minima
        With the places by which distances count.
    labels
        Family of each by the clustering, -1 for noise.
    smallest
        Frames of a family at least.
    """
    labels = labels.copy()
    counts, points = minima.counts, minima.points
    often = often_visited(minima, smallest)
    own = np.flatnonzero(often & ((labels < 0) | _far(points, ~often)))
    labels[own] = int(labels.max(initial=-1)) + 1 + np.arange(len(own))
    if labels.max() < 0:
        return np.zeros_like(labels)  # nothing stands apart: the whole is one family
    known = labels >= 0
    joining = ~known & (counts >= smallest)
    if known.any() and joining.any():
        labels[joining] = vote(cKDTree(points[known]), labels[known], points[joining])
    return labels


def _far(points: Floats, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each minimum is farther from every other than ``others`` are, by far."""
    if len(points) < 2:
        return np.zeros(len(points), dtype=bool)
    nearest = _nearest(points)
    usual = nearest[others] if others.any() else nearest
    return np.asarray(nearest > _ALONE * np.quantile(usual, 1.0 - _OUTSIDE))


def _nearest(points: Floats) -> Floats:
    """Distance of each point to the nearest other."""
    return np.asarray(cKDTree(points).query(points, k=[2])[0][:, 0])
