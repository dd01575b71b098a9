"""Which state a frame belongs to: two questions, and an answer for each.

*Its own*: the state of the frame's own inherent structure, which its motif's rules or
`Families.assign` tell. *The place's*: the state that frames at this place of the chart have, which
is a share of each state, because thermal frames of several states lie at one place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from nanochart.shown import short_repr

__all__ = ["OWN", "PLACE", "PlaceMembership", "place_membership"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The definitions, as results record them.
OWN: Final = "own inherent structure"
PLACE: Final = "place in the chart"

#: Numbers of neighbours that are tried.
_NEIGHBOURS: Final = (5, 10, 20, 40, 80)
#: Groups that are left out in turn, at most, and frames of each that are asked.
_FOLDS: Final = 24
_ASKED: Final = 1000
#: Frames below which shares of neighbours mean nothing.
_FEWEST: Final = 50
_BLOCK: Final = 8192


@short_repr
@dataclass(frozen=True, eq=False)
class PlaceMembership:
    r"""Shares of the states at a place, from known frames there.

    .. math:: p_A(s) = \frac{1}{k} \sum_{i \in N_k(s)} [\, A_i = A \,]

    with the k nearest known frames :math:`N_k` and their own states :math:`A_i`. A bias that acts
    on the chart alone changes how often a place is visited, but not the shares of the states there;
    those of known frames of equilibrium at the same temperature are therefore right, whatever the
    bias, as far as the neighbours are at the place. A vote, which gives a place to the state that
    most frames there have, is wrong wherever states overlap: it takes from the rare.

    Attributes
    ----------
    tree
        Search tree of the known frames in the chart, (frame, d).
    states
        States of the known frames, (frame,).
    n_states
        Number of states.
    neighbours
        Number k of neighbours: of some numbers the one whose shares told left-out frames best.
    error
        Standard error of the population of each state, (state,): the root mean square, over groups
        of frames that were left out in turn, of the mean share less the true share.
    """

    tree: cKDTree
    states: Ints
    n_states: int
    neighbours: int
    error: Floats

    def shares(self, points: ArrayLike) -> Floats:
        """Share of each state at each point (..., d), shape (..., state); their sum is one."""
        s = np.asarray(points, dtype=np.float64)
        flat = s.reshape(-1, s.shape[-1])
        out = np.empty((len(flat), self.n_states))
        for start in range(0, len(flat), _BLOCK):
            block = slice(start, start + _BLOCK)
            _, near = self.tree.query(flat[block], k=list(range(1, self.neighbours + 1)))
            out[block] = _counted(self.states[near], self.n_states)
        return out.reshape(*s.shape[:-1], self.n_states)


def place_membership(
    points: ArrayLike, states: ArrayLike, groups: ArrayLike, n_states: int
) -> PlaceMembership:
    """Learn which states lie where, and how wrong that is for frames that were not learned from.

    Parameters
    ----------
    points
        Chart coordinates of known frames, (frame, d), in equilibrium at about the temperature at
        which it will be asked.
    states
        Code of the state of each known frame from 0, (frame,).
    groups
        Which frames are not independent of one another, (frame,): the replica of each, or its block
        of time. A group is left out as a whole, since neighbours in time would know too much.
    n_states
        Number of states.

    Raises
    ------
    ValueError
        If there are fewer than 50 frames or two groups.
    """
    s = np.asarray(points, dtype=np.float64)
    codes = np.asarray(states, dtype=np.int64)
    group = np.asarray(groups)
    if len(s) < _FEWEST or len(np.unique(group)) < 2:
        raise ValueError(
            f"shares of states by place need at least {_FEWEST} known frames in at least 2 "
            f"independent groups; got {len(s)} in {len(np.unique(group))}: sample longer, or near "
            "this temperature"
        )
    tried = [k for k in _NEIGHBOURS if k <= len(s) // 4]
    scores = np.zeros(len(tried))
    misses: list[list[Floats]] = [[] for _ in tried]
    sizes = []
    for left_out in _folds(group):
        kept = np.flatnonzero(~left_out)
        if len(kept) < max(tried):
            continue
        asked = np.flatnonzero(left_out)
        asked = asked[:: max(1, len(asked) // _ASKED)]
        truth = np.eye(n_states)[codes[asked]]
        _, near = cKDTree(s[kept]).query(s[asked], k=list(range(1, max(tried) + 1)))
        votes = codes[kept][near]
        sizes.append(len(asked))
        for a, k in enumerate(tried):
            shares = _counted(votes[:, :k], n_states)
            scores[a] += float(((shares - truth) ** 2).sum())
            misses[a].append((shares - truth).mean(axis=0))
    if not sizes:
        raise ValueError(
            "shares of states by place need known frames in several independent groups; nearly all "
            f"of the {len(s)} are in one: sample longer"
        )
    best = int(scores.argmin())
    squares = np.average(np.array(misses[best]) ** 2, axis=0, weights=sizes)
    return PlaceMembership(cKDTree(s), codes, n_states, tried[best], np.sqrt(squares))


def _counted(votes: Ints, n_states: int) -> Floats:
    """Share of each state among votes (point, neighbour), shape (point, state)."""
    n, k = votes.shape
    places = votes + n_states * np.arange(n)[:, None]
    counts = np.bincount(places.ravel(), minlength=n * n_states)
    shares: Floats = counts.reshape(n, n_states) / k
    return shares


def _folds(group: NDArray[np.generic]) -> Iterator[NDArray[np.bool_]]:
    """Which frames are left out in each turn: the groups, the smaller ones together."""
    names, index, counts = np.unique(group, return_inverse=True, return_counts=True)
    n = min(_FOLDS, len(names))
    load, fold = np.zeros(n), np.zeros(len(names), dtype=np.int64)
    for k in np.argsort(-counts, kind="stable"):
        fold[k] = int(load.argmin())
        load[fold[k]] += counts[k]
    for k in range(n):
        yield fold[index.ravel()] == k
