"""Distances between places of a chart that do not depend on how a training stretched it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr

__all__ = ["ReconstructionMetric"]

Floats = NDArray[np.float64]

#: Places that the principal components are found from, and that are decoded at once.
_FITTED: Final = 20_000
_BLOCK: Final = 4096
#: Share of the largest variance below which a component is rounding alone.
_NEGLIGIBLE: Final = 1e-12


@short_repr
@dataclass(frozen=True)
class ReconstructionMetric:
    r"""Coordinates in which two places are as far apart as the RDFs that they stand for.

    .. math:: |z(s) - z(s')|^2 \approx \int \left[ g(r; s) - g(r; s') \right]^2 dr

    with g(r; s) the decoded RDF, and z its leading principal components. Two trainings that
    reconstruct alike may bend and stretch their latent spaces differently, but must agree on the
    right-hand side; distances in the latent space itself they need not agree on.

    Parameters
    ----------
    decode
        Decoder of a model: from places (n, d) to RDFs (n, bin) in 1/Å.
    width
        Width of a bin in Å.
    n_components
        Number of principal components; a chart of d dimensions is a curved surface, which needs
        more than d of them.
    """

    decode: Callable[[Floats], Floats]
    width: float = 1.0
    n_components: int = 8

    def __call__(self, points: Floats) -> Floats:
        """Coordinates (n, m) of places (n, d); m is at most ``n_components``."""
        step = max(1, -(-len(points) // _FITTED))
        some = self.decode(points[::step])
        mean = some.mean(axis=0)
        _, variances, axes = np.linalg.svd(np.cov(some, rowvar=False), hermitian=True)
        kept = (variances > _NEGLIGIBLE * variances[0])[: self.n_components]
        leading = axes[: len(kept)][kept].T * np.sqrt(self.width)
        blocks = range(0, len(points), _BLOCK)
        return np.concatenate(
            [(self.decode(points[k : k + _BLOCK]) - mean) @ leading for k in blocks]
        )
