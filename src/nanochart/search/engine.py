"""Basin hopping of several walkers that share what they found, one hop of each at a time."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nanochart.compiled.random_numbers import draw_uniform
from nanochart.landscape import principal_radii
from nanochart.minimization import quench
from nanochart.motifs import analyze
from nanochart.parallel import InThisThread, chunks, map_in_order, threads_at_once
from nanochart.potentials import Potential, is_compiled
from nanochart.search.catalogue import Catalogue
from nanochart.search.config import SearchConfig
from nanochart.search.kernels_moves import is_whole
from nanochart.search.moves import fresh_start, propose, stream
from nanochart.shown import short_repr
from nanochart.units import BOLTZMANN

__all__ = ["SearchConfig", "SearchState", "begin", "ended", "step"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Longest move of an atom in an iteration of a quench, and the longest bond of a whole cluster, in
#: nearest-neighbour distances.
_QUENCH_STEP = 0.07
_BOND = 1.4
_MOST_EVALUATIONS = 3000
#: kT of the walkers as a share of the energy of an atom.
_SHARE = 0.03
#: Minima that walkers remember at least, and of how many of the lowest one may begin anew.
_REMEMBERED = 1000
_BEGINNINGS = 20


@short_repr
@dataclass(frozen=True)
class SearchState:
    """Everything that a search needs to go on.

    Attributes
    ----------
    positions
        Minimum that each walker is in, (walker, atom, 3) in Å.
    energies
        (walker,) in eV; infinite before the first quench of a life.
    radii
        (walker, 3) principal radii in Å.
    lowest
        (walker,) lowest energy of the walker's life.
    idle
        (walker,) hops since then.
    lives
        (walker,) how often the walker began.
    hop
        Hops that every walker has made.
    n_quenches, n_evaluations
        Quenches and force evaluations of all walkers.
    catalogue
        What was found.
    """

    positions: Floats
    energies: Floats
    radii: Floats
    lowest: Floats
    idle: Ints
    lives: Ints
    hop: int
    n_quenches: int
    n_evaluations: int
    catalogue: Catalogue


@dataclass(frozen=True)
class _Trial:
    """A quenched trial of one walker; ``good`` if the quench converged to one whole cluster."""

    positions: Floats
    energy: float
    evaluations: int
    good: bool
    fresh: bool
    draw: float


def begin(n_atoms: int, config: SearchConfig) -> SearchState:
    """The state before the first hop: every walker is about to begin a life."""
    n = config.n_walkers
    none = np.full(n, np.inf)
    zero = np.zeros(n, dtype=np.int64)
    return SearchState(
        np.zeros((n, n_atoms, 3)), none, np.zeros((n, 3)), none.copy(), zero, zero.copy(),
        0, 0, 0, Catalogue.empty(),
    )  # fmt: skip


def ended(state: SearchState, config: SearchConfig) -> bool:
    """Whether a search is done: see :class:`SearchConfig`."""
    found = state.catalogue
    if state.n_quenches >= config.n_quenches:
        return True
    if not len(found):
        return False
    if config.target is not None and found.energies[0] <= config.target:
        return True
    first = int(found.first[0])
    wait = config.longest_wait(state.positions.shape[1], first)
    return state.n_quenches - first >= wait


def step(
    state: SearchState,
    potential: Potential,
    config: SearchConfig,
    starts: Sequence[Floats] = (),
    executor: Executor | None = None,
) -> SearchState:
    """One hop of every walker: all trials are quenched, then judged in the order of the walkers.

    The random numbers of a hop depend on seed, walker and number of the hop alone, so that the
    result is the same on any executor, and of a search that was stopped in between.

    Parameters
    ----------
    state
        State to go on from, which is left unchanged.
    potential, config
        Potential and settings.
    starts
        Structures (atom, 3) in Å that the first lives begin from; later ones, and all without
        ``starts``, are random.
    executor
        Executor that walkers run on; None is one thread for each core.
    """
    tasks = [
        (k, None if _is_over(state, config, k) else state.positions[k], _start(state, starts, k))
        for k in range(len(state.energies))
    ]
    temperature = _temperature(state, config)
    work = partial(_hops, potential, config, temperature, state.hop, state.positions.shape[1])
    size = -(-len(tasks) // threads_at_once())
    parts = map_in_order(
        work, [tasks[c] for c in chunks(len(tasks), size)], executor,
        threads=is_compiled(potential),
    )  # fmt: skip
    trials = [trial for part in parts for trial in part]
    return _judged(state, trials, temperature, potential, config)


def _is_over(state: SearchState, config: SearchConfig, walker: int) -> bool:
    waited = int(state.idle[walker]) >= config.walker_patience
    return waited or not math.isfinite(state.energies[walker])


def _start(state: SearchState, starts: Sequence[Floats], walker: int) -> Floats | None:
    """Where a walker's next life begins; None is a random place.

    Given starts come first. After them every second life begins from one of the lowest minima that
    any walker found.
    """
    number = walker + len(state.lives) * int(state.lives[walker])
    if number < len(starts):
        return starts[number]
    known = min(len(state.catalogue), _BEGINNINGS)
    if len(starts) and known and number % 2:
        return state.catalogue.positions[(number // 2) % known]
    return None


def _hops(
    potential: Potential,
    config: SearchConfig,
    temperature: float,
    hop: int,
    n_atoms: int,
    tasks: Sequence[tuple[int, Floats | None, Floats | None]],
) -> list[_Trial]:
    return [_hop(potential, config, temperature, hop, n_atoms, *task) for task in tasks]


def _hop(
    potential: Potential,
    config: SearchConfig,
    temperature: float,
    hop: int,
    n_atoms: int,
    walker: int,
    here: Floats | None,
    start: Floats | None,
) -> _Trial:
    random = stream(config.seed, walker, hop)
    chosen, accepted = draw_uniform(random), draw_uniform(random)
    distance = potential.nearest_neighbour
    if here is not None:
        trial, _ = propose(here, potential, temperature, chosen, random)
    elif start is not None:
        trial = start
    else:
        trial = fresh_start(n_atoms, distance, random)
    found = quench(
        trial, potential, config.max_force, _MOST_EVALUATIONS, _QUENCH_STEP * distance,
        executor=InThisThread(),
    )  # fmt: skip
    good = bool(found.converged) and is_whole(found.positions, _BOND * distance)
    positions = found.positions - found.positions.mean(axis=0)
    energy, evaluations = float(found.energies), int(found.n_evaluations)
    return _Trial(positions, energy, evaluations, good, here is None, float(accepted))


def _temperature(state: SearchState, config: SearchConfig) -> float:
    """Of the Metropolis rule and of hot dynamics, in K."""
    if config.temperature is not None:
        return config.temperature
    if not len(state.catalogue):
        return 1000.0  # no walker has come anywhere yet
    per_atom = abs(float(state.catalogue.energies[0])) / state.positions.shape[1]
    return float(_SHARE * per_atom / BOLTZMANN)


def _judged(
    state: SearchState,
    trials: Sequence[_Trial],
    temperature: float,
    potential: Potential,
    config: SearchConfig,
) -> SearchState:
    """Take or refuse the trials, one walker after another, and take note of what is new."""
    x, energies, radii = state.positions.copy(), state.energies.copy(), state.radii.copy()
    lowest, idle, lives = state.lowest.copy(), state.idle + 1, state.lives.copy()
    found = state.catalogue
    kT = BOLTZMANN * temperature
    room = max(config.keep, _REMEMBERED)
    shapes = principal_radii(np.array([trial.positions for trial in trials]))
    wanted = _wanted(trials, potential, config)
    for k, (trial, shape) in enumerate(zip(trials, shapes, strict=True)):
        if trial.fresh:
            lives[k] += 1
            energies[k] = lowest[k] = np.inf
            idle[k] = 0
        if not trial.good:
            continue
        energy = trial.energy
        if wanted[k] and found.find(energy, shape) < 0:
            number = state.n_quenches + k + 1
            found = found.with_minimum(energy, shape, trial.positions, number, room)
        here = energies[k]
        if not trial.fresh:
            raised = config.penalty * kT
            rise = (
                energy - here + raised * (found.times(energy, shape) - found.times(here, radii[k]))
            )
            if rise > 0.0 and trial.draw >= math.exp(-rise / kT):
                continue
            if not wanted[k] and found.find(here, radii[k]) >= 0:
                continue  # the walker is in the motif that is looked for: it does not leave it
        found = found.visited(energy, shape)
        x[k], energies[k], radii[k] = trial.positions, energy, shape
        if energy < lowest[k] - config.max_force:
            lowest[k], idle[k] = energy, 0
    return SearchState(
        x, energies, radii, lowest, idle, lives, state.hop + 1,
        state.n_quenches + len(trials),
        state.n_evaluations + sum(trial.evaluations for trial in trials),
        found,
    )  # fmt: skip


def _wanted(
    trials: Sequence[_Trial], potential: Potential, config: SearchConfig
) -> NDArray[np.bool_]:
    """Which trials are of the motif that is looked for."""
    good = np.array([trial.good for trial in trials])
    if config.motif is None or not good.any():
        return good
    places = np.flatnonzero(good)
    labels = analyze(
        np.array([trial.positions for trial in trials if trial.good]),
        potential.symbol,
        nearest_neighbour=potential.nearest_neighbour,
        executor=InThisThread(),
        known_quenched=True,
    ).labels
    good[places] = labels == config.motif
    return good
