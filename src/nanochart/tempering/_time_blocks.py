"""Blocks of time across all replicas at once, for errors of what replicas contribute together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanochart._time_series import statistical_inefficiency

__all__ = ["MIN_BLOCKS", "TimeBlocks", "resample", "slowest_inefficiency", "time_blocks"]

Floats = NDArray[np.float64]

#: Blocks below which percentile intervals are noticeably too narrow.
MIN_BLOCKS = 20
#: Blocks that are made at least, however long the correlation.
_FEWEST = 8
#: A block of five inefficiencies holds about nine tenths of the variance of the mean.
_INEFFICIENCIES_PER_BLOCK = 5.0


@dataclass(frozen=True)
class TimeBlocks:
    """``block`` (frame,): number of the block of each frame; ``n_blocks`` of nearly equal length.

    ``length``: frames that a block should have; ``inefficiency``: frames per independent frame, or
    NaN where the length was given. Where the run is too short for 8 blocks of that length, they
    are shorter, and ``too_short`` is true.
    """

    block: NDArray[np.int64]
    n_blocks: int
    length: int
    inefficiency: float
    too_short: bool


def slowest_inefficiency(contributions: Floats) -> float:
    """Frames per independent frame of the slowest column of (frame, quantity)."""
    return max(
        statistical_inefficiency(contributions[:, [k]]) for k in range(contributions.shape[1])
    )


def time_blocks(n_frames: int, inefficiency: float, length: int | None = None) -> TimeBlocks:
    """Cut the frames into blocks of five inefficiencies, or of a given length."""
    wanted = length or int(np.ceil(_INEFFICIENCIES_PER_BLOCK * inefficiency))
    n_blocks = min(max(n_frames // wanted, _FEWEST), n_frames)
    block = np.arange(n_frames) * n_blocks // n_frames
    found = np.nan if length else inefficiency
    return TimeBlocks(block, n_blocks, wanted, found, n_frames // wanted < _FEWEST)


def resample(blocks: TimeBlocks, n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often each frame counts in draws of whole blocks with replacement, (draw, frame)."""
    n = blocks.n_blocks
    drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=n_resamples)
    return drawn[:, blocks.block].astype(np.float64)
