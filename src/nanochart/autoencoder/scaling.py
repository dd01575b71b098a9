"""Scaling of RDFs to what a network likes to see; it travels inside the network."""

import numpy as np
import torch
from numpy.typing import NDArray

from nanochart.autoencoder.architectures.network import Network

__all__ = ["fit_scaling"]

# Bins that (nearly) never change, such as those below the shortest distance, would have their
# rounding noise blown up; their scale is held at this share of the largest.
_SMALLEST_SHARE = 1e-3


def fit_scaling(
    network: Network,
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    scaling: str,
) -> None:
    """Set the network's shifts and scales from the training part.

    Parameters
    ----------
    network
        Its four buffers are set in place.
    inputs, targets
        RDFs of the training part (sample, bin) in 1/Å.
    scaling
        "deviation" or "range"; see ``TrainingConfig``.

    Raises
    ------
    ValueError
        If the samples are all the same.
    """
    for kind, g in (("input", inputs), ("target", targets)):
        shift, scale = _deviation(g) if scaling == "deviation" else _range(g)
        if not scale.max() > 0.0:
            raise ValueError(
                f"the {kind} RDFs of the {len(g)} training samples must differ from each other; "
                "they are all the same: sample more, or at a higher temperature"
            )
        getattr(network, f"{kind}_shift").copy_(torch.from_numpy(shift))
        getattr(network, f"{kind}_scale").copy_(torch.from_numpy(scale))


def _deviation(g: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = g.mean(axis=0, dtype=np.float64)
    variance = ((g - mean) ** 2).mean(axis=0, dtype=np.float64)
    return mean, np.full(g.shape[1], np.sqrt(variance.mean()))


def _range(g: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = g.min(axis=0).astype(np.float64)
    width = g.max(axis=0) - low
    return low, np.maximum(width, _SMALLEST_SHARE * width.max())
