"""The factor that makes a free energy independent of how its variables are drawn."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["log_gram"]


def log_gram(jacobian: ArrayLike) -> NDArray[np.float64]:
    r"""Compute ½ ln det(J Jᵀ) of Jacobians (..., d, atom, 3) in 1/Å times the variables' units.

    All atoms have one mass, which would add a constant. Where the rows of J depend on each other it
    is -inf: such a configuration has no weight in the geometric free energy.

    Raises
    ------
    ValueError
        If a Jacobian is not finite or has another shape.
    """
    J = np.asarray(jacobian, dtype=np.float64)
    if J.ndim < 3 or J.shape[-1] != 3:
        raise ValueError(
            f"the Jacobians must have the shape (..., variable, atom, 3); got {J.shape}"
        )
    if not np.isfinite(J).all():
        raise ValueError("the Jacobians must be finite; got NaN or infinity")
    flat = J.reshape(*J.shape[:-2], -1)
    sign, logs = np.linalg.slogdet(flat @ flat.swapaxes(-1, -2))
    return np.where(sign > 0, 0.5 * logs, -np.inf)
