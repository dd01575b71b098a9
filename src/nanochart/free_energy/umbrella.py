"""Umbrella windows combined by MBAR, and whether they agree where they overlap."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.free_energy.overlap import LEAST_OVERLAP, disconnected
from nanochart.statistics import (
    Blocks,
    Mixture,
    Weighted,
    make_blocks,
    solve_mixture,
)
from nanochart.units import BOLTZMANN

__all__ = ["umbrella_weights", "window_agreement"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Samples of each window that a part of a run must have.
_FEWEST = 4
#: Probability with which windows that agree are taken for ones that do not.
_FALSE_ALARM = 0.002


def umbrella_weights(bias_energies: ArrayLike, temperature: float) -> Weighted:
    r"""Weights of all samples of all windows without bias, by MBAR.

    .. math:: w_n \propto \Big[ \sum_k N_k\, e^{f_k - V_k(s_n) / k_B T} \Big]^{-1}

    with the :math:`f_k` of Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), as pymbar finds
    them. All samples are used: correlation in time changes no expectation, only the error, which
    comes from the blocks of each window by itself and carries the uncertainty of the :math:`f_k`.

    Nothing is known where windows contradict each other: see `window_agreement`.

    Parameters
    ----------
    bias_energies
        Energy in eV of the sample of the second index in the window of the walker of the third,
        (time, walker, walker). Walkers of one window are told by equal energies.
    temperature
        Temperature in K.

    Raises
    ------
    ValueError
        If the shape is wrong or there are fewer than four samples of each window.
    ConvergenceError
        If windows do not overlap; names the gap and the remedy.
    """
    V = np.asarray(bias_energies, dtype=np.float64)
    if V.ndim != 3 or V.shape[1] != V.shape[2] or len(V) < _FEWEST:
        raise ValueError(
            "bias energies of windows must have the shape (time, window, window) with at least "
            f"{_FEWEST} times; got {V.shape}"
        )
    n_times, n_walkers, _ = V.shape
    flat = V.reshape(-1, n_walkers)
    window = _windows(flat)
    _, first = np.unique(window, return_index=True)
    owner = np.tile(window, n_times)
    reduced = flat[:, first].T / (BOLTZMANN * temperature)
    mixture = solve_mixture(reduced, owner, f"the {len(first)} windows")
    _check_overlap(mixture.overlap)
    logs = -mixture.log_mixture.reshape(n_times, n_walkers)
    towards = reduced[_nearest(mixture.overlap)] - reduced
    disagreement = window_agreement(mixture, towards.T, n_walkers, window)
    return Weighted(
        logs, "windows", tuple(window.tolist()), mixture, disagreement,
        lambda first, last: umbrella_weights(V[first:last], temperature),
    )  # fmt: skip


def _windows(energies: Floats) -> Ints:
    """Window of each walker: columns of equal energies (sample, walker) are one window."""
    _, inverse = np.unique(energies, axis=1, return_inverse=True)
    names = np.asarray(inverse).ravel()
    order = {name: k for k, name in enumerate(dict.fromkeys(names.tolist()))}
    return np.array([order[name] for name in names.tolist()], dtype=np.int64)


def _nearest(overlap: Floats) -> Ints:
    """The window that each overlaps most with."""
    between = overlap - np.diag(np.diag(overlap))
    return np.asarray(between.argmax(axis=1))


def window_agreement(
    mixture: Mixture, observable: ArrayLike, n_walkers: int, window: ArrayLike
) -> str:
    r"""Test whether each window has the mean of an observable that all windows predict for it.

    .. math:: r_k = \frac{1}{N_k} \sum_{n \in k} O_n - \frac{1}{N_k} \sum_n W_{nk} O_n

    Windows that each sit in another state of something hidden follow different profiles, and MBAR
    joins them to one that none of them has; then the :math:`r_k` are further from zero than their
    errors allow, by the sum of their squares (compare the tests of Zhu and Hummer, J. Comput. Chem.
    33, 453 (2012)).

    Parameters
    ----------
    mixture
        Mixture of the windows.
    observable
        Value of the observable, (sample,), or (sample, window) where it is another one for each
        window.
    n_walkers
        Number of walkers; samples are in the order (time, walker).
    window
        Number of the window of each walker, (walker,).

    Returns
    -------
    str
        One sentence that names the window that disagrees most; empty if none does.
    """
    from scipy.special import gammaincc

    W, owner = mixture.shares, mixture.owner
    N = W.sum(axis=0)
    given = np.asarray(observable, dtype=np.float64)
    O = np.broadcast_to(given[:, None] if given.ndim == 1 else given, W.shape)  # noqa: E741
    own = owner[:, None] == np.arange(len(N))
    mine = (own * O).sum(axis=0) / N
    expected = (W * O).sum(axis=0) / N
    deviation = W * (O - expected) / N
    influence = own * (O - mine) / N - deviation + mixture.answers(W.T @ deviation)
    shape = (-1, n_walkers, len(N))
    z = influence.reshape(shape)
    blocks: list[Blocks] = [make_blocks(z[..., k], "windows", window) for k in range(len(N))]
    scale = 1e-9 * (np.abs(O).max() + 1.0)
    scores, asked = np.zeros(len(N)), 0
    for k, division in enumerate(blocks):
        if not division.known:
            continue  # a window that does not know its own mean contradicts nobody
        asked += 1
        variance, freedom = division.variance(z[..., k])
        scores[k] = _score(
            (mine - expected)[k] / max(float(np.sqrt(variance)), scale), float(freedom)
        )
    if not asked or gammaincc(0.5 * asked, 0.5 * float((scores**2).sum())) > _FALSE_ALARM:
        return ""
    worst = int(np.abs(scores).argmax())
    return (
        f"the windows contradict each other where they overlap, most of all window {worst + 1} "
        f"({abs(scores[worst]):.1f} standard errors): something slow that the variables do not "
        "tell is in another state there, so no free energy connects them"
    )


def _score(ratio: float, freedom: float) -> float:
    """The normal deviate that is as rare as a value over its error with so many degrees."""
    from scipy.special import log_ndtr, ndtri_exp, stdtr

    tail = max(float(stdtr(float(freedom), -abs(ratio))), 1e-300)
    return float(abs(ndtri_exp(min(np.log(tail), log_ndtr(0.0)))))


def _check_overlap(overlap: Floats) -> None:
    """Refuse windows that fall into groups between which nothing is shared."""
    parts = disconnected(overlap)
    if parts is None:
        return
    first, other = parts
    shares, its = ("shares", "its") if len(first) == 1 else ("share", "their")
    raise ConvergenceError(
        f"{_words(first)} {shares} less than {LEAST_OVERLAP:.0%} of {its} samples with "
        f"{_words(other)}, so no free energy connects them: add windows between, or soften the "
        "restraints"
    )


def _words(windows: NDArray[np.intp]) -> str:
    """Windows in words: "window 1", "windows 2, 3"."""
    numbers = [str(k + 1) for k in windows]
    listed = ", ".join(numbers[:6]) + (", ..." if len(numbers) > 6 else "")
    return f"window{'s' if len(numbers) > 1 else ''} {listed}"
