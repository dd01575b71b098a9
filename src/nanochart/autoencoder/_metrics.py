"""The figure of merit of a reconstruction."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["explained_variance"]


def explained_variance(true: ArrayLike, reconstructed: ArrayLike) -> float:
    """Explained share of the variance of RDFs.

    EV = 1 - sum (g - g')² / sum (g - <g>)², with <g> the mean RDF of the given samples and both
    sums over samples and bins. 1 is a perfect reconstruction, 0 is what the mean RDF alone reaches,
    and a negative value is worse than the mean.

    Parameters
    ----------
    true
        RDFs g (sample, bin).
    reconstructed
        Reconstructions g' (sample, bin) in the same unit.

    Returns
    -------
    float
        EV, at most 1.

    Raises
    ------
    ValueError
        If the shapes differ, are not (sample, bin), or the true RDFs do not vary.
    """
    g = np.asarray(true, dtype=np.float64)
    g_reconstructed = np.asarray(reconstructed, dtype=np.float64)
    if g.ndim != 2 or g.shape != g_reconstructed.shape:
        raise ValueError(
            "true and reconstructed RDFs must have one shape (sample, bin); got "
            f"{g.shape} and {g_reconstructed.shape}"
        )
    total = float(((g - g.mean(axis=0)) ** 2).sum())
    if total <= 0.0:
        raise ValueError(
            f"the {len(g)} true RDFs must differ from each other to have a variance to explain; "
            "give more than one distinct sample"
        )
    return 1.0 - float(((g - g_reconstructed) ** 2).sum()) / total
