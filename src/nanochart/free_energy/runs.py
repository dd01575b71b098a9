"""Several independent runs of the same question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart.free_energy.surface import Surface
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN

__all__ = ["RunSpread", "combine_differences", "surface_spread"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True)
class RunSpread:
    r"""The difference that several independent runs give together, and whether they agree.

    Attributes
    ----------
    difference
        Weighted mean of the differences of the runs, with the larger of the error that their own
        errors give and the one that their spread gives; the interval is that of Student's t for so
        many runs.
    ratio
        :math:`\sqrt{\chi^2 / (n - 1)}` of the runs about the mean (Birge, Phys. Rev. 40, 207
        (1932)): about 1 where their errors are honest, and above 2 where they miss something slow.
    agree
        Whether honest errors would give such a ratio, or a larger one, in more than 1 case of 20.
    """

    difference: Estimate
    ratio: float
    agree: bool


def combine_differences(differences: Sequence[Estimate]) -> RunSpread:
    """Combine one difference of each of several independent runs.

    Parameters
    ----------
    differences
        At least two differences; those that are not known are left out.

    Raises
    ------
    ValueError
        If fewer than two are known.
    """
    known = [d for d in differences if d.known and d.error > 0]
    if len(known) < 2:
        raise ValueError(
            f"a spread needs at least two runs that know the difference; got {len(known)} of "
            f"{len(differences)}: run longer, or more often"
        )
    from scipy.stats import chi2, t

    value = np.array([float(d.value) for d in known])
    weight = np.array([float(d.error) for d in known]) ** -2.0
    freedom = len(known) - 1
    mean = float((weight * value).sum() / weight.sum())
    square = float((weight * (value - mean) ** 2).sum())
    ratio = float(np.sqrt(square / freedom))
    own = float(weight.sum() ** -0.5)
    error = own * max(1.0, ratio)
    # The spread of few runs is badly known; errors of their own are known from their blocks.
    half = float(max(t.ppf(0.975, freedom) * own * ratio, 1.96 * own))
    agree = bool(chi2.sf(square, freedom) > 0.05)
    together = Estimate(mean, error, mean - half, mean + half, known=True)
    return RunSpread(together, ratio, agree)


def surface_spread(surfaces: Sequence[Surface]) -> tuple[Floats, Floats]:
    """Mean and standard deviation over runs of the free energy of each node, in eV.

    A constant is free in each surface: they are shifted onto one another where all saw something,
    each node by its Boltzmann weight, and the mean is zero at its minimum. Nodes that fewer than
    two runs saw have no deviation.

    Parameters
    ----------
    surfaces
        At least two surfaces, at one temperature and on one grid (give ``low``, ``high`` and
        ``shape``).

    Returns
    -------
    mean, deviation
        Mean and standard deviation of F at each node in eV; NaN where there is none.

    Raises
    ------
    ValueError
        If grids or temperatures differ, or no node was seen by all.
    """
    if len(surfaces) < 2:
        raise ValueError(f"a spread needs at least two surfaces; got {len(surfaces)}")
    first = surfaces[0]
    for other in surfaces[1:]:
        same = len(other.axes) == len(first.axes) and all(
            len(a) == len(b) and np.allclose(a, b)
            for a, b in zip(first.axes, other.axes, strict=True)
        )
        if not same or other.temperature != first.temperature:
            raise ValueError(
                "surfaces to be compared must have one grid and one temperature: give low, high "
                "and shape to each"
            )
    stack = np.array([s.energy for s in surfaces])
    common = np.isfinite(stack).all(axis=0)
    if not common.any():
        raise ValueError("no node was seen by all runs, so their surfaces cannot be compared")
    kT = BOLTZMANN * first.temperature
    weight = np.exp(-stack[:, common].mean(axis=0) / kT)
    shift = (stack[:, common] * weight).sum(axis=1) / weight.sum()
    stack = stack - shift.reshape(-1, *[1] * (stack.ndim - 1))
    n = np.isfinite(stack).sum(axis=0)
    total = np.nansum(stack, axis=0)
    mean = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    squares = np.nansum((stack - mean) ** 2, axis=0)
    deviation = np.full(n.shape, np.nan)
    np.divide(squares, n - 1, out=deviation, where=n > 1)
    zero = mean[first.minimum] if np.isfinite(mean[first.minimum]) else np.nanmin(mean)
    return mean - zero, np.sqrt(deviation)
