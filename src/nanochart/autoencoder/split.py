"""Training, validation and test parts that do not share a stretch of a trajectory."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["GUARD", "TEST", "TRAIN", "VALIDATION", "split_blocks"]

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
#: Frames next to another part, left out of all three.
GUARD: Final = -1


def split_blocks(
    n_frames: int,
    n_replicas: int = 1,
    *,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    n_blocks: int = 10,
    gap: int = 0,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Split frames by replica and time block.

    Neighbouring frames of a trajectory are nearly copies of each other, so a shuffled split tests a
    network on what it has seen. Here each replica's trajectory is cut into ``n_blocks`` contiguous
    blocks of equal length (within one frame), whole (replica, block) units are drawn at random for
    the three parts, and at each border between different parts ``gap`` frames are left out. So two
    frames of one replica that lie in different parts are more than ``gap`` frames apart.

    Parameters
    ----------
    n_frames
        Number of frames of each replica, which are in the order of time.
    n_replicas
        Number of replicas.
    fractions
        Shares of train, validation and test; they sum to 1, and each part gets at least one unit.
    n_blocks
        Blocks of each replica; fewer if there are not enough frames for blocks longer than ``2
        gap``.
    gap
        Frames left out at each border, on the side of the training part where there is one. Choose
        it longer than the decorrelation time of the slowest descriptor, in frames.
    seed
        Seed of the draw.

    Returns
    -------
    array (frame, replica) of int8
        Part of each frame: 0 train, 1 validation, 2 test, -1 left out.

    Raises
    ------
    ValueError
        If an argument is out of range, or there are fewer than three units to draw from.
    """
    for name, value, least in (
        ("n_frames", n_frames, 1),
        ("n_replicas", n_replicas, 1),
        ("n_blocks", n_blocks, 1),
        ("gap", gap, 0),
    ):
        if value < least:
            raise ValueError(f"{name} of the split must be at least {least}; got {value}")
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or (shares <= 0).any() or abs(shares.sum() - 1.0) > 1e-6:
        raise ValueError(
            "the fractions of train, validation and test must be three positive numbers that sum "
            f"to 1; got {fractions}"
        )
    n_blocks = min(n_blocks, max(1, n_frames // (2 * gap + 1)))
    n_units = n_blocks * n_replicas
    if n_units < 3:
        raise ValueError(
            f"the split needs at least 3 units (replica, time block), one for each part; "
            f"{n_replicas} replica(s) of {n_frames} frames with a gap of {gap} give {n_units}; "
            "sample longer, or lower the gap"
        )
    random = np.random.default_rng(seed)
    parts = random.permutation(np.repeat([TRAIN, VALIDATION, TEST], _counts(shares, n_units)))
    starts = np.linspace(0, n_frames, n_blocks + 1).round().astype(int)
    part_of = parts.reshape(n_replicas, n_blocks)
    split = np.repeat(part_of, np.diff(starts), axis=1).T.astype(np.int8)
    for replica in range(n_replicas):
        for left in range(n_blocks - 1):
            _guard(split[:, replica], starts[left + 1], part_of[replica, left : left + 2], gap)
    return split


def _counts(shares: NDArray[np.float64], n_units: int) -> NDArray[np.int64]:
    """Whole units for each share: at least one each, the rounding goes to the training part."""
    held_out = np.maximum(1, np.rint(shares[1:] * n_units).astype(np.int64))
    while held_out.sum() > n_units - 1:
        held_out[held_out.argmax()] -= 1
    return np.array([n_units - held_out.sum(), *held_out])


def _guard(column: NDArray[np.int8], border: int, parts: NDArray[np.int_], gap: int) -> None:
    """Leave out ``gap`` frames beside ``border``, the first frame of the right block."""
    before, after = parts
    if before == after or gap == 0:
        return
    if after == TRAIN:
        column[border : border + gap] = GUARD
    else:
        column[border - gap : border] = GUARD
