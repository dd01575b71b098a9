"""Whether windows agree where they overlap."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.statistics.blocks import Independence, make_blocks
from nanochart.statistics.mbar import Mixture

__all__ = ["window_agreement"]

Floats = NDArray[np.float64]

#: Probability with which windows that agree are taken for ones that do not.
_FALSE_ALARM = 0.002
#: Share of the variance at random from which on what a window saw itself is believed.
_SEEN = 0.5


def window_agreement(
    mixture: Mixture, observable: ArrayLike, windows: ArrayLike, *, share: bool = False
) -> str:
    r"""Test whether each window has the mean of an observable that all windows predict for it.

    .. math:: r_w = \frac{1}{N_w} \sum_{n \in w} O_n - \frac{1}{N_w} \sum_n W_{nw} O_n

    Windows that each sit in another state of something hidden follow different profiles, and MBAR
    joins them to one that none of them has; then the :math:`r_w` are further from zero than their
    errors allow, by the sum of their squares (compare the tests of Zhu and Hummer, J. Comput. Chem.
    33, 453 (2012)). A window at several temperatures is asked as a whole, with
    :math:`W_{nw} = \sum_{k \in w} W_{nk}`: its walkers go through all of them, so that they are
    wrong together.

    Of the share of a state, a window that never saw what the others predict for it in one sample of
    a thousand has no spread that would tell how far it may be from that. So a variance of less than
    half of that of samples which fall to ensembles at random, a sample to k with the probability
    :math:`W_{nk}`, and are remembered as long as all windows remember theirs, is taken for that.

    Parameters
    ----------
    mixture
        Mixture of the windows, with samples in the order (time, walker); a window has one ensemble,
        or one at each of several temperatures, between which its walkers exchange.
    observable
        Value of the observable, (sample,), or (sample, window) where it is another one for each
        window.
    windows
        Number of the window of each walker, (walker,), from 0.
    share
        Whether the observable is the share of a state.

    Returns
    -------
    str
        One sentence that names the window that disagrees most; empty if none does.
    """
    from scipy.special import gammaincc

    of_walker = np.asarray(windows)
    of_sample = np.tile(of_walker, len(mixture.owner) // len(of_walker))
    of = np.zeros(len(mixture.f), dtype=np.int64)
    of[mixture.owner] = of_sample
    of_window = (of[:, None] == np.arange(of.max() + 1)).astype(np.float64)
    W = mixture.shares @ of_window
    N = W.sum(axis=0)
    given = np.asarray(observable, dtype=np.float64)
    O = np.broadcast_to(given[:, None] if given.ndim == 1 else given, W.shape)  # noqa: E741
    own = of_sample[:, None] == np.arange(len(N))
    mine = (own * O).sum(axis=0) / N
    expected = (W * O).sum(axis=0) / N
    deviation = W * (O - expected) / N
    # What the free energies do: they weight all windows, and the temperatures within a window.
    slopes = mixture.shares.T @ deviation - of_window * (mixture.shares.T @ ((O - expected) / N))
    influence = own * (O - mine) / N - deviation + mixture.answers(slopes)
    z = influence.reshape(-1, len(of_walker), len(N))
    independence: Independence = "windows" if len(N) == len(of) else "replicas"
    blocks = [make_blocks(z[..., k], independence, of_walker) for k in range(len(N))]
    found = [division.variance(z[..., k]) for k, division in enumerate(blocks)]
    variance, freedom = (np.array(column, dtype=np.float64) for column in zip(*found, strict=True))
    if share:
        least = _at_random(mixture, (O - expected) / N, of_window, mixture.inverse() @ slopes)
        least = least * max(1.0, float(variance.sum() / max(least.sum(), 1e-300)))
        variance = np.where(variance < _SEEN * least, least, variance)
    error = np.maximum(np.sqrt(variance), 1e-9 * (np.abs(O).max() + 1.0))
    scores, asked = np.zeros(len(N)), 0
    for k, division in enumerate(blocks):
        if not division.known:
            continue  # a window that does not know its own mean contradicts nobody
        asked += 1
        scores[k] = _score((mine - expected)[k] / error[k], float(freedom[k]))
    if not asked or gammaincc(0.5 * asked, 0.5 * float((scores**2).sum())) > _FALSE_ALARM:
        return ""
    worst = int(np.abs(scores).argmax())
    return (
        f"the windows contradict each other where they overlap, most of all window {worst + 1} "
        f"({abs(scores[worst]):.1f} standard errors): something slow that the variables do not "
        "tell is in another state there, so no free energy connects them"
    )


def _at_random(mixture: Mixture, change: Floats, of_window: Floats, constants: Floats) -> Floats:
    """Variance (window,) of the r of windows, of independent samples whose ensemble is drawn.

    A sample of an ensemble changes r by ``change`` (sample, window) where the ensemble is of the
    window, ``of_window`` (ensemble, window), and by ``constants`` (ensemble, window) through what
    it does to the free energies.
    """
    W = mixture.shares
    inside = W @ of_window
    mean = inside * change + W @ constants
    square = inside * change**2 + 2.0 * change * (W @ (of_window * constants)) + W @ constants**2
    return np.asarray((square - mean**2).sum(axis=0))


def _score(ratio: float, freedom: float) -> float:
    """The normal deviate that is as rare as a value over its error with so many degrees."""
    from scipy.special import log_ndtr, ndtri_exp, stdtr

    tail = max(float(stdtr(float(freedom), -abs(ratio))), 1e-300)
    return float(abs(ndtri_exp(min(np.log(tail), log_ndtr(0.0)))))
