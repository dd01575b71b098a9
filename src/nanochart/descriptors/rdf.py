"""The radial distribution function of a cluster as a Gaussian kernel density."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors.grid import make_grid
from nanochart.descriptors.kernels import Grid, density_batch, gradient_batch
from nanochart.descriptors.positions import (
    check_positions,
    extreme_distances,
    off_grid_sentence,
)
from nanochart.descriptors.threads import share_frames

if TYPE_CHECKING:
    import torch

__all__ = ["MOST_BINS", "RDF"]

#: Bins, beyond which a grid is finer than any bandwidth needs.
MOST_BINS = 100_000

#: Bandwidth in Å, and in widths of a bin, and distance in Å, beyond which its tables would take all
#: memory or overflow.
_NARROWEST, _WIDEST, _LONGEST = 1e-6, 10_000, 1e6

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RDF:
    r"""Radial distribution function: the Gaussian kernel density of all pair distances.

    .. math::

        g(r_k) = \frac{2}{N (N - 1)} \sum_{i<j} \mathcal{N}(r_k - r_{ij}; \sigma),
        \qquad r_k = r_\mathrm{min} + (k + \tfrac12) w,
        \qquad w = \frac{r_\mathrm{max} - r_\mathrm{min}}{n_\mathrm{bins}},

    with the normal density :math:`\mathcal{N}(x; \sigma) = e^{-x^2 / 2 \sigma^2} / \sqrt{2 \pi
    \sigma^2}` in 1/Å. A free cluster has no volume and no bulk density to divide by, so there is
    no :math:`1/r^2` and no limit of 1 at large distance: *g* has unit area over the whole line, and
    a dimer gives one Gaussian around its bond length.

    The bins divide the range into equal parts and *g* is taken at their centres: by default 340
    bins of 0.05 Å. Public code of the method [1]_ takes *n* points with both ends included and
    divides by the sum over them; the grid with those points as its centres (half a spacing longer
    at both ends) gives the same numbers where it holds all Gaussians and :math:`\sigma \ge w`.

    Calling the object evaluates it. Each distance is assigned to a fine grid by B-splines of degree
    7, followed by a convolution with the Gaussian, corrected for the width of the spline: equal to
    the sum above within 1e-6 of its peak in value and 1e-5 in gradient, for any bandwidth.

    Parameters
    ----------
    r_min, r_max
        Range of the bins in Å. A distance outside is an error. The tail of a Gaussian may reach
        out of the range; that part of its area is then not seen.
    n_bins
        Number of bins.
    sigma
        Bandwidth: standard deviation of the Gaussian in Å.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not a number, or not in its range.

    References
    ----------
    .. [1] E. Telari et al., ACS Nano 17, 21287 (2023), doi:10.1021/acsnano.3c05653.

    Examples
    --------
    >>> import nanochart as nc
    >>> rdf = nc.descriptors.RDF(sigma=0.1)
    >>> g = rdf([[0.0, 0.0, 0.0], [2.875, 0.0, 0.0]])
    >>> g.shape, round(float(rdf.centers[g.argmax()]), 3), round(float(g.max()), 3)
    ((340,), 2.875, 3.989)
    """

    r_min: float = 2.0
    r_max: float = 19.0
    n_bins: int = 340
    sigma: float = 0.2

    def __post_init__(self) -> None:
        for name in ("r_min", "r_max", "sigma"):
            value = getattr(self, name)
            object.__setattr__(self, name, _positive(value, f"{name} of an RDF"))
        if isinstance(self.n_bins, bool) or not isinstance(self.n_bins, Integral):
            raise TypeError(f"n_bins of an RDF must be a whole number; got {self.n_bins!r}")
        if not 1 <= self.n_bins <= MOST_BINS:
            raise ValueError(f"n_bins of an RDF must be 1 to {MOST_BINS:,}; got {self.n_bins}")
        object.__setattr__(self, "n_bins", int(self.n_bins))
        if self.r_max <= self.r_min:
            raise ValueError(
                f"r_max of an RDF must be above r_min; got r_min = {self.r_min:g} Å and "
                f"r_max = {self.r_max:g} Å"
            )
        if not _NARROWEST <= self.sigma <= _WIDEST * self.width or self.r_max > _LONGEST:
            raise ValueError(
                f"sigma of an RDF must be {_NARROWEST:g} Å to {_WIDEST:,} widths of a bin, and "
                f"r_max at most {_LONGEST:g} Å; got sigma = {self.sigma:g} Å, a width of "
                f"{self.width:g} Å and r_max = {self.r_max:g} Å"
            )

    @classmethod
    def for_positions(
        cls, positions: ArrayLike, *, width: float = 0.05, sigma: float = 0.2
    ) -> Self:
        """Choose a grid for clusters of another size or metal.

        ``r_min`` is 0.75 times the shortest distance, rounded down to 0.1 Å, and ``r_max`` 1.15
        times the longest one, rounded up to 1 Å: room for thermal motion, melting and changes of
        shape.

        Parameters
        ----------
        positions
            One or several typical structures (..., atom, 3) in Å.
        width
            Width of a bin in Å, which is adjusted to a whole number of bins.
        sigma
            Bandwidth in Å.

        Returns
        -------
        RDF
        """
        width = _positive(width, "width of a bin")
        shortest, longest = extreme_distances(check_positions(positions))
        if shortest < 0.2:
            raise ValueError(
                f"two atoms are {shortest:.3f} Å apart; check the positions and that they are in Å"
            )
        r_min = math.floor(7.5 * shortest) / 10.0
        r_max = float(math.ceil(1.15 * longest))
        return cls(r_min, r_max, max(1, round((r_max - r_min) / width)), sigma)

    @classmethod
    def from_dict(cls, parameters: Mapping[str, float]) -> Self:
        """Build an RDF from what :meth:`to_dict` gave."""
        expected = {field.name for field in fields(cls)}
        if set(parameters) != expected:
            raise ValueError(
                f"an RDF needs exactly {', '.join(sorted(expected))}; got "
                f"{', '.join(sorted(map(str, parameters))) or 'nothing'}"
            )
        return cls(**parameters)  # type: ignore[arg-type]  # checked in __post_init__

    def to_dict(self) -> dict[str, float | int]:
        """Parameters of the RDF by name, as JSON can hold them."""
        return asdict(self)

    @property
    def width(self) -> float:
        """Width of a bin in Å."""
        return (self.r_max - self.r_min) / self.n_bins

    @cached_property
    def centers(self) -> Floats:
        """Centres of the bins (bin,) in Å; read-only."""
        centers = np.asarray(self.r_min + (np.arange(self.n_bins) + 0.5) * self.width, np.float64)
        centers.setflags(write=False)
        return centers

    @cached_property
    def grid(self) -> Grid:
        """Tables for compiled code that calls the kernels itself."""
        return make_grid(self.r_min, self.r_max, self.n_bins, self.sigma)

    def __call__(self, positions: ArrayLike, *, threads: int | None = None) -> Floats:
        """Evaluate the RDF.

        Parameters
        ----------
        positions
            (..., atom, 3) in Å; leading dimensions are independent clusters.
        threads
            Most threads to share many clusters among; None for one per available core. The result
            does not depend on it.

        Returns
        -------
        g
            (..., bin) in 1/Å.

        Raises
        ------
        ValueError
            If a distance lies outside ``r_min`` to ``r_max`` (the message names the range that
            is needed), a coordinate is not finite, or the shape is wrong.
        TypeError
            If the positions are not real numbers.
        """
        x = check_positions(positions)
        frames = x.reshape(-1, *x.shape[-2:])
        g = np.empty((len(frames), self.n_bins))
        grid = self.grid

        def work(part: slice) -> int:
            return int(density_batch(frames[part], grid, g[part]))

        if share_frames(work, len(frames), threads) >= 0:
            raise ValueError(off_grid_sentence(x, self.r_min, self.r_max))
        return g.reshape(*x.shape[:-2], self.n_bins)

    def vjp(
        self, positions: ArrayLike, cotangent: ArrayLike, *, threads: int | None = None
    ) -> Floats:
        """Vector-Jacobian product: the gradient of Σ_k cotangent_k g(r_k).

        It is the exact derivative of the value that calling the RDF computes.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å.
        cotangent
            Factor of each bin, (..., bin), with the leading dimensions of the positions.
        threads
            Number of threads, as for calling the RDF.

        Returns
        -------
        gradient
            Gradient (..., atom, 3) in units of the cotangent times 1/Å².

        Raises
        ------
        ValueError, TypeError
            As of the call, or if the cotangent does not fit.
        """
        x = check_positions(positions)
        c = np.asarray(cotangent)
        if c.dtype.kind not in "fiu":
            raise TypeError(f"cotangent must be an array of real numbers; got {c.dtype}")
        if c.shape != (*x.shape[:-2], self.n_bins):
            raise ValueError(
                f"cotangent must have the shape {(*x.shape[:-2], self.n_bins)}, one number per bin "
                f"and cluster; got {c.shape}"
            )
        frames = x.reshape(-1, *x.shape[-2:])
        cotangents = np.require(c, np.float64, ("C", "A", "W")).reshape(-1, self.n_bins)
        gradient = np.empty_like(frames)
        grid = self.grid

        def work(part: slice) -> int:
            return int(gradient_batch(frames[part], cotangents[part], grid, gradient[part]))

        if share_frames(work, len(frames), threads) >= 0:
            raise ValueError(off_grid_sentence(x, self.r_min, self.r_max))
        return gradient.reshape(x.shape)

    def torch(self, positions: "torch.Tensor") -> "torch.Tensor":
        """Evaluate the RDF as a differentiable PyTorch operation.

        Computed on the CPU in double precision, once differentiable.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å, float32 or float64, on any device.

        Returns
        -------
        g
            RDF (..., bin) in 1/Å, with the dtype and on the device of the positions.

        Raises
        ------
        ValueError, TypeError
            As of the call.
        """
        from nanochart.descriptors.torch import differentiable_rdf

        return differentiable_rdf(self, self.vjp, positions)


def _positive(value: object, name: str) -> float:
    """Convert to a positive, finite float, or say in one sentence why not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number in Å; got {value!r}")
    number = float(value)
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"{name} must be positive and finite; got {number} Å")
    return number
