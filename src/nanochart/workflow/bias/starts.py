"""Where the walkers of a biased run start: frames of its source."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.biasing import ANY_FRAME
from nanochart.config import BiasConfig
from nanochart.errors import ConfigError
from nanochart.workflow.bias.source import Source

__all__ = ["choose_starts", "place_name"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Frames nearest to a place that the starts of one walker are drawn from.
_NEAREST = 10


def place_name(place: str | tuple[float, ...]) -> str:
    """A place in words."""
    if isinstance(place, str):
        return place
    return f"({', '.join(f'{x:g}' for x in place)})"


def choose_starts(
    config: BiasConfig, source: Source, data: Floats, targets: Floats | None, n: int
) -> tuple[Floats, tuple[str, ...]]:
    """Positions of each walker, centred, and what it starts from.

    The frames are of about the temperature, of a ladder that of the walker's rung, where there are
    such, and different ones as far as there are enough.

    Parameters
    ----------
    config, source
        What is asked for, and of what.
    data
        Variables of the source's frames.
    targets
        Where walker k should start, in turns; None is anywhere.
    n
        Number of walkers.

    Raises
    ------
    ConfigError
        If a start is no family, or not the first place of a steered run.
    """
    rng = np.random.default_rng(config.seed)
    each = n // len(config.rungs)
    parts = [
        _at_rung(config, source, data, targets, range(k * each, (k + 1) * each), T, rng)
        for k, T in enumerate(config.rungs)
    ]
    x = source.positions(np.concatenate([chosen for chosen, _ in parts]))
    names = tuple(name for _, named in parts for name in named)
    return x - x.mean(axis=1, keepdims=True), names


def _at_rung(
    config: BiasConfig,
    source: Source,
    data: Floats,
    targets: Floats | None,
    walkers: range,
    temperature: float,
    rng: np.random.Generator,
) -> tuple[Ints, list[str]]:
    """Frames that the walkers of a temperature start from, and what these are called."""
    n = len(walkers)
    usable = np.abs(source.temperature - temperature) <= 0.2 * temperature
    if not usable.any():
        usable = np.ones(len(source.temperature), dtype=bool)
    if config.steered is not None:
        first = config.steered.along[0]
        chosen, names = _first_place(first, config, source, data, usable, n, rng)
    elif config.starts:
        names = [config.starts[k % len(config.starts)] for k in walkers]
        chosen = _of_families(names, source, usable, rng)
    elif targets is not None:
        chosen = _near(targets, data, np.flatnonzero(usable), n)
        names = [f"window {k % len(targets) + 1}" for k in walkers]
    else:
        chosen, names = _draw(np.flatnonzero(usable), n, rng), [ANY_FRAME] * n
    return chosen, names


def _draw(pool: Ints, n: int, rng: np.random.Generator) -> Ints:
    """``n`` of a pool, each as often as any other and none twice before all were taken."""
    rounds = [rng.permutation(pool) for _ in range(-(-n // len(pool)))]
    return np.concatenate(rounds)[:n]


def _of_families(
    names: list[str], source: Source, usable: NDArray[np.bool_], rng: np.random.Generator
) -> Ints:
    chosen = np.empty(len(names), dtype=np.int64)
    for name in dict.fromkeys(names):
        inside = source.members(name)
        pool = np.flatnonzero(inside & usable) if (inside & usable).any() else inside.nonzero()[0]
        walkers = [k for k, mine in enumerate(names) if mine == name]
        chosen[walkers] = _draw(pool, len(walkers), rng)
    return chosen


def _near(targets: Floats, data: Floats, pool: Ints, n: int) -> Ints:
    """The nearest frame of each target; of a target's second walker the second nearest."""
    scale = data[pool].std(axis=0) + 1e-12
    turns = -(-n // len(targets))
    _, nearest = cKDTree(data[pool] / scale).query(
        targets / scale, k=[min(turn + 1, len(pool)) for turn in range(turns)]
    )
    chosen: Ints = pool[nearest.T.ravel()[:n]]
    return chosen


def _first_place(
    first: str | tuple[float, ...],
    config: BiasConfig,
    source: Source,
    data: Floats,
    usable: NDArray[np.bool_],
    n: int,
    rng: np.random.Generator,
) -> tuple[Ints, list[str]]:
    """Different frames of the first place of a steered run, near its centre.

    Each is equilibrated in the first restraint by its own noise, while that is held.
    """
    name = place_name(first)
    if other := [start for start in config.starts if start != first]:
        raise ConfigError(
            f"the walkers of a steered run must start at its first place, {name}, because their "
            f"works are those of being moved from there; got starts: {', '.join(other)}: leave "
            "starts out, and make a run for each place to start from"
        )
    inside = source.members(first) if isinstance(first, str) else np.ones(len(data), dtype=bool)
    pool = np.flatnonzero(inside & usable)
    if len(pool) < n:
        pool = np.flatnonzero(inside)
    centre, scale = source.place(first, data), data[pool].std(axis=0) + 1e-12
    away = (((data[pool] - centre) / scale) ** 2).sum(axis=1)
    near = pool[np.argsort(away, kind="stable")[: _NEAREST * n]]
    return _draw(near, n, rng), [name] * n
