"""The canonical frame of a latent space, so that two trainings can be compared.

An autoencoder fixes its latent z only up to an invertible map that the decoder can undo. The affine
part of that freedom is removed here, s = A (z - <z>), by four rules on the training part:

1. centred: <s> = 0;
2. unit scale: <s s^T> = 1 (whitened), which leaves a rotation;
3. principal axes: the axes are the principal directions of the linear response of the target RDF,
   B = <(g - <g>) s^T>, so B^T B is diagonal and descending. Axis k explains the share
   ``contributions[k]`` = (B^T B)_kk / <|g - <g>|²> of the target's variance linearly. Unlike the
   variance of z, this does not depend on the arbitrary scale of z before whitening;
4. signs: the skewness <s_k³> is positive; where it is below ``SKEWNESS_LEAST`` in size, and so has
   no reliable sign, s_k grows with the mean pair distance of the target.

Two trainings that differ by an affine map of z get the same s (up to the rotation within axes of
equal contribution). What is left is the nonlinear part of the freedom (Dietrich and Salvalaglio,
J. Chem. Phys. 163 (2025), doi 10.1063/5.0287912).

The map is folded into the linear layers beside the bottleneck, so encoder and decoder keep their
shape and the reconstruction does not change.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nanochart.autoencoder.architectures.network import Network
from nanochart.shown import short_repr

__all__ = ["SKEWNESS_LEAST", "LatentFrame", "canonical_frame", "fold_frame"]

SKEWNESS_LEAST = 0.1

# A latent direction with a smaller share of the variance than this is empty (the data need fewer
# dimensions); it is not blown up to unit variance.
_VARIANCE_LEAST = 1e-10


@short_repr
@dataclass(frozen=True)
class LatentFrame:
    """The map s = matrix @ (z - mean) and what each axis explains.

    Attributes
    ----------
    mean
        <z> (d,).
    matrix
        A (d, d), invertible.
    contributions
        Share of the target's variance that each axis explains linearly (d,), descending.
    """

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    contributions: NDArray[np.float64]


def canonical_frame(latent: NDArray[np.float64], targets: NDArray[np.float32]) -> LatentFrame:
    """Find the canonical frame of a training part.

    Parameters
    ----------
    latent
        z (sample, d).
    targets
        Target RDFs g (sample, bin).

    Returns
    -------
    LatentFrame
        The map to canonical coordinates.
    """
    mean = latent.mean(axis=0)
    centred = latent - mean
    covariance = centred.T @ centred / len(latent)
    variances, directions = np.linalg.eigh(covariance)
    variances = np.maximum(variances, _VARIANCE_LEAST * variances.max())
    whitening = (directions / np.sqrt(variances)).T
    white = centred @ whitening.T

    deviations = targets - targets.mean(axis=0, dtype=np.float64)
    response = deviations.T @ white / len(latent)
    explained, axes = np.linalg.eigh(response.T @ response)
    explained, axes = explained[::-1], axes[:, ::-1]
    matrix = axes.T @ whitening

    signs = _signs(white @ axes, targets)
    total = float((deviations**2).sum() / len(latent))
    return LatentFrame(mean, signs[:, None] * matrix, np.maximum(explained, 0.0) / total)


def _signs(latent: NDArray[np.float64], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """+1 or -1 per axis (d,), by rule 4."""
    skewness = (latent**3).mean(axis=0)
    bins = np.arange(targets.shape[1])
    mean_bin = targets @ bins / targets.sum(axis=1, dtype=np.float64)
    slope = latent.T @ (mean_bin - mean_bin.mean())
    decisive = np.where(np.abs(skewness) >= SKEWNESS_LEAST, skewness, slope)
    return np.where(decisive < 0.0, -1.0, 1.0)


def fold_frame(network: Network, frame: LatentFrame) -> None:
    """Change the linear layers beside the bottleneck, in place, so that the latent becomes s.

    With z = W h + b in the encoder and y = V z + c in the decoder: W' = A W, b' = A (b - <z>),
    V' = V A^-1, c' = c + V <z>.
    """
    matrix, mean = torch.from_numpy(frame.matrix), torch.from_numpy(frame.mean)
    inner, outer = network.encoder.latent, network.decoder.latent
    if not isinstance(inner, torch.nn.Linear) or not isinstance(outer, torch.nn.Linear):
        kinds = f"{type(inner).__name__} and {type(outer).__name__}"
        raise TypeError(f"encoder.latent and decoder.latent must be linear layers; got {kinds}")
    with torch.no_grad():
        w, b = inner.weight.double(), inner.bias.double()
        v, c = outer.weight.double(), outer.bias.double()
        # All four before any is written: in double precision the names are the layers' own arrays.
        folded = (
            matrix @ w,
            matrix @ (b - mean),
            torch.linalg.solve(matrix, v, left=False),
            c + v @ mean,
        )
        layers = (inner.weight, inner.bias, outer.weight, outer.bias)
        for parameter, value in zip(layers, folded, strict=True):
            parameter.copy_(value)
