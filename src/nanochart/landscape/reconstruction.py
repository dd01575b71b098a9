"""How well a chart knows each frame."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["RankedFrames", "rank_frames", "reconstruction_errors"]


@dataclass(frozen=True)
class RankedFrames:
    """Frames of the smallest, the median and the largest error.

    Attributes
    ----------
    best, median, worst
        Index of the smallest, the (lower) median and the largest error.
    order
        All indices (frame,) by rising error.
    """

    best: int
    median: int
    worst: int
    order: NDArray[np.intp]


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


def rank_frames(errors: ArrayLike) -> RankedFrames:
    """Order frames by their error; equal errors keep their order.

    Parameters
    ----------
    errors
        Error of each frame (frame,), such as ``reconstruction_errors`` gives.

    Raises
    ------
    ValueError
        If there are none, they are not a list, or one is NaN.
    """
    values = np.asarray(errors, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or np.isnan(values).any():
        raise ValueError(
            "errors to rank must be a list of at least one number without NaN; got the shape "
            f"{values.shape} with {int(np.isnan(values).sum())} NaN"
        )
    order = np.argsort(values, kind="stable")
    return RankedFrames(
        best=int(order[0]),
        median=int(order[(len(order) - 1) // 2]),
        worst=int(order[-1]),
        order=order,
    )
