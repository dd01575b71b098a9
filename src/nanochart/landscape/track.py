"""A trajectory as a path through named regions: which changes last, and when."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr

__all__ = ["LastingStates", "Transition", "lasting_states"]


@dataclass(frozen=True)
class Transition:
    """A lasting change: from ``before`` to ``after`` at ``frame``, the first of the new state."""

    frame: int
    before: str
    after: str


@short_repr
@dataclass(frozen=True, eq=False)
class LastingStates:
    """The lasting state of every frame (frame,), and the transitions between them."""

    states: NDArray[np.str_]
    transitions: tuple[Transition, ...]


def lasting_states(labels: ArrayLike, persistence: int, share: float = 0.75) -> LastingStates:
    r"""Tell lasting changes of a label from flickers.

    A new state L begins at frame f when L is the label of f and of at least ``share`` of the
    ``persistence`` frames from f on,

    .. math:: l_f = L, \qquad \frac{1}{k} \sum_{g=f}^{f+k-1} [\,l_g = L\,] \ge c,

    and L is not the state already. It lasts until another begins. Whatever is seen for a shorter
    while is a flicker and changes nothing; a change in the last k - 1 frames is not known to last.
    The first state is the one that begins first, from the first frame on; if none ever does, the
    most frequent label is the only state.

    Parameters
    ----------
    labels
        Label of each frame (frame,).
    persistence
        Number k of frames for which a state must last; 1 takes every change.
    share
        Share c of these frames, above 1/2 and at most 1, so that at most one label can last at a
        time.

    Raises
    ------
    ValueError
        If there are no labels, or the settings are out of range.
    """
    names = np.asarray(labels, dtype=np.str_)
    if names.ndim != 1 or len(names) == 0:
        raise ValueError(
            f"labels must be a list of at least one, one for each frame; got shape {names.shape}"
        )
    if persistence < 1:
        raise ValueError(f"the persistence must be at least 1 frame; got {persistence}")
    if not 0.5 < share <= 1.0:
        raise ValueError(f"the share must be above 0.5 and at most 1; got {share}")
    k = min(persistence, len(names))
    needed = math.ceil(share * k - 1e-9)
    found, codes = np.unique(names, return_inverse=True)
    counts = np.zeros((len(found), len(names) + 1), dtype=np.int64)
    counts[:, 1:] = np.cumsum(codes == np.arange(len(found))[:, None], axis=1)
    ahead = counts[:, k:] - counts[:, :-k]  # of each label in the k frames from each frame on
    starts = np.flatnonzero(ahead[codes[: ahead.shape[1]], np.arange(ahead.shape[1])] >= needed)
    if len(starts) == 0:
        common = int(np.argmax(np.bincount(codes)))
        return LastingStates(found[np.full(len(names), common)], ())
    transitions = []
    lasting = np.full(len(names), codes[starts[0]])
    for frame in starts[1:]:
        before, after = lasting[frame], codes[frame]
        if after != before:
            transitions.append(Transition(int(frame), str(found[before]), str(found[after])))
            lasting[frame:] = after
    return LastingStates(found[lasting], tuple(transitions))
