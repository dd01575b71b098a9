"""What a walker tries next: a table of moves with their weights, and random starts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import confining_radius
from nanochart.compiled.random_numbers import draw_uniform
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential
from nanochart.search.groups import point_groups
from nanochart.search.kernels_moves import CONTACT, part, random_start, shake, twist
from nanochart.search.kernels_sites import refill, relocate
from nanochart.search.kernels_symmetry import symmetrize

__all__ = ["MOVES", "fresh_start", "propose", "stream"]

Floats = NDArray[np.float64]
Random = NDArray[np.uint64]

#: In nearest-neighbour distances: the shake of all atoms, and what takes a symmetric structure off
#: the saddle that its symmetry may hold it on.
_SHAKE = 0.36
_OFF_SADDLE = 0.03
#: Most atoms that change places at once, as a number and as a share of all; up to how many they do
#: so one after another.
_MOST_MOVED, _SHARE_MOVED = 5, 0.3
_ONE_BY_ONE = 4
#: Steps of hot dynamics, of this length in fs.
_HOT_STEPS = 150
_HOT_STEP = 5.0

#: Move -> share of the trials. Making the cluster symmetric finds the funnel, relocation of the
#: least bound atoms its bottom; the others are for minima without symmetry.
MOVES: dict[str, float] = {
    "symmetrize": 0.50, "relocate": 0.22, "twist": 0.13, "shake": 0.10, "hot": 0.05,
}  # fmt: skip


def stream(seed: int, walker: int, hop: int) -> Random:
    """State (4,) of the generator of one hop: it depends on nothing else."""
    words = np.random.SeedSequence([seed, walker, hop]).generate_state(4, np.uint64)
    return np.asarray(words, dtype=np.uint64)


def _chosen(u: float) -> str:
    """Move in whose share of (0, 1) a number lies."""
    edges = np.cumsum(list(MOVES.values()))
    return list(MOVES)[min(int(np.searchsorted(edges, u * edges[-1])), len(MOVES) - 1)]


def fresh_start(n_atoms: int, distance: float, random: Random) -> Floats:
    """Random positions (atom, 3) in Å, to be quenched."""
    x = np.empty((n_atoms, 3))
    random_start(x, distance, random)
    return x


def propose(
    x: Floats, potential: Potential, temperature: float, draw: float, random: Random
) -> tuple[Floats, str]:
    """A trial (atom, 3) made of positions ``x`` by one move, and the move's name.

    Parameters
    ----------
    x
        Minimum (atom, 3) in Å, which is left unchanged.
    potential
        Potential, for the distance of nearest neighbours and for hot dynamics.
    temperature
        Of hot dynamics, K.
    draw
        Uniform number that chooses the move.
    random
        Generator, which is advanced.
    """
    name, trial = _chosen(draw), x.copy()
    distance = potential.nearest_neighbour
    if name == "hot":
        trial = _heated(x, potential, temperature, random)
    else:
        _GEOMETRIC[name](trial, distance, random)
    part(trial, CONTACT * distance)
    return trial, name


def _symmetric(x: Floats, distance: float, random: Random) -> None:
    groups = list(point_groups().values())
    group = groups[int(draw_uniform(random) * len(groups))]
    made = symmetrize(x, group, distance, random)
    shake(x, (_OFF_SADDLE if made else _SHAKE) * distance, random)


def _relocated(x: Floats, distance: float, random: Random) -> None:
    # One atom as often as an island: the logarithm of their number is uniform.
    count = int(max(_MOST_MOVED, _SHARE_MOVED * len(x)) ** draw_uniform(random))
    count = min(count, len(x) - 1)
    if count <= _ONE_BY_ONE:
        relocate(x, distance, count, random)
    else:
        refill(x, distance, count, random)


def _shaken(x: Floats, distance: float, random: Random) -> None:
    shake(x, _SHAKE * distance, random)


def _twisted(x: Floats, _distance: float, random: Random) -> None:
    twist(x, random)


_GEOMETRIC: dict[str, Callable[[Floats, float, Random], None]] = {
    "symmetrize": _symmetric, "relocate": _relocated, "twist": _twisted, "shake": _shaken,
}  # fmt: skip


def _heated(x: Floats, potential: Potential, temperature: float, random: Random) -> Floats:
    """Where short dynamics leads; a shake where it fails."""
    rng = np.random.default_rng(random.tolist())
    dynamics = Langevin(_HOT_STEP, sphere_radius=float(confining_radius(x)))
    try:
        hot = initialize(x, potential, 2.0 * temperature, rng)
        moved: Floats = run_segment(hot, potential, dynamics, _HOT_STEPS)[0].positions[0]
    except (DynamicsError, ValueError):
        moved = x.copy()
        _shaken(moved, potential.nearest_neighbour, random)
    return moved
