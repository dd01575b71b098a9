"""Umbrella windows combined by MBAR."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.free_energy.heated import FEWEST, heated_weights
from nanochart.statistics import Weighted
from nanochart.units import BOLTZMANN

__all__ = ["umbrella_weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def umbrella_weights(bias_energies: ArrayLike, temperature: float) -> Weighted:
    r"""Weights of all samples of all windows without bias, by MBAR.

    .. math:: w_n \propto \Big[ \sum_k N_k\, e^{f_k - V_k(s_n) / k_B T} \Big]^{-1}

    with the :math:`f_k` of Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), as pymbar finds
    them. All samples are used: correlation in time changes no expectation, only the error, which
    comes from the blocks of each window by itself and carries the uncertainty of the :math:`f_k`.
    These are `heated_weights` of windows at one temperature, on which no energy counts.

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
    if V.ndim != 3 or V.shape[1] != V.shape[2] or len(V) < FEWEST:
        raise ValueError(
            "bias energies of windows must have the shape (time, window, window) with at least "
            f"{FEWEST} times; got {V.shape}"
        )
    window = _windows(V.reshape(-1, V.shape[2]))
    _, first = np.unique(window, return_index=True)
    logs = V[:, :, first, None] / (BOLTZMANN * temperature)
    alike = np.zeros(V.shape[:2])
    return heated_weights(alike, logs, alike, (temperature,), temperature, windows=window)


def _windows(energies: Floats) -> Ints:
    """Window of each walker: columns of equal energies (sample, walker) are one window."""
    _, inverse = np.unique(energies, axis=1, return_inverse=True)
    names = np.asarray(inverse).ravel()
    order = {name: k for k, name in enumerate(dict.fromkeys(names.tolist()))}
    return np.array([order[name] for name in names.tolist()], dtype=np.int64)
