"""MBAR: samples of several ensembles as one sample of their mixture, with what that leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.errors import ConvergenceError
from nanochart.shown import short_repr
from nanochart.statistics.correlation import import_pymbar

__all__ = ["Mixture", "mixture_of", "side_by_side", "solve_mixture"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOLERANCE = 1e-12
_MAX_ITERATIONS = 60


@short_repr
@dataclass(frozen=True, eq=False)
class Mixture:
    r"""Samples of K ensembles as one sample of their mixture (Shirts, Chodera 2008).

    .. math::

        m_n = \sum_k N_k e^{f_k - u_k(n)}, \qquad W_{nk} = \frac{N_k e^{f_k - u_k(n)}}{m_n},
        \qquad \sum_n W_{nk} = N_k

    An ensemble with the reduced potential u has the weights :math:`w_n \propto e^{-u(n)} / m_n`.

    Attributes
    ----------
    owner
        Ensemble that each sample was drawn from, (sample,).
    f
        Reduced free energies :math:`f_k` of the ensembles, the first zero, (ensemble,).
    log_mixture
        Logarithm :math:`\ln m_n` of the mixture at each sample, (sample,).
    shares
        The probability :math:`W_{nk}` that a sample there is of ensemble k, (sample, ensemble).
    """

    owner: Ints
    f: Floats
    log_mixture: Floats
    shares: Floats

    @property
    def overlap(self) -> Floats:
        r"""(ensemble, ensemble), :math:`\sum_n W_{nj} W_{nk} / N_j`.

        The probability that a sample of j could as well be of k (Klimovich, Shirts, Mobley, J.
        Comput.-Aided Mol. Des. 29, 397 (2015)).
        """
        product: Floats = self.shares.T @ self.shares
        return np.asarray(product / self.shares.sum(axis=0)[:, None])

    def carried(self, influence: ArrayLike) -> Floats:
        r"""Influences of samples with what they do to the free energies of the ensembles.

        A sample changes an estimate by what it adds itself, and by what it does to the constants
        :math:`a_k = f_k + \ln N_k` of all weights. The equations :math:`N_j = \sum_n W_{nj}`, to
        first order in the counts of the samples, give

        .. math:: \delta a = H^{+} (e_{o(n)} - W_n), \qquad
            H = \mathrm{diag}\big(\textstyle\sum_n W_n\big) - \sum_n W_n W_n^T

        for a sample of the ensemble o(n), and :math:`\partial \ln w_m / \partial a_k = -W_{mk}`.

        Parameters
        ----------
        influence
            Change of each estimate with the logarithm of the weight of a sample, (sample, ...); its
            sum over all samples is zero.
        """
        z = np.asarray(influence, dtype=np.float64)
        flat = z.reshape(len(z), -1)
        out: Floats = flat - self.answers(self.shares.T @ flat)
        return out.reshape(z.shape)

    def answers(self, slopes: ArrayLike) -> Floats:
        r"""What each sample does through the constants, (sample, ...).

        Parameters
        ----------
        slopes
            Slope :math:`\partial\theta / \partial a_k` of each estimate, (ensemble, ...).
        """
        s = np.asarray(slopes, dtype=np.float64)
        answer = (self.inverse() @ s.reshape(len(s), -1)).T
        # Estimate by estimate in memory, as they are asked for.
        out: Floats = (answer[:, self.owner] - answer @ self.shares.T).T
        return out.reshape(-1, *s.shape[1:])

    def inverse(self) -> Floats:
        """The pseudo-inverse of H, (ensemble, ensemble)."""
        if "_solved" not in self.__dict__:
            W = self.shares
            H = np.diag(W.sum(axis=0)) - W.T @ W
            # A constant is free: the pseudo-inverse leaves it at zero.
            solved = np.linalg.pinv(H, rcond=1e-10, hermitian=True)
            object.__setattr__(self, "_solved", solved)
        found: Floats = self.__dict__["_solved"]
        return found


def solve_mixture(reduced: ArrayLike, owner: ArrayLike, what: str) -> Mixture:
    """Solve the equations of MBAR, by pymbar.

    Parameters
    ----------
    reduced
        Reduced potential of every sample in every ensemble, (ensemble, sample).
    owner
        Ensemble that each sample was drawn from, (sample,); every ensemble has samples.
    what
        What the ensembles are called in the sentence of an error.

    Raises
    ------
    ConvergenceError
        If the ensembles overlap too little.
    """
    u_kn = np.asarray(reduced, dtype=np.float64)
    own = np.asarray(owner, dtype=np.int64)
    N = np.bincount(own, minlength=len(u_kn))
    u = u_kn - u_kn.min(axis=0)
    # pymbar's default goes through a solver of SciPy that warns of the options pymbar gives it.
    tolerance = {"tol": _TOLERANCE, "options": {"maxiter": _MAX_ITERATIONS}}
    solver = ({"method": "adaptive", **tolerance},)
    try:
        found = import_pymbar().MBAR(
            u, N, initial_f_k=_between_neighbours(u, own), solver_protocol=solver
        )
    except Exception as error:  # its solvers raise what they like where nothing overlaps
        raise _unconverged(what) from error
    return mixture_of(u_kn, own, np.asarray(found.f_k, dtype=np.float64), what)


def mixture_of(reduced: ArrayLike, owner: ArrayLike, f: ArrayLike, what: str) -> Mixture:
    """The mixture of free energies (ensemble,) that `solve_mixture` found of the same samples.

    Arguments and errors are those of `solve_mixture`.
    """
    u_kn = np.asarray(reduced, dtype=np.float64)
    own, f = np.asarray(owner, dtype=np.int64), np.asarray(f, dtype=np.float64)
    N = np.bincount(own, minlength=len(u_kn))
    u = u_kn - u_kn.min(axis=0)
    terms = (f + np.log(N))[:, None] - u
    top = terms.max(axis=0)
    log_mixture = top + np.log(np.exp(terms - top).sum(axis=0))
    shares = np.ascontiguousarray(np.exp(terms - log_mixture).T)
    if not np.allclose(shares.sum(axis=0), N, rtol=1e-5, atol=1e-5):
        raise _unconverged(what)
    return Mixture(own, f, log_mixture - u_kn.min(axis=0), shares)


def side_by_side(parts: Sequence[Mixture], order: ArrayLike) -> Mixture:
    """Mixtures of ensembles that share no samples, as one: nothing relates a part to another.

    Parameters
    ----------
    parts
        In the order of their ensembles; the free energies of each begin at zero.
    order
        Place of each sample, those of the first part first, in the whole, (sample,).
    """
    places = np.asarray(order, dtype=np.int64)
    n, k = len(places), sum(len(part.f) for part in parts)
    owner, log_mixture, shares = np.empty(n, dtype=np.int64), np.empty(n), np.zeros((n, k))
    sample, ensemble = 0, 0
    for part in parts:
        here = places[sample : sample + len(part.owner)]
        owner[here] = part.owner + ensemble
        log_mixture[here] = part.log_mixture
        shares[here, ensemble : ensemble + len(part.f)] = part.shares
        sample, ensemble = sample + len(part.owner), ensemble + len(part.f)
    return Mixture(owner, np.concatenate([part.f for part in parts]), log_mixture, shares)


def _between_neighbours(u: Floats, owner: Ints) -> Floats:
    """Free energies by the trapezoid of neighbouring mean differences: close to the answer."""
    f = np.zeros(len(u))
    for k in range(1, len(u)):
        step = u[k] - u[k - 1]
        means = [float(step[owner == j].mean()) for j in (k - 1, k) if (owner == j).any()]
        f[k] = f[k - 1] + float(np.mean(means))
    return f


def _unconverged(what: str) -> ConvergenceError:
    return ConvergenceError(
        f"the free energies of {what} did not converge, because neighbours overlap too little: "
        "sample longer, or place more of them between"
    )
