"""Umbrella windows combined by MBAR, and what their free energies do to errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._time_series import import_pymbar
from nanochart.errors import ConvergenceError
from nanochart.units import BOLTZMANN

__all__ = ["UmbrellaWeights", "umbrella_weights"]

Floats = NDArray[np.float64]

#: Overlap of neighbouring windows below which MBAR's errors mean nothing (Klimovich, Shirts,
#: Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015)).
_LEAST_OVERLAP = 0.03
#: Samples of each window that a part of a run must have.
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class UmbrellaWeights:
    r"""Weights of the samples of umbrella windows in the unbiased ensemble.

    Stands wherever log-weights do. Estimates are the same as from the array ``log_weights``; errors
    are not, since the free energies of the windows are uncertain themselves, and that is most of
    the error of a difference between states that lie windows apart.

    Attributes
    ----------
    log_weights
        (time, window).
    free_energies
        (window,) of the windows, in eV above the first.
    shares
        (time, window, window), :math:`W_{nk} = N_k e^{f_k - u_k(s_n)} / \sum_j N_j e^{f_j -
        u_j(s_n)}`, the probability that a sample there is of window k.
    overlap
        (window, window), :math:`\sum_n W_{nj} W_{nk} / N_j`, the probability that a sample of
        window j could as well be of k (Klimovich, Shirts, Mobley 2015).
    bias_energies
        (time, window, window) in eV, as given.
    temperature
        K.
    """

    log_weights: Floats
    free_energies: Floats
    shares: Floats
    overlap: Floats
    bias_energies: Floats
    temperature: float

    def between(self, first: int, last: int) -> "UmbrellaWeights":
        """Those of a part of the run, solved anew."""
        return umbrella_weights(self.bias_energies[first:last], self.temperature)

    def shifts(self, of_blocks: NDArray[np.int64], counts: Floats) -> Floats:
        r"""Change of :math:`a_k = f_k + \ln N_k` in each resample, (resample, window).

        MBAR's equations are :math:`N_j = \sum_n c_n W_{nj}` for all windows j, where a sample
        counts :math:`c_n` times and :math:`N_j` is the sum of the counts of window j. To first
        order,

        .. math:: \sum_k H_{jk}\, \delta a_k = N_j - \sum_n c_n W_{nj}, \qquad
            H = \mathrm{diag}(\textstyle\sum_n W_n) - \sum_n W_n W_n^T

        so that nothing is solved more than once.

        Parameters
        ----------
        of_blocks
            (time, window), block of each sample.
        counts
            (resample, block), how often each block counts.
        """
        W = self.shares.reshape(-1, self.shares.shape[2])
        H = np.diag(W.sum(axis=0)) - W.T @ W
        n_windows = W.shape[1]
        own = np.tile(np.eye(n_windows), (len(self.shares), 1))
        lacking = np.zeros((counts.shape[1], n_windows))
        np.add.at(lacking, of_blocks.ravel(), own - W)
        residual = counts @ lacking
        # A constant is free: the pseudo-inverse leaves it at zero.
        shift: Floats = residual @ np.linalg.pinv(H, rcond=1e-10, hermitian=True)
        return shift


def umbrella_weights(bias_energies: ArrayLike, temperature: float) -> UmbrellaWeights:
    r"""Weights of all samples of all windows without bias, by MBAR.

    .. math:: w_n \propto \Big[ \sum_k N_k\, e^{f_k - V_k(s_n) / k_B T} \Big]^{-1}

    with the :math:`f_k` of Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), as pymbar finds
    them. All samples are used: correlation in time changes no expectation, only the error, and that
    comes from blocks of time.

    Parameters
    ----------
    bias_energies
        (time, window, window): energy in eV of the sample of the second index in the window of
        the third. Walkers that share a window are a window each.
    temperature
        K.

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
    n_times, n_windows, _ = V.shape
    kT = BOLTZMANN * temperature
    reduced = V / kT
    u_kn = reduced.transpose(1, 0, 2).reshape(-1, n_windows).T
    counts = np.full(n_windows, n_times)
    pymbar = import_pymbar()
    try:
        solved = pymbar.MBAR(u_kn, counts, verbose=False, solver_protocol="robust")
        f = np.asarray(solved.f_k, dtype=np.float64)
    except Exception as error:  # its solvers raise what they like where nothing overlaps
        raise ConvergenceError(
            f"MBAR cannot combine the {n_windows} windows ({type(error).__name__}), which hardly "
            "overlap: place them closer, or soften the restraints"
        ) from error
    terms = f - reduced + np.log(n_times)
    log_mixture = np.logaddexp.reduce(terms, axis=2)
    shares = np.exp(terms - log_mixture[..., None])
    flat = shares.reshape(-1, n_windows)
    overlap = flat.T @ flat / n_times
    _check_overlap(overlap)
    return UmbrellaWeights(-log_mixture, f * kT, shares, overlap, V, temperature)


def _check_overlap(overlap: Floats) -> None:
    """Refuse windows that fall into groups between which nothing is shared."""
    from scipy.sparse.csgraph import connected_components

    linked = (overlap + overlap.T) / 2.0 > _LEAST_OVERLAP
    n, groups = connected_components(linked, directed=False)
    if n == 1:
        return
    first = np.flatnonzero(groups == groups[0])
    other = np.flatnonzero(groups != groups[0])
    raise ConvergenceError(
        f"windows {_words(first)} share less than {_LEAST_OVERLAP:.0%} of their samples with "
        f"windows {_words(other)}, so no free energy connects them: add windows between, or soften "
        "the restraints"
    )


def _words(windows: NDArray[np.intp]) -> str:
    numbers = [str(k + 1) for k in windows]
    return ", ".join(numbers[:6]) + (", ..." if len(numbers) > 6 else "")
