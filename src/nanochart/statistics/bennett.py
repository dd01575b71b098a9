"""Bennett's acceptance ratio between two ensembles, with what each sample does to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from nanochart.errors import ConvergenceError
from nanochart.shown import short_repr

__all__ = ["Bennett", "bennett"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class Bennett:
    r"""Logarithm of the ratio of two partition functions.

    Attributes
    ----------
    log_ratio
        :math:`\ln (Z' / Z)`.
    forward, backward
        Influence of each sample of the first and of the second ensemble on it,
        :math:`\partial \ln(Z'/Z) / \partial \ln w_n`, which sums to zero in each, (sample,).
    overlap
        Share of samples that could as well be of the other ensemble, from 0 to 1: twice the mean
        over both of the product of the two probabilities, over what two equal ensembles have.
    """

    log_ratio: float
    forward: Floats
    backward: Floats
    overlap: float


def bennett(forward: ArrayLike, backward: ArrayLike, what: str) -> Bennett:
    r"""Solve Bennett's equation (J. Comput. Phys. 22, 245 (1976)).

    .. math:: \sum_{n \in Z} f(M + w_n + \ln \tfrac{Z'}{Z})
              = \sum_{n \in Z'} f(-M + w'_n - \ln \tfrac{Z'}{Z}),
              \qquad f(x) = \frac{1}{1 + e^x},\quad M = \ln \frac{N}{N'}

    With works of an invertible map between a part of one ensemble's configurations and a part of
    the other's, and infinite works elsewhere, the equation holds as it is: what is mapped out of
    reach counts nothing.

    Parameters
    ----------
    forward
        Reduced work of mapping each sample of the first ensemble to the second,
        :math:`u'(Mx) - u(x) - \ln |\partial Mx / \partial x|`, (sample,); inf where it cannot be.
    backward
        Reduced work of the inverse map of each sample of the second ensemble, (sample,).
    what
        Names the two ensembles in the sentence of an error.

    Raises
    ------
    ConvergenceError
        If no sample of one of them can be mapped to the other.
    """
    w, v = np.asarray(forward, dtype=np.float64), np.asarray(backward, dtype=np.float64)
    possible = [x[np.isfinite(x)] for x in (w, v)]
    if not all(x.size for x in possible):
        raise ConvergenceError(
            f"nothing relates {what}: no sample of the one could be of the other; place a "
            "temperature between them, or sample longer"
        )
    shift = float(np.log(w.size / v.size))

    def excess(log_ratio: float) -> float:
        return float(expit(-(shift + w + log_ratio)).sum() - expit(shift - v + log_ratio).sum())

    # Beyond the works of all samples one of the two sums is nothing.
    margin = abs(shift) + np.log(w.size + v.size) + 50.0
    ends = np.concatenate([-possible[0], possible[1]])
    found = float(brentq(excess, ends.min() - margin, ends.max() + margin, xtol=1e-12))
    here, there = expit(-(shift + w + found)), expit(shift - v + found)
    slope = float((here * (1.0 - here)).sum() + (there * (1.0 - there)).sum())
    return Bennett(
        log_ratio=found,
        forward=(here - here.mean()) / slope,
        backward=-(there - there.mean()) / slope,
        overlap=4.0 * slope / (w.size + v.size),
    )
