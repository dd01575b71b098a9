"""From a trained model to the tables of its compiled chart."""

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nanochart.compiled.memory import single
from nanochart.compiled_chart.kernels_chart import ChartTables
from nanochart.compiled_chart.kernels_encoder import ENCODERS
from nanochart.compiled_chart.kernels_rdf import ExactTables, RDFTables
from nanochart.descriptors import cell_polynomials, gaussian_coefficients
from nanochart.errors import ModelError

if TYPE_CHECKING:
    from nanochart.autoencoder import Model
    from nanochart.descriptors import RDF

__all__ = ["compile_chart", "rdf_tables"]

Floats = NDArray[np.float32]

_DEGREE: Final = 3
#: Largest knot spacing in bandwidths; the error of the gradient falls as its cube.
_MAX_SPACING: Final = 1.0 / 8.0
_MAX_PHASES: Final = 64
#: Share of the largest coefficient below which others are left out: 5.3 bandwidths.
_NEGLIGIBLE: Final = 1e-6


def compile_chart(model: "Model", element: str | None = None) -> ChartTables:
    """Make the tables of a model for the compiled kernels: plain arrays, which can be pickled.

    Parameters
    ----------
    model
        Trained model.
    element
        Metal of the positions; None is the model's own.

    Raises
    ------
    ModelError
        If the model does not chart that metal, or its bandwidth is too small for its bins.
    """
    weights = {k: v.detach().cpu().numpy() for k, v in model.network.state_dict().items()}
    scale = model.scale(element)
    encoder = ENCODERS[model.config.architecture]
    rdf = ExactTables(scale, model.rdf.grid) if encoder.exact else rdf_tables(model.rdf, scale)
    return ChartTables(rdf, encoder.compile(weights))


def rdf_tables(rdf: "RDF", scale: float = 1.0) -> RDFTables:
    """Tables of an RDF, of positions that are multiplied by ``scale`` first."""
    width = (rdf.r_max - rdf.r_min) / rdf.n_bins
    phases = max(1, math.ceil(width / (_MAX_SPACING * rdf.sigma) * (1.0 - 1e-12)))
    if phases > _MAX_PHASES:
        raise ModelError(
            f"the bandwidth of an RDF inside molecular dynamics must be at least "
            f"{width / (_MAX_PHASES * _MAX_SPACING):.3g} Å for bins of {width:.3g} Å; got "
            f"{rdf.sigma:g}: train the model with a larger sigma or finer bins"
        )
    spacing = width / phases
    spline, slope = cell_polynomials(_DEGREE)
    offsets, coefficients = gaussian_coefficients(_DEGREE, phases, spacing, rdf.sigma, _NEGLIGIBLE)
    half = _DEGREE // 2
    near = (offsets >= -half - phases * (rdf.n_bins - 1)) & (
        offsets <= phases * rdf.n_bins + half + 1
    )
    offsets, coefficients = offsets[near], coefficients[near]
    origin = int(-offsets[0] - half)
    smooth, spread, lowest = _convolutions(coefficients, phases, origin)
    return RDFTables(
        scale=float(scale),
        r_min=np.float32(rdf.r_min),
        spacing=np.float32(spacing),
        n_bins=rdf.n_bins,
        phases=phases,
        origin=origin,
        smooth=smooth,
        spread=spread,
        lowest=lowest,
        spline=single(spline),
        slope=single(slope),
        zeros=np.zeros(16, np.float32),
    )


def _convolutions(
    coefficients: NDArray[np.float64], phases: int, origin: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The coefficients c of g[k] = Σ_j c[j - phases k] W[j] as products of small matrices.

    Sixteen bins are a matrix times the weights from that of their first bin on. Sixteen weights
    W[origin + 16 b ..], b = phase modulo ``phases``, take the bins from ``lowest[phase]`` (and
    sixteen more for each ``phases`` blocks) on.
    """
    n, lanes = len(coefficients), np.arange(16)

    def pick(index: NDArray[np.int64]) -> Floats:
        inside = (index >= 0) & (index < n)
        return single(np.where(inside, coefficients[np.clip(index, 0, n - 1)], 0.0))

    smooth = pick(np.arange(n + 15 * phases)[:, None] - phases * lanes)
    ends = origin + 16 * np.arange(phases)
    lowest = -((n - 1 - ends) // phases)
    depth = int(((ends + 15) // phases - lowest).max()) + 1
    bins = lowest[:, None, None] + np.arange(depth)[:, None]
    spread = pick(ends[:, None, None] + lanes - phases * bins)
    return smooth.ravel(), spread.reshape(phases, -1), lowest
