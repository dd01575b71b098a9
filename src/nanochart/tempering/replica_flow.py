"""How replicas travel the ladder: flow, round trips and what exchange alone allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.shown import short_repr

__all__ = [
    "RoundTrips",
    "communication_barrier",
    "ideal_round_trip_time",
    "replica_flow",
    "round_trips",
    "walks",
]


@short_repr
@dataclass(frozen=True)
class RoundTrips:
    """Travels between the ends of the ladder and back, in stored frames.

    Attributes
    ----------
    counts
        Number of round trips of each replica, shape (replica,); half trips do not count.
    time
        Mean frames of one round trip: twice the time in which ends were known, of all replicas
        together, over the changes from one end to the other. Infinite if no replica crossed.
        Unlike the mean of the completed trips it is not too small in a short run.
    crossings
        Number of passages from one end to the other, of all replicas together.
    """

    counts: NDArray[np.int64]
    time: float
    crossings: int


def round_trips(rungs: ArrayLike, n_rungs: int | None = None) -> RoundTrips:
    """Count the replicas' round trips: lowest rung, highest, lowest again, or the reverse.

    Parameters
    ----------
    rungs
        Rung of each replica, shape (frame, replica).
    n_rungs
        Number of rungs; when left out, the highest rung in the data is the top.
    """
    visited, top = _checked(rungs, n_rungs)
    n_frames, n_replicas = visited.shape
    counts = np.zeros(n_replicas, np.int64)
    crossings, observed = 0, 0
    for replica in range(n_replicas if top > 0 else 0):
        frames = np.flatnonzero((visited[:, replica] == top) | (visited[:, replica] == 0))
        if not frames.size:
            continue
        passages = int(np.count_nonzero(np.diff(visited[frames, replica])))
        counts[replica] = passages // 2
        crossings += passages
        observed += n_frames - 1 - int(frames[0])
    return RoundTrips(counts, 2.0 * observed / crossings if crossings else np.inf, crossings)


def replica_flow(rungs: ArrayLike, n_rungs: int | None = None) -> NDArray[np.float64]:
    r"""Share of the replicas at each rung that last visited the top end rather than the bottom.

    .. math:: f_k = \frac{n_{\mathrm{top}}(k)}{n_{\mathrm{top}}(k) + n_{\mathrm{bottom}}(k)}

    Katzgraber et al., J. Stat. Mech. P03018 (2006). It is 0 at the bottom and 1 at the top. A walk
    without memory that meets no obstacle makes it a straight line over the rungs; a step is a
    place that replicas cannot pass. Replicas that have not yet visited an end are left out.

    Parameters
    ----------
    rungs
        Rung of each replica, shape (frame, replica).
    n_rungs
        Number of rungs; when left out, the highest rung in the data is the top.

    Returns
    -------
    ndarray
        Share at each rung, shape (rung,); NaN where no replica that visited an end has come.
    """
    visited, top = _checked(rungs, n_rungs)
    at_end = (visited == 0) | (visited == top)
    frame = np.arange(len(visited))[:, None]
    last = np.maximum.accumulate(np.where(at_end, frame, -1), axis=0)
    from_top = np.take_along_axis(visited, np.maximum(last, 0), axis=0) == top
    known = last >= 0
    total = np.bincount(visited[known], minlength=top + 1)
    top_most = np.bincount(visited[known & from_top], minlength=top + 1)
    share: NDArray[np.float64] = np.full(top + 1, np.nan)
    np.divide(top_most, total, out=share, where=total > 0)
    return share


def ideal_round_trip_time(acceptance: ArrayLike, n_rare: int = 0, every: int = 1) -> float:
    r"""Mean rounds of one replica's round trip if nothing but the exchanges held it up.

    .. math:: \tau = 2 n \Big( e + \sum_{k=1}^{n-1} e_k \frac{1 - p_k}{p_k} \Big)

    for n rungs whose neighbours exchange with probability p_k, the pairs alternating from round
    to round and the energies forgotten in between (Syed et al., J. R. Stat. Soc. B 84, 321
    (2022)). A cluster that changes slowly takes longer; nothing takes less. Pairs that are tried
    at one of e of their turns, all at the same ones, have e_k = e, all others 1; without such
    pairs e is 1.

    Parameters
    ----------
    acceptance
        Acceptance of exchanges of each pair where it is tried, shape (pair,).
    n_rare
        Number of the lowest pairs that are tried at some of their turns only.
    every
        At one of how many.
    """
    p = np.asarray(acceptance, float)
    if not p.size or (p <= 0).any() or not np.isfinite(p).all():
        return np.inf
    turns = np.where(np.arange(p.size) < n_rare, every, 1)
    first = every if n_rare else 1
    return float(2.0 * (p.size + 1) * (first + np.sum(turns * (1.0 - p) / p)))


def communication_barrier(acceptance: ArrayLike) -> float:
    r"""Sum of the rejections of all pairs, :math:`\Lambda = \sum_k (1 - p_k)`.

    It hardly depends on how many rungs a ladder has between its ends, so it says how far apart
    these are: about :math:`2 \Lambda + 1` rungs make the most round trips for their cost, and no
    number of rungs makes more than one in :math:`2 + 2 \Lambda` rounds of all replicas together
    (Syed et al., J. R. Stat. Soc. B 84, 321 (2022)).

    Parameters
    ----------
    acceptance
        Acceptance of exchanges of each pair, shape (pair,); NaN where none was attempted.
    """
    p = np.asarray(acceptance, float)
    known = p[np.isfinite(p)]
    return float(np.sum(1.0 - known)) if known.size else float("nan")


def walks(rungs: ArrayLike, exchange_accepted: ArrayLike) -> NDArray[np.int64]:
    """Rung of each replica before each attempt to exchange, (frame * attempt, replica).

    An exchange only has neighbours change places, so the rungs at the first attempt of a frame
    and the outcomes of its attempts tell the rungs at all of them.

    Parameters
    ----------
    rungs
        Rung of each replica at the first attempt after each frame, shape (frame, replica).
    exchange_accepted
        Outcome of the attempts, shape (frame, attempt, pair): 1 where a pair exchanged.
    """
    accepted = np.asarray(exchange_accepted) == 1
    n_frames, n_attempts = accepted.shape[:2]
    rung = np.array(rungs, np.int64)
    visited = np.empty((n_frames, n_attempts, rung.shape[1]), np.int64)
    never = np.zeros((n_frames, 1), np.int64)
    for attempt in range(n_attempts):
        visited[:, attempt] = rung
        exchanged = accepted[:, attempt].astype(np.int64)
        # Of the lower member up, of the upper one down; pairs of one attempt share no member.
        moves = np.hstack([exchanged, never]) - np.hstack([never, exchanged])
        rung = rung + np.take_along_axis(moves, rung, axis=1)
    return visited.reshape(n_frames * n_attempts, -1)


def _checked(rungs: ArrayLike, n_rungs: int | None) -> tuple[NDArray[np.int64], int]:
    visited = np.asarray(rungs, np.int64)
    if visited.ndim != 2 or (visited < 0).any():
        raise ValueError(
            "rungs must be indices of at least 0 with the shape (frame, replica); got shape "
            f"{visited.shape} and a lowest index of {visited.min(initial=0)}"
        )
    top = int(visited.max(initial=0)) if n_rungs is None else n_rungs - 1
    if visited.size and visited.max() > top:
        raise ValueError(f"rungs must lie below n_rungs = {n_rungs}; got {visited.max()}")
    return visited, top
