"""Frames of windows and rungs at several temperatures as one weighted sample, by MBAR."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.free_energy.overlap import LEAST_OVERLAP, disconnected
from nanochart.shown import counted
from nanochart.statistics import Mixture, Weighted, solve_mixture, window_agreement
from nanochart.tempering import Ladder, round_trips
from nanochart.units import BOLTZMANN, kelvin

__all__ = ["FEWEST", "heated_weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Samples that a part of a run must have.
FEWEST = 4
#: Round trips per walker below which what it saw still depends on where it started.
_FEW_TRIPS = 1.0
#: Ensembles that a sentence names, at most.
_NAMED = 6


def heated_weights(
    energies: ArrayLike,
    log_weights: ArrayLike,
    rungs: ArrayLike,
    temperatures: Sequence[float],
    temperature: float,
    *,
    windows: ArrayLike | None = None,
    walks: ArrayLike | None = None,
) -> Weighted:
    r"""Weights of all samples of all rungs without bias, at one temperature, by MBAR.

    .. math:: w_n \propto \frac{e^{-\beta E_n}}{\sum_{wk} N_{wk}\, e^{f_{wk} - u_{wk}(n)}}, \qquad
        u_{wk}(n) = \beta_k E_n + \ell_{wk}(n)

    where :math:`\ell_{wk}(n)` is the logarithm of the weight that the configuration had without the
    bias if it were a sample of window w on rung k at its moment: :math:`\beta_k V_w` of umbrella
    sampling, whose windows these are. Other methods have one window, :math:`\ell_k = \beta_k (V_k -
    c_k(t))` of metadynamics, :math:`\beta_k V_k` of OPES and of walls. So :math:`e^{-u}` is the
    biased density of that moment, of which the normalization does not change while the bias grows,
    and samples of all moments are those of one mixture. With one rung these are the weights of its
    method; without a bias, those of parallel tempering.

    Walkers exchange within a window, so that windows are independent of each other and walkers of
    one are its replicas. Nothing is known where the walkers of a window do not go up and down its
    ladder, or windows contradict each other (`window_agreement`).

    Parameters
    ----------
    energies
        Potential energies in eV, (time, walker).
    log_weights
        :math:`\ell(n)`, (time, walker, rung); of windows, (time, walker, window, rung).
    rungs
        Rung of each walker, (time, walker).
    temperatures
        Those of the rungs in K, rising.
    temperature
        The one that is asked for in K, from the lowest to the highest.
    windows
        Window of each walker, (walker,), which it keeps; by default there are none.
    walks
        Rungs at more times than there are samples of, (time, walker), by which round trips are
        counted; by default those of the samples.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the temperature is not within the ladder.
    ConvergenceError
        If neighbouring windows or rungs do not overlap; names them and the remedy.
    """
    E, logs = (np.asarray(a, dtype=np.float64) for a in (energies, log_weights))
    r, ladder = np.asarray(rungs).astype(np.int64), Ladder(tuple(temperatures))
    K, T = len(ladder), np.array(ladder.temperatures)
    own = None if windows is None else np.asarray(windows).astype(np.int64)
    W = 1 if own is None else int(own.max(initial=0)) + 1
    states = (K,) if own is None else (W, K)
    if (
        E.ndim != 2 or logs.shape != (*E.shape, *states) or r.shape != E.shape or len(E) < FEWEST
        or (own is not None and own.shape != E.shape[1:])
    ):  # fmt: skip
        of = "" if own is None else f"{W} windows and "
        raise ValueError(
            "samples of heated runs must have energies and rungs (time, walker) and log-weights "
            f"(time, walker{', window' if of else ''}, rung) of {of}{K} rungs, at {FEWEST} times "
            f"or more; got {E.shape}, {r.shape} and {logs.shape}"
        )
    if not T[0] <= temperature <= T[-1]:
        raise ValueError(
            f"the temperature must be one from {T[0]:g} to {T[-1]:g} K, those of the rungs; got "
            f"{temperature:g}"
        )
    # The zero of the energies is arbitrary: it is a constant factor of all weights.
    relative = E - E.mean()
    beta = 1.0 / (BOLTZMANN * temperature)
    reduced = ladder.betas * relative[..., None, None] + logs.reshape(*E.shape, W, K)
    ensemble = r if own is None else own * K + r
    memory: dict[bytes, tuple[int, str]] = {}
    unmixed = _unmixed(r if walks is None else np.asarray(walks), K, own)
    named = None if own is None else tuple(own.tolist())

    def weigh(first: int, last: int) -> Weighted:
        u, owner = reduced[first:last].reshape(-1, W * K).T, ensemble[first:last]
        if len(np.unique(owner)) < W * K:
            raise ConvergenceError("a window or rung has no samples in this part of the run")
        mixture = solve_mixture(u, owner.ravel(), _ensembles(W, T))
        _check_overlap(mixture, W, T)
        logarithms = -beta * relative[first:last] - mixture.log_mixture.reshape(owner.shape)
        reservation = unmixed
        if own is not None and not reservation:
            reservation = _disagreement(mixture, u, own, K)
        who: Literal["windows", "replicas"] = (
            "windows" if own is not None and K == 1 else "replicas"
        )
        return Weighted(logarithms, who, named, mixture, reservation, weigh, memory)

    return weigh(0, len(E))


def _unmixed(walks: NDArray[np.integer], n_rungs: int, windows: Ints | None) -> str:
    """That walkers did not go up and down the ladder, in a sentence; empty if they did.

    Of windows the one whose walkers did least, since no walker of another comes there.
    """
    if n_rungs == 1:
        return ""
    counts = round_trips(walks, n_rungs).counts
    of = np.zeros(len(counts), dtype=np.int64) if windows is None else windows
    means = np.bincount(of, counts) / np.bincount(of)
    worst = int(means.argmin())
    if means[worst] >= _FEW_TRIPS:
        return ""
    mine = counts[of == worst]
    return (
        f"the ladder {'' if windows is None else f'of window {worst + 1} '}is not mixed: "
        f"{counted(len(mine), 'walker')} made {counted(int(mine.sum()), 'round trip')} between its "
        "ends, where one of each is needed: run longer, or place more temperatures between"
    )


def _disagreement(mixture: Mixture, reduced: Floats, windows: Ints, n_rungs: int) -> str:
    r"""That windows contradict each other; asked is how much better the nearest window fits.

    By the reduced potential of a window's samples at all of its temperatures together,
    :math:`-\ln \sum_k N_k e^{f_k - u_k}`, where the :math:`u_k` are (ensemble, sample).
    """
    N = np.bincount(mixture.owner, minlength=len(reduced))
    terms = (mixture.f + np.log(N))[:, None] - reduced
    of_window = -np.logaddexp.reduce(terms.reshape(-1, n_rungs, terms.shape[1]), axis=1)
    shares = mixture.shares.reshape(len(mixture.owner), -1, n_rungs).sum(axis=2)
    between = shares.T @ shares / shares.sum(axis=0)[:, None]
    np.fill_diagonal(between, 0.0)
    towards = of_window[between.argmax(axis=1)] - of_window
    return window_agreement(mixture, towards.T, windows)


def _ensembles(n_windows: int, temperatures: Floats) -> str:
    """What there are of ensembles, in words."""
    K = len(temperatures)
    if n_windows == 1:
        return f"the {K} rungs"
    return f"the {n_windows} windows" + (f" on {K} rungs" if K > 1 else "")


def _check_overlap(mixture: Mixture, n_windows: int, temperatures: Floats) -> None:
    """Refuse windows or rungs that fall into groups between which nothing is shared."""
    parts = disconnected(mixture.overlap)
    if parts is None:
        return
    inside = np.zeros((n_windows, len(temperatures)), dtype=bool)
    inside.ravel()[parts[0]] = True
    if (inside == inside[:1]).all():  # of rungs, each with all windows
        first, other = (
            ", ".join(kelvin(float(t)) for t in temperatures[part])
            for part in (inside[0], ~inside[0])
        )
        raise ConvergenceError(
            f"the samples at {first} K share less than {LEAST_OVERLAP:.0%} with those at {other} "
            "K, so no free energy connects them: place temperatures between"
        )
    if (inside == inside[:, :1]).all():  # of windows, each on all rungs
        mine, others = np.flatnonzero(inside[:, 0]), np.flatnonzero(~inside[:, 0])
        shares, its = ("shares", "its") if len(mine) == 1 else ("share", "their")
        raise ConvergenceError(
            f"{_words(mine)} {shares} less than {LEAST_OVERLAP:.0%} of {its} samples with "
            f"{_words(others)}, so no free energy connects them: add windows between, or soften "
            "the restraints"
        )
    # The smaller of the two is the one to be mended.
    less = inside if inside.sum() <= inside.size / 2 else ~inside
    apart = [f"window {w + 1} at {kelvin(float(temperatures[k]))} K" for w, k in np.argwhere(less)]
    raise ConvergenceError(
        f"the samples of {_listed(apart)} share less than {LEAST_OVERLAP:.0%} with all others, so "
        "no free energy connects them: place temperatures or windows between, or soften the "
        "restraints"
    )


def _words(windows: NDArray[np.intp]) -> str:
    """Windows in words: "window 1", "windows 2, 3"."""
    return f"window{'s' if len(windows) > 1 else ''} {_listed([str(k + 1) for k in windows])}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
