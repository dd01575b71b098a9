"""How far distances in the latent space are from those between the targets.

An autoencoder determines its latent z up to any invertible map that the decoder can undo. The
canonical frame removes the affine part of that freedom after training; asking for distances leaves
rotations alone of all of it (Dietrich and Salvalaglio, J. Chem. Phys. 163 (2025), doi
10.1063/5.0287912, show what the freedom does to free energies).
"""

import torch

__all__ = ["strain"]

# Squared distance below which two samples count as one; the square root is not smooth at 0.
_LEAST = 1e-4


def strain(latent: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Strain <(|z_i - z_j| - d_ij)²> / <d_ij²> with d_ij = |y_i - y_j| / sqrt(bin).

    Over the pairs of neighbours in a shuffled batch, each sample being in two of them. 0 where the
    latent space is isometric to the targets, 1 where it is a point.

    Parameters
    ----------
    latent
        z (sample, d).
    targets
        Scaled target RDFs y (sample, bin).
    """
    between = ((targets - targets.roll(1, 0)) ** 2).mean(1)
    apart = ((latent - latent.roll(1, 0)) ** 2).sum(1)
    mismatch = torch.sqrt(apart + _LEAST) - torch.sqrt(between + _LEAST)
    result: torch.Tensor = (mismatch**2).mean() / (between.mean() + _LEAST)
    return result
