"""From a trained model to the tables of its compiled chart."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from nanochart.compiled_chart.kernels_chart import ChartTables
from nanochart.compiled_chart.kernels_encoder import CompactTables, PaperTables
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
    if model.config.architecture == "paper":
        return ChartTables(ExactTables(scale, model.rdf.grid), _paper(weights))
    return ChartTables(rdf_tables(model.rdf, scale), _compact(weights))


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
        spline=_single(spline),
        slope=_single(slope),
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
        return _single(np.where(inside, coefficients[np.clip(index, 0, n - 1)], 0.0))

    smooth = pick(np.arange(n + 15 * phases)[:, None] - phases * lanes)
    ends = origin + 16 * np.arange(phases)
    lowest = -((n - 1 - ends) // phases)
    depth = int(((ends + 15) // phases - lowest).max()) + 1
    bins = lowest[:, None, None] + np.arange(depth)[:, None]
    spread = pick(ends[:, None, None] + lanes - phases * bins)
    return smooth.ravel(), spread.reshape(phases, -1), lowest


def _single(values: Any) -> Floats:
    """In single precision, from the start of a cache line on."""
    values = np.asarray(values, dtype=np.float32)
    memory = np.empty(values.size + 16, np.float32)
    skip = -memory.ctypes.data % 64 // 4
    out = memory[skip : skip + values.size].reshape(values.shape)
    out[...] = values
    return out


def _double(values: Any) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scaling(weights: dict[str, NDArray[np.float64]]) -> tuple[Floats, Floats]:
    factor = 1.0 / weights["input_scale"]
    return _single(factor), _single(-weights["input_shift"] * factor)


def _compact(weights: dict[str, NDArray[np.float64]]) -> CompactTables:
    factor, shift = _scaling(weights)
    kernels = [weights[f"encoder.convolutions.{k}.weight"] for k in range(4)]  # (o, c, tap)
    arrays: tuple[Any, ...] = (
        factor,
        shift,
        *(_single(w.transpose(2, 1, 0).ravel()) for w in kernels),
        *(_single(weights[f"encoder.convolutions.{k}.bias"]) for k in range(4)),
        _single(np.pad(kernels[0][:, 0], ((0, 0), (0, 3))).ravel()),
        *(_single(_adjoint(w).ravel()) for w in kernels[1:3]),
        *(_single(part.ravel()) for part in _halves(kernels[3])),
        np.zeros(64, np.float32),
        _single(weights["encoder.latent.weight"]),
        np.array(weights["encoder.latent.bias"], dtype=np.float64),
    )
    return CompactTables(*arrays)


def _adjoint(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrix ((t, o), (phase, c)): tap phase + 4 - 2 t, zero for the sixth that does not exist."""
    taps = np.pad(weight, ((0, 0), (0, 0), (0, 1)))
    order = np.array([[phase + 4 - 2 * t for phase in range(2)] for t in range(3)])
    return np.asarray(taps[:, :, order].transpose(2, 0, 3, 1))  # (t, o, phase, c)


def _halves(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same as matrices ((t, o), c) of the phases; the second without its zeros: t = 1, 2."""
    both = _adjoint(weight)
    return both[:, :, 0], both[1:, :, 1]


def _paper(weights: dict[str, NDArray[np.float64]]) -> PaperTables:
    factor = 1.0 / weights["input_scale"]
    shift = -weights["input_shift"] * factor
    kernels = [weights[f"encoder.convolutions.{k}.weight"] for k in range(4)]
    bias, gain, lift = np.zeros((4, 128)), np.zeros((4, 128)), np.zeros((4, 128))
    shape, start, length = np.zeros((4, 5), dtype=np.int64), 0, len(factor)
    for k, w in enumerate(kernels):
        outer, inner, taps = w.shape
        norm = f"encoder.norms.{k}."
        spread = np.sqrt(weights[norm + "running_var"] + 1e-5)
        gain[k, :outer] = weights[norm + "weight"] / spread
        lift[k, :outer] = weights[norm + "bias"] - gain[k, :outer] * weights[norm + "running_mean"]
        bias[k, :outer] = weights[f"encoder.convolutions.{k}.bias"]
        shape[k] = inner, outer, taps, length, start
        start += w.size
        length //= 2
    latent = weights["encoder.latent.weight"]
    channels = kernels[-1].shape[0]
    by_position = latent.reshape(len(latent), channels, length).transpose(0, 2, 1)
    return PaperTables(
        _double(factor),
        _double(shift),
        _double(np.concatenate([w.transpose(2, 1, 0).ravel() for w in kernels])),
        _double(np.concatenate([w.transpose(2, 0, 1).ravel() for w in kernels])),
        _double(bias),
        _double(gain),
        _double(lift),
        shape,
        _double(by_position.reshape(len(latent), -1)),
        np.array(weights["encoder.latent.bias"], dtype=np.float64),
    )
