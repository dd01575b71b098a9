"""Energy and forces of a bias at configurations that no loop of dynamics has made."""

import numpy as np
from numba import njit

from nanochart.biasing.cv.kernels import cv_pull, cv_values, make_cv_workspace
from nanochart.biasing.kernels_bias import evaluate_bias
from nanochart.compiled.options import FUSED

__all__ = ["bias_of_frames"]


@njit(**FUSED)
def bias_of_frames(cvs, bias, step, frames, energies, base, values, found, forces):
    """Values (frame, m), energies (frame,) and forces (frame, atom, 3) of a bias after ``step``.

    ``energies`` (frame,) and ``base`` (frame, atom, 3) are those of the potential. Returns the
    first frame whose variables have no value, or -1.
    """
    n, m = frames.shape[1], values.shape[1]
    work = make_cv_workspace(n, cvs)
    x, f0, pull = np.empty((3, n)), np.empty((3, n)), np.empty((3, n))
    slope = np.empty(m)
    for k in range(frames.shape[0]):
        x[:, :] = frames[k].T
        f0[:, :] = base[k].T
        if not cv_values(cvs, x, energies[k], work):
            return k
        values[k] = work.values
        found[k] = evaluate_bias(bias, work.values, step, slope)
        pull[:, :] = 0.0
        cv_pull(cvs, x, work, slope, f0, pull)
        forces[k] = pull.T
    return -1
