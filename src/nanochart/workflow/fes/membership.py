"""Which family or motif each frame of a biased run belongs to.

There are two definitions, `nanochart.landscape.OWN` and `PLACE`. Every result records which one it
is of, and results of different definitions are never combined.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.biasing import known_distance, known_reach
from nanochart.landscape import OWN, PLACE, Known
from nanochart.workflow.bias.then import SourceThen

__all__ = [
    "MEMBERSHIPS",
    "STATES",
    "check_asked",
    "known_places",
]

Floats = NDArray[np.float64]

#: What states can be, and by which definition frames belong to them.
STATES = ("family", "motif")
MEMBERSHIPS = {"own": OWN, "place": PLACE}


def check_asked(by: str, membership: str) -> None:
    """Refuse states or definitions that there are not."""
    if by not in STATES:
        raise ValueError(f"by must be {' or '.join(STATES)}; got {by!r}")
    if membership not in MEMBERSHIPS:
        raise ValueError(f"membership must be {' or '.join(MEMBERSHIPS)}; got {membership!r}")


def known_places(source: SourceThen, values: Floats, names: tuple[str, ...]) -> Known:
    """Where the frames of a source's chart lie in the variables of a run (time, walker, m)."""
    charted = [k for k, name in enumerate(names) if name[0] == "s" and name[1:].isdigit()]
    if not charted or len(source.known) == 0:
        return Known()
    axes = tuple(names[k] for k in charted)
    tree = cKDTree(source.known[:, [int(name[1:]) - 1 for name in axes]])
    reach = known_reach(tree.data)
    outside = float((known_distance(tree, values[..., charted]) > reach).mean())
    return Known(axes, tree, reach, outside)
