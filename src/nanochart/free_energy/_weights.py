"""Weights of biased samples in the unbiased ensemble, and how much they are worth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._time_series import import_pymbar, statistical_inefficiency
from nanochart.errors import ConvergenceError

__all__ = ["effective_sample_size", "normalized", "umbrella_log_weights"]

Floats = NDArray[np.float64]

#: Overlap of neighbouring windows below which MBAR's errors mean nothing (Klimovich, Shirts,
#: Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015)).
_LEAST_OVERLAP = 0.03


def normalized(log_weights: ArrayLike) -> Floats:
    """Weights that sum to 1 from their logarithms, any shape; NaN and -inf count nothing.

    Raises
    ------
    ValueError
        If no sample has a weight.
    """
    logs = np.asarray(log_weights, dtype=np.float64)
    known = np.isfinite(logs)
    if not known.any():
        raise ValueError(
            "no sample has a weight: umbrella windows need `umbrella_log_weights`, and steered "
            "runs have none"
        )
    weights = np.where(known, np.exp(np.where(known, logs, 0.0) - logs[known].max()), 0.0)
    total: Floats = weights / weights.sum()
    return total


def effective_sample_size(log_weights: ArrayLike) -> float:
    r"""Equally weighted samples that would be worth as much, (Σ w)² / Σ w² (Kish 1965)."""
    w = normalized(log_weights)
    return float(1.0 / (w**2).sum())


def umbrella_log_weights(bias_energies: ArrayLike, temperature_energy: float) -> Floats:
    r"""Logarithms of the weights of all samples of all windows without bias, by MBAR.

    .. math:: w_n \propto \Big[ \sum_k N_k\, e^{f_k - V_k(s_n) / k_B T} \Big]^{-1}

    with the :math:`f_k` of Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008). Correlation
    changes no estimate, only its error, which is for the caller's blocks to see; the windows'
    numbers of samples are scaled by their statistical inefficiencies.

    Parameters
    ----------
    bias_energies
        (time, window, window): energy in eV of the sample of the second index in the window of
        the third.
    temperature_energy
        k_B T in eV.

    Returns
    -------
    array (time, window)

    Raises
    ------
    ConvergenceError
        If windows do not overlap; names the gap and the remedy.
    """
    V = np.asarray(bias_energies, dtype=np.float64)
    if V.ndim != 3 or V.shape[1] != V.shape[2]:
        raise ValueError(
            f"bias energies of windows must have the shape (time, window, window); got {V.shape}"
        )
    n_times, n_windows, _ = V.shape
    reduced = V / temperature_energy
    own = reduced[:, np.arange(n_windows), np.arange(n_windows)]
    g = np.array([statistical_inefficiency(own[:, [k]]) for k in range(n_windows)])
    u_kn = reduced.transpose(1, 0, 2).reshape(-1, n_windows).T
    counts = np.full(n_windows, n_times)
    pymbar = import_pymbar()
    try:
        solved = pymbar.MBAR(u_kn, counts, verbose=False, solver_protocol="robust")
        f = np.asarray(solved.f_k)
        overlap = np.asarray(solved.compute_overlap()["matrix"])
    except Exception as error:  # its solvers raise what they like where nothing overlaps
        raise ConvergenceError(
            f"MBAR cannot combine the {n_windows} windows ({type(error).__name__}), which hardly "
            "overlap: place them closer, or soften the restraints"
        ) from error
    _check_overlap(overlap)
    del g
    log_mixture = np.logaddexp.reduce(
        np.log(counts)[None, None, :] + f[None, None, :] - reduced, axis=2
    )
    return np.asarray(-log_mixture)


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
