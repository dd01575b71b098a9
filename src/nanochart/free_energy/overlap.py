"""Whether ensembles share enough samples for a free energy to connect them."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_OVERLAP", "disconnected"]

#: Overlap of neighbours below which MBAR's errors mean nothing (Klimovich, Shirts, Mobley, J.
#: Comput.-Aided Mol. Des. 29, 397 (2015)).
LEAST_OVERLAP = 0.03


def disconnected(
    overlap: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """The ensembles that are connected with the first, and the others; None if all are.

    Parameters
    ----------
    overlap
        Overlap of each ensemble with each, (ensemble, ensemble), as of `Mixture.overlap`.
    """
    from scipy.sparse.csgraph import connected_components

    linked = (overlap + overlap.T) / 2.0 > LEAST_OVERLAP
    n, groups = connected_components(linked, directed=False)
    if n == 1:
        return None
    return np.flatnonzero(groups == groups[0]), np.flatnonzero(groups != groups[0])
