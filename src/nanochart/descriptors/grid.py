"""Tables that turn a Gaussian kernel density into a spline assignment and a convolution.

The Gaussian of a bin k is interpolated at the knots x_j = r_min + j h by B-splines of degree 7,

    N(r_k - r; σ) ≈ Σ_j c(k, j) B((r - r_min)/h - j),

so that the coefficients c are the Gaussian sampled at the knots and deconvolved from the samples
of B (the direct B-spline transform: Unser, Aldroubi and Eden, IEEE Trans. Signal Process. 41, 821
(1993)). The knots divide each bin into equal parts, hence c depends on j - k h⁻¹ width only.

The error of the interpolation falls as (h/σ)⁸ in value and (h/σ)⁷ in gradient. With h <= σ/3 it is
below 6e-8 of the peak of the Gaussian and below 9e-7 of the peak of its derivative, for any pair.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, PPoly
from scipy.linalg import solve_banded

from nanochart.descriptors.kernels import Grid

__all__ = ["cell_polynomials", "gaussian_coefficients", "make_grid"]

Floats = NDArray[np.float64]

_DEGREE = 7

#: Largest knot spacing in bandwidths.
_MAX_SPACING = 1.0 / 3.0

#: With more knot intervals per bin than this the Gaussians are summed one by one.
_MAX_PHASES = 16

#: Coefficients below this share of the largest one are left out (6.4 bandwidths from the centre).
_NEGLIGIBLE = 1e-9


def make_grid(r_min: float, r_max: float, n_bins: int, sigma: float) -> Grid:
    """Tables of the RDF with ``n_bins`` bins between ``r_min`` and ``r_max``, bandwidth ``sigma``.

    All lengths in Å.
    """
    width = (r_max - r_min) / n_bins
    # A hair of slack, so that σ = 4 width does not round to one interval too many.
    phases = max(1, math.ceil(width / (_MAX_SPACING * sigma) * (1.0 - 1e-12)))
    spline, slope = cell_polynomials(_DEGREE)
    if phases > _MAX_PHASES:
        return Grid(
            r_min, r_max, width, sigma, n_bins, 0, width, 0, np.zeros((1, 4)), spline, slope
        )
    spacing = width / phases
    offsets, coefficients = gaussian_coefficients(_DEGREE, phases, spacing, sigma, _NEGLIGIBLE)
    # No bin needs knots further away than the other end of the grid.
    half = _DEGREE // 2
    near = (offsets >= -half - phases * (n_bins - 1)) & (offsets <= phases * n_bins + half + 1)
    offsets, coefficients = offsets[near], coefficients[near]
    # Knots of the bin k are phases * k + offsets; those of cell 0 start at -3.
    origin = -offsets[0] - half
    n_taps = -(-len(offsets) // phases)
    n_taps = (n_taps + 3) // 4 * 4
    taps = np.zeros(n_taps * phases)
    taps[: len(coefficients)] = coefficients
    return Grid(
        r_min=r_min,
        r_max=r_max,
        width=width,
        sigma=sigma,
        n_bins=n_bins,
        phases=phases,
        spacing=spacing,
        origin=int(origin),
        taps=np.ascontiguousarray(taps.reshape(n_taps, phases).T),
        spline=spline,
        slope=slope,
    )


def gaussian_coefficients(
    degree: int, phases: int, spacing: float, sigma: float, negligible: float
) -> tuple[NDArray[np.int64], Floats]:
    """Knots (relative to the lower edge of the bin) and B-spline coefficients of the Gaussian.

    Of an odd ``degree``; coefficients below the share ``negligible`` of the largest are left out.
    """
    centre = 0.5 * phases
    far = math.ceil(12.0 * sigma / spacing + centre) + 60
    knots = np.arange(-far, far + 1)
    z = (knots - centre) * spacing / sigma
    samples = np.exp(-0.5 * z**2) / (sigma * math.sqrt(2.0 * math.pi))
    half = degree // 2
    basis = BSpline.basis_element(np.arange(degree + 2) - 0.5 * (degree + 1))
    bands = np.repeat(basis(np.arange(-half, half + 1))[:, None], len(knots), axis=1)
    coefficients = solve_banded((half, half), bands, samples)
    kept = np.flatnonzero(np.abs(coefficients) > negligible * np.abs(coefficients).max())
    inside = slice(kept[0], kept[-1] + 1)
    return knots[inside], coefficients[inside]


def cell_polynomials(degree: int) -> tuple[Floats, Floats]:
    """Polynomials in t in [-1/2, 1/2) of the D + 1 B-splines of a knot interval, D the degree.

    Returns
    -------
    spline
        (D + 1, D + 1), [i, q]: coefficient of t**q of the i-th B-spline, in the order of their
        centres.
    slope
        (D + 1, D + 1), [q, i]: the same of the derivative with respect to t.
    """
    pieces = PPoly.from_spline(BSpline.basis_element(np.arange(degree + 2.0), extrapolate=False))
    spline = np.empty((degree + 1, degree + 1))
    for i in range(degree + 1):
        piece = np.searchsorted(pieces.x, degree - i)  # SciPy adds empty pieces at both ends
        from_left = np.polynomial.Polynomial(pieces.c[::-1, piece])
        spline[i] = from_left(np.polynomial.Polynomial([0.5, 1.0])).coef
    slope = np.zeros_like(spline)
    slope[:-1] = (spline[:, 1:] * np.arange(1, degree + 1)).T
    return spline, slope
