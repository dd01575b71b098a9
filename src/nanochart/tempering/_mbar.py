"""MBAR over the rungs of a ladder, and the same for samples that carry weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart._time_series import import_pymbar
from nanochart.errors import ConvergenceError
from nanochart.tempering._ladder import Ladder
from nanochart.units import BOLTZMANN

__all__ = ["Mixture", "ladder_log_weights", "solve_mixture"]

Floats = NDArray[np.float64]

_TOLERANCE = 1e-8
_MAX_ITERATIONS = 60
#: Numbers held at once when the grid of temperatures is filled: 32 MiB.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Mixture:
    r"""All samples of a ladder as one sample of the mixture of its rungs.

    .. math::

        w_n(\beta) = \frac{e^{-\beta E_n}}{\sum_k N_k e^{f_k - \beta_k E_n}}, \qquad
        \langle A \rangle_\beta = \frac{\sum_n w_n(\beta) A_n}{\sum_n w_n(\beta)}, \qquad
        e^{-f_k} = \sum_n w_n(\beta_k)

    ``betas`` (rung,) in 1/eV; ``f`` (rung,) the free energies f_k over kT; ``energies`` (sample,)
    in eV from an arbitrary zero; ``rungs`` (sample,); ``log_mixture`` (sample,) the logarithm of
    the denominator; ``weights`` (sample, rung) the normalized :math:`w_n(\beta_k)`.
    """

    betas: Floats
    f: Floats
    energies: Floats
    rungs: NDArray[np.int64]
    log_mixture: Floats
    weights: Floats

    def shift(self, counts: Floats) -> Floats:
        r"""Change of the free energies f_k when sample n counts ``counts[n]`` times, (rung,).

        With the weights W of the equal counts the equations need no exponential of an energy,

        .. math:: e^{-\delta_k} = \sum_n \frac{c_n W_{nk}}{\sum_j N_j e^{\delta_j} W_{nj}},

        and are solved by Newton's method on the convex function whose gradient they are
        (Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008)), from zero.
        """
        used = counts > 0
        c, W = counts[used], self.weights[used]
        N = np.asarray(np.bincount(self.rungs[used], c, len(self.betas)), dtype=np.float64)
        delta = np.zeros(len(N))
        for _ in range(_MAX_ITERATIONS):
            gradient, hessian = _newton(delta, c, W, N)
            if np.abs(gradient).max() <= _TOLERANCE * N.sum():
                return delta
            # One free energy is arbitrary; a rung without samples in this draw keeps its own.
            live = np.flatnonzero(N > 0)[1:]
            step = np.linalg.lstsq(hessian[np.ix_(live, live)], gradient[live], rcond=None)[0]
            # A bounded step keeps Newton's method from leaving where the overlap is small.
            delta[live] -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        raise _unconverged("resampled frames")

    def mixture_change(self, counts: Floats, delta: Floats) -> Floats:
        """Factor by which the denominator of each sample changes with :meth:`shift`, (sample,)."""
        N = np.bincount(self.rungs, counts, minlength=len(self.betas))
        return np.asarray(self.weights @ (N * np.exp(delta)))

    def sums(self, betas: Floats, values: Floats) -> Floats:
        """Sums over samples of w_n(β) times columns of ``values`` (sample, column).

        Returns
        -------
        ndarray
            (temperature, column); at each temperature up to a factor that is common to its row.
        """
        total = np.zeros((len(betas), values.shape[1]))
        scale = np.array([np.max(-b * self.energies - self.log_mixture) for b in betas])
        width = max(_CHUNK // len(betas), 1)
        for first in range(0, len(self.energies), width):
            part = slice(first, first + width)
            log_w = np.multiply.outer(-betas, self.energies[part])
            log_w -= self.log_mixture[part] + scale[:, None]
            total += np.exp(log_w, out=log_w) @ values[part]
        return total


def _unconverged(frames: str) -> ConvergenceError:
    return ConvergenceError(
        f"the free energies of {frames} did not converge in {_MAX_ITERATIONS} iterations, because "
        "neighbouring temperatures overlap too little: sample longer or place temperatures between "
        "them"
    )


def _newton(delta: Floats, c: Floats, W: Floats, N: Floats) -> tuple[Floats, Floats]:
    share = N * np.exp(delta)
    p = W * share
    p /= p.sum(axis=1, keepdims=True)
    expected = c @ p
    return expected - N, np.diag(expected) - p.T @ (c[:, None] * p)


def solve_mixture(energies: Floats, rungs: NDArray[np.int64], betas: Floats) -> Mixture:
    """Solve the MBAR equations for samples that count once each, by pymbar.

    Parameters
    ----------
    energies
        (sample,) in eV.
    rungs
        (sample,) rung that each was drawn at; every rung has some.
    betas
        (rung,) in 1/eV.
    """
    e = energies - energies.mean()
    N = np.bincount(rungs, minlength=len(betas))
    u_kn = np.multiply.outer(betas, e)
    # Thermodynamic integration of the mean energies is close to the answer already.
    mean = np.bincount(rungs, e, minlength=len(betas)) / N
    steps = np.diff(betas) * 0.5 * (mean[1:] + mean[:-1])
    start = np.concatenate([[0.0], np.cumsum(steps)])
    # pymbar's default goes through a solver of SciPy that warns of the options pymbar gives it.
    solver = ({"method": "adaptive", "tol": 1e-12, "options": {"maxiter": _MAX_ITERATIONS}},)
    mbar = import_pymbar().MBAR(u_kn, N, initial_f_k=start, solver_protocol=solver)
    f = np.asarray(mbar.f_k, dtype=np.float64)
    exponent = (f + np.log(N))[:, None] - u_kn
    top = exponent.max(axis=0)
    log_mixture = top + np.log(np.exp(exponent - top).sum(axis=0))
    weights = np.exp(f[:, None] - u_kn - log_mixture).T
    if not np.allclose(weights.sum(axis=0), 1.0, atol=1e-6):
        raise _unconverged("the frames")
    return Mixture(betas, f, e, rungs, log_mixture, np.ascontiguousarray(weights))


def ladder_log_weights(
    energies: Floats, rungs: NDArray[np.int64], ladder: Ladder, temperature: float
) -> Floats:
    r"""Logarithms of the MBAR weights of all frames of a ladder at one temperature.

    .. math:: \ln w_n = -\beta E_n - \ln \sum_k N_k e^{f_k - \beta_k E_n}

    Parameters
    ----------
    energies
        (frame, replica) in eV.
    rungs
        (frame, replica), rung of each replica.
    ladder
        Its temperatures.
    temperature
        K, within the ladder.

    Returns
    -------
    (frame, replica), from an arbitrary zero.

    Raises
    ------
    ConvergenceError
        If neighbouring rungs overlap too little.
    """
    mixture = solve_mixture(energies.ravel(), rungs.ravel(), ladder.betas)
    beta = 1.0 / (BOLTZMANN * temperature)
    logs = -beta * mixture.energies - mixture.log_mixture
    return np.asarray(logs.reshape(energies.shape))
