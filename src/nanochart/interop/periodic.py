"""Whether a cluster in a periodic cell is free: whole, and surrounded by vacuum."""

import numpy as np
from ase.geometry import complete_cell

from nanochart.interop.frame import FrameError

__all__ = ["MINIMUM_VACUUM", "free_cluster"]

#: Vacuum in Å that a cluster must have towards its periodic images. Embedded-atom potentials of
#: metals end at 5 to 7 Å: with more than that the images never acted on each other. A cluster that
#: is cut by the boundary shows less, because its two parts are neighbours through it.
MINIMUM_VACUUM = 8.0


def free_cluster(
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: tuple[bool, bool, bool],
    *,
    unwrap: bool,
    what: str,
) -> np.ndarray:
    """Return the positions of a whole, free cluster.

    Parameters
    ----------
    positions
        Positions in Å, (atom, 3).
    cell
        Cell vectors in rows, Å.
    periodic
        Whether the cell repeats along each vector.
    unwrap
        Whether a cluster that is cut by the boundary is to be put together again, by cutting
        the cell in its widest empty layer instead.
    what
        The frame, for messages.

    Raises
    ------
    FrameError
        If there are less than `MINIMUM_VACUUM` Å of vacuum.
    """
    if not any(periodic):
        return positions
    full = complete_cell(cell)
    if abs(np.linalg.det(full)) < 1e-6:
        raise FrameError(
            f"{what} must have a cell of positive volume to be periodic; got vectors in one plane"
        )
    inverse = np.linalg.inv(full)
    heights = 1.0 / np.linalg.norm(inverse, axis=0)  # distances between opposite faces
    fractions = positions @ inverse
    for axis in np.flatnonzero(periodic):
        along = fractions[:, axis]
        vacuum = (1.0 - np.ptp(along)) * heights[axis]
        if vacuum >= MINIMUM_VACUUM:
            continue
        along = along % 1.0
        levels = np.sort(along)
        gaps = np.diff(levels, append=levels[0] + 1.0)
        widest = int(np.argmax(gaps))
        empty = gaps[widest] * heights[axis]
        if empty < MINIMUM_VACUUM:
            raise FrameError(
                f"{what} is periodic along {'xyz'[axis]} with only {empty:.1f} Å of vacuum in its "
                f"cell, and a free cluster needs {MINIMUM_VACUUM:g} Å: use a larger cell, or, if "
                "the cell means nothing, remove it from the file"
            )
        if not unwrap:
            raise FrameError(
                f"{what} is cut by the periodic boundary along {'xyz'[axis]}: write unwrapped "
                "coordinates (LAMMPS: xu yu zu) or import it with --unwrap, which puts it together "
                "again"
            )
        start = levels[(widest + 1) % len(levels)]
        fractions[:, axis] = (along - start) % 1.0 + start
        positions = fractions @ full
    return positions
