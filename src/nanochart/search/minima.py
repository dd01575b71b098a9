"""The lowest minima of a cluster, in one call."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.landscape import distinct_minima, principal_radii
from nanochart.minimization import quench
from nanochart.parallel import InThisThread, map_in_order, use_executor
from nanochart.potentials import Potential, check_positions, is_compiled
from nanochart.progress import Progress, silent
from nanochart.search.config import SearchConfig
from nanochart.search.engine import SearchState, begin, ended, step
from nanochart.search.vibrations import (
    curvatures_of,
    hessian,
    is_saddle,
    log_product,
)
from nanochart.shown import short_repr

__all__ = ["FINAL_MAX_FORCE", "SearchResult", "finish", "minima", "tell"]

Floats = NDArray[np.float64]

#: Target of the last quench in eV/Å.
FINAL_MAX_FORCE = 1e-5
#: How often a structure is pushed off a saddle, and how far in Å.
_PUSHES, _PUSH = 4, 0.05
_FEWEST, _MOST = 3, 3000


@short_repr
@dataclass(frozen=True)
class SearchResult:
    """The lowest distinct minima that a search found.

    Attributes
    ----------
    energies
        (minimum,) in eV, rising.
    positions
        (minimum, atom, 3) in Å, centred.
    max_forces
        (minimum,) largest force on an atom in eV/Å.
    log_frequencies
        (minimum,) as `log_frequency_product` has them.
    visits
        (minimum,) how often a walker came there.
    first_found
        (minimum,) the quench, counted from 1 over all walkers, that found it.
    n_quenches, n_evaluations
        Quenches and force evaluations of the search.
    """

    energies: Floats
    positions: Floats
    max_forces: Floats
    log_frequencies: Floats
    visits: NDArray[np.int64]
    first_found: NDArray[np.int64]
    n_quenches: int
    n_evaluations: int

    def __len__(self) -> int:
        return len(self.energies)


def minima(
    potential: Potential,
    n_atoms: int,
    *,
    seed: int = 0,
    n_quenches: int = 20_000,
    patience: int | None = None,
    target: float | None = None,
    keep: int = 200,
    motif: str | None = None,
    starts: ArrayLike | None = None,
    n_walkers: int = 4,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] | None = None,
) -> SearchResult:
    r"""Search for the lowest minima of a cluster by basin hopping.

    Walkers go from minimum to minimum: a move, a quench, and a Metropolis rule on

    .. math:: E(m) + h\, k_B T\, v(m),

    where :math:`v(m)` counts the visits of all walkers to the minimum m before. Moves are drawn
    with the shares of :data:`MOVES`: making the cluster symmetric under a random point group,
    putting its least bound atoms onto other surface sites, twisting a part of it, shaking all
    atoms, short hot dynamics. A walker that finds nothing lower begins anew, at a random place
    unless there are ``starts``.

    No search proves that a minimum is the lowest one. Searches of other seeds that end in the same
    minimum are evidence.

    Parameters
    ----------
    potential
        Potential of the cluster.
    n_atoms
        Number of atoms, 3 to 3000.
    seed
        Seed of all random numbers.
    n_quenches
        Quenches at most.
    patience
        Quenches without a lower minimum after which the search ends, unless it took more than that
        to find the lowest: then as many again. None is 1000, or 20 for each atom if that is more.
    target
        Energy in eV with which the search ends at once.
    keep
        Distinct minima to return, the lowest.
    motif
        Motif of which alone minima are wanted, one of `nanochart.motifs.LABELS`.
    starts
        Structures (start, atom, 3) in Å to begin from; None begins at random places.
    n_walkers
        Walkers, which know of each other's minima.
    executor
        Executor that walkers run on; None is one thread for each core. The result does not depend
        on it.
    progress
        Function that is called after every hop with how far the search is.
    stop
        Asked after every hop; once it answers True, the search ends with what it has.

    Raises
    ------
    ValueError
        If an argument is out of range, or no minimum (of the motif) was found.

    Examples
    --------
    >>> import nanochart as nc
    >>> found = nc.search.minima(nc.potentials.gupta("Au"), 13, seed=1, n_quenches=100)
    >>> nc.search.point_group_order(found.positions[0])
    120
    """
    config = SearchConfig(
        seed=seed, n_quenches=n_quenches, patience=patience, target=target, keep=keep,
        motif=motif, n_walkers=n_walkers,
    )  # fmt: skip
    if isinstance(n_atoms, bool) or not isinstance(n_atoms, int | np.integer):
        raise TypeError(f"n_atoms of a search must be an integer; got {n_atoms!r}")
    if not _FEWEST <= n_atoms <= _MOST:
        raise ValueError(f"n_atoms of a search must be from {_FEWEST} to {_MOST}; got {n_atoms}")
    given = checked_starts(starts, int(n_atoms))
    state = begin(int(n_atoms), config)
    with use_executor(executor) as pool:
        stopped = False
        while not ended(state, config) and not stopped:
            state = step(state, potential, config, given, pool)
            tell(state, config, progress)
            stopped = stop is not None and stop()
        return finish(state, potential, config, pool)


def checked_starts(starts: ArrayLike | None, n_atoms: int) -> tuple[Floats, ...]:
    """Starting structures (start, atom, 3), each of as many atoms as are searched for."""
    if starts is None:
        return ()
    x = check_positions(starts)
    if x.ndim != 3 or x.shape[1] != n_atoms:
        raise ValueError(
            f"starts of a search of {n_atoms} atoms must have the shape (start, {n_atoms}, 3); "
            f"got {x.shape}"
        )
    return tuple(x)


def tell(state: SearchState, config: SearchConfig, progress: Progress) -> None:
    """Report how far a search is: it ends earlier than its last quench if nothing lower comes."""
    found, total = state.catalogue, config.n_quenches
    note = "nothing yet"
    if len(found):
        first = int(found.first[0])
        wait = config.longest_wait(state.positions.shape[1], first)
        total = min(total, max(first + wait, state.n_quenches))
        note = f"lowest {found.energies[0]:.4f} eV, found after {first} quenches"
    progress("search", state.n_quenches, state.n_quenches if ended(state, config) else total, note)


def finish(
    state: SearchState, potential: Potential, config: SearchConfig, executor: Executor | None = None
) -> SearchResult:
    """The lowest minima of a search, off their saddles, quenched to 1e-5 eV/Å and told apart.

    Raises
    ------
    ValueError
        If nothing was found.
    """
    found = state.catalogue
    what = "no minimum" if config.motif is None else f"no minimum of the motif {config.motif}"
    if not len(found):
        raise ValueError(
            f"{what} was found in {state.n_quenches} quenches: search longer, or from other starts"
        )
    n = min(len(found), config.keep)
    settled = list(
        map_in_order(
            partial(_settled, potential), found.positions[:n], executor,
            threads=is_compiled(potential),
        )
    )  # fmt: skip
    energies, forces, logs = (np.array([each[k] for each in settled]) for k in range(3))
    positions = np.array([each[3] for each in settled])
    shapes = principal_radii(positions)
    one = distinct_minima(shapes, energies, shapes).index
    order = np.argsort(energies, kind="stable")
    # Of each minimum the lowest of its quenches.
    kept = order[np.sort(np.unique(one[order], return_index=True)[1])]
    group = one[kept]
    return SearchResult(
        energies[kept],
        positions[kept],
        forces[kept],
        logs[kept],
        np.array([found.visits[:n][one == g].sum() for g in group]),
        np.array([found.first[:n][one == g].min() for g in group]),
        state.n_quenches,
        state.n_evaluations,
    )


def _settled(potential: Potential, x: Floats) -> tuple[float, float, float, Floats]:
    """Energy, largest force, frequencies and positions of the minimum that ``x`` is close to.

    The symmetry of a structure can hold its quench on a saddle, which is left along its mode.
    """
    for _ in range(_PUSHES):
        q = quench(x, potential, max_force=FINAL_MAX_FORCE, executor=InThisThread())
        x = q.positions - q.positions.mean(axis=0)
        second = hessian(x, potential)
        curvatures = curvatures_of(second)
        if not is_saddle(curvatures):
            break
        mode = np.linalg.eigh(second)[1][:, 0].reshape(x.shape)
        x = x + _PUSH * mode / np.abs(mode).max()
    return float(q.energies), float(q.max_forces), log_product(curvatures, potential), x
