"""The figure of merit of a reconstruction."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["explained_variance"]

#: Relative difference of RDFs that is rounding, or what two quenches of one minimum leave.
_EQUAL = 1e-4


def explained_variance(
    true: ArrayLike, reconstructed: ArrayLike, reference: ArrayLike | None = None
) -> float:
    """Share of the variance of RDFs that their reconstructions explain, EV.

    EV = 1 - <|g - g'|²> / <|g_ref - <g_ref>|²>, with |.|² summed over bins and the averages over
    the samples of each set. 1 is a perfect reconstruction, 0 is what the mean RDF alone reaches,
    and a negative value is worse than the mean.

    The variance of a held-out part that happens to lie in one basin is close to zero, and an error
    relative to it says nothing; ``reference`` is therefore the training part where there is one.

    Parameters
    ----------
    true
        RDFs g (sample, bin).
    reconstructed
        Reconstructions g' (sample, bin) in the same unit.
    reference
        RDFs (sample, bin) that set the scale of the error; None takes ``true``.

    Returns
    -------
    float
        Explained variance, at most 1.

    Raises
    ------
    ValueError
        If the shapes differ, are not (sample, bin), or the reference does not vary.
    """
    g = np.asarray(true, dtype=np.float64)
    g_reconstructed = np.asarray(reconstructed, dtype=np.float64)
    if g.ndim != 2 or g.shape != g_reconstructed.shape:
        raise ValueError(
            "true and reconstructed RDFs must have one shape (sample, bin); got "
            f"{g.shape} and {g_reconstructed.shape}"
        )
    scale = g if reference is None else np.asarray(reference, dtype=np.float64)
    if scale.ndim != 2 or scale.shape[1] != g.shape[1]:
        raise ValueError(
            f"the reference must have the shape (sample, bin) with {g.shape[1]} bins; "
            f"got {scale.shape}"
        )
    total = float(((scale - scale.mean(axis=0)) ** 2).sum(axis=1).mean())
    if total <= _EQUAL**2 * float((scale**2).sum(axis=1).mean()):
        raise ValueError(
            f"the {len(scale)} RDFs of the reference must differ from each other to have a "
            "variance to explain; give more than one distinct sample"
        )
    return 1.0 - float(((g - g_reconstructed) ** 2).sum(axis=1).mean()) / total
