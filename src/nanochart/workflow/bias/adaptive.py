"""Grid, widths and walls of metadynamics and OPES, from what the source has seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing import NODES_PER_WIDTH, OPES, Metadynamics, Wall, nodes_per_width
from nanochart.config import BiasConfig
from nanochart.errors import ConfigError
from nanochart.workflow.bias.limits import Limits
from nanochart.workflow.bias.source import MARGIN, Source

__all__ = ["adaptive_method"]

Floats = NDArray[np.float64]

#: Place of a wall in shares of the range of the grid, from its end.
_WALL = 0.08
#: Width of the Gaussians in standard deviations within a family.
_WIDTH = 0.5


def adaptive_method(
    config: BiasConfig,
    source: Source,
    names: tuple[str, ...],
    data: Floats,
    walls: tuple[Wall, ...],
    limits: Limits,
    *,
    shortest: bool,
) -> Metadynamics | OPES:
    """Metadynamics or OPES, on a grid around what the source has seen.

    Widths that are not given are half of the spread of a family, and at the ``shortest`` stride
    that there can be at least what it follows.

    Raises
    ------
    ConfigError
        If ranges or widths do not fit the variables.
    """
    # Of a ladder the hottest, whose bias is the most curved; the others have the same widths.
    m, T = len(names), config.rungs[-1]
    span = np.ptp(data, axis=0)
    low = config.low or tuple((data.min(axis=0) - MARGIN * span).tolist())
    high = config.high or tuple((data.max(axis=0) + MARGIN * span).tolist())
    if len(low) != m or len(high) != m:
        raise ConfigError(
            f"low and high must have a number for each of the {m} variables; got {low} and {high}"
        )
    if m > 3:
        raise ConfigError(f"metadynamics and OPES take at most 3 variables; got {m}")
    section = config.metadynamics or config.opes
    narrowest = limits.narrowest(T)
    sigma = getattr(section, "sigma", None)
    if sigma is None:
        widths = _widths(source, data)
        widths = np.maximum(widths, narrowest) if shortest else widths
        coarse = 1.01 * NODES_PER_WIDTH / nodes_per_width(low, high, widths.tolist())
        sigma = tuple((widths * max(1.0, coarse)).tolist())
    if len(sigma) != m:
        raise ConfigError(f"sigma must have a width for each of the {m} variables; got {sigma}")
    inside = _walls_inside(low, high, walls, limits)
    if config.metadynamics is not None:
        w = config.metadynamics
        return Metadynamics(T, w.height, sigma, w.bias_factor, low, high, inside)
    barrier = config.opes.barrier if config.opes else 0.0
    least = np.maximum(np.array(sigma) / 3.0, np.minimum(narrowest, sigma))
    return OPES(T, barrier, sigma, low, high, None, inside, tuple(least.tolist()))


def _walls_inside(
    low: Sequence[float], high: Sequence[float], walls: tuple[Wall, ...], limits: Limits
) -> tuple[Wall, ...]:
    """The given walls, and one within each end of the grid that has none: outside is no bias."""
    have = {(w.variable, w.side) for w in walls}
    extra = []
    for a, limit in enumerate(limits.stable.tolist()):
        span = high[a] - low[a]
        # 0.1 eV where the grid ends, or as much as the stride allows.
        stiffness = min(0.2 / (_WALL * span) ** 2, 0.25 * limit)
        for side, at in (("lower", low[a] + _WALL * span), ("upper", high[a] - _WALL * span)):
            if (a, side) not in have:
                extra.append(Wall(a, at, stiffness, side))
    return (*walls, *extra)


def _widths(source: Source, data: Floats) -> Floats:
    """Half of the median spread of a family's thermal frames at one temperature."""
    groups = np.nan_to_num(source.temperature).astype(np.int64)
    if source.families is not None:
        groups = groups * 1000 + source.families.codes.ravel()
    spreads = []
    for group in np.unique(groups):
        inside = groups == group
        if inside.sum() >= 30:
            spreads.append(data[inside].std(axis=0))
    spread = np.median(spreads, axis=0) if spreads else 0.1 * data.std(axis=0)
    return np.asarray(_WIDTH * spread)
