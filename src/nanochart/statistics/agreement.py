"""Whether windows agree where they overlap."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.statistics.blocks import Independence, make_blocks
from nanochart.statistics.mbar import Mixture

__all__ = ["window_agreement"]

Floats = NDArray[np.float64]

#: Probability with which windows that agree are taken for ones that do not.
_FALSE_ALARM = 0.002


def window_agreement(mixture: Mixture, observable: ArrayLike, windows: ArrayLike) -> str:
    r"""Test whether each window has the mean of an observable that all windows predict for it.

    .. math:: r_w = \frac{1}{N_w} \sum_{n \in w} O_n - \frac{1}{N_w} \sum_n W_{nw} O_n

    Windows that each sit in another state of something hidden follow different profiles, and MBAR
    joins them to one that none of them has; then the :math:`r_w` are further from zero than their
    errors allow, by the sum of their squares (compare the tests of Zhu and Hummer, J. Comput. Chem.
    33, 453 (2012)). A window at several temperatures is asked as a whole, with
    :math:`W_{nw} = \sum_{k \in w} W_{nk}`: its walkers go through all of them, so that they are
    wrong together.

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
