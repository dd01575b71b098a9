"""How well a chart knows each frame."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["reconstruction_errors"]


def reconstruction_errors(
    model: "Model", inputs: ArrayLike, targets: ArrayLike
) -> NDArray[np.float64]:
    """Root-mean-square error of each frame's reconstruction, sqrt(<(g - g')²>) over bins, in 1/Å.

    A frame with an error far above the others' is one that the chart has no place for: a motif that
    the training never saw, or a thermal frame between two basins.

    Parameters
    ----------
    model
        Model of the chart.
    inputs
        RDFs (..., bin) in 1/Å that go into the model.
    targets
        RDFs g (..., bin) in 1/Å that should come out of the model.

    Returns
    -------
    array (...) in 1/Å

    Raises
    ------
    ValueError
        If the shapes differ or do not fit the model.
    """
    g = np.asarray(targets, dtype=np.float64)
    reconstructed = model.reconstruct_rdf(inputs)
    if g.shape != reconstructed.shape:
        raise ValueError(
            f"input and target RDFs must have one shape (..., bin); got {reconstructed.shape} and "
            f"{g.shape}"
        )
    errors: NDArray[np.float64] = np.sqrt(((g - reconstructed) ** 2).mean(axis=-1))
    return errors
