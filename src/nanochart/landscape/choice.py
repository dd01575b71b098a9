"""How many families there are: the setting of a clustering whose result is stable."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.families_config import FamiliesConfig
from nanochart.landscape.grouping import Method, candidates, group
from nanochart.progress import Progress, silent
from nanochart.shown import short_repr

__all__ = ["Choice", "Trial", "by_stability", "choose", "try_settings", "vote"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Share of the sample in a part that is fitted for stability (as Ben-Hur et al. 2002), and points
#: of it at most: enough to compare by, and quick.
_SHARE, _MOST = 0.8, 6000
#: Nearest fitted points that vote.
_VOTERS = 5
#: Distance in units of the chart that is none.
_COINCIDENT = 1e-9
#: Adjusted Rand index by which a clustering may be less stable than the most stable one.
_NEARLY = 0.05
#: Stability below which a sample has no groups; one cloud without any reaches about 0.55.
_CHANCE = 0.6
#: Share of noise above which a clustering is no account of the data.
_NOISE = 0.5


@dataclass(frozen=True)
class Trial:
    """A setting that was tried: ``families`` and share of ``noise`` it gives, and its ``score``.

    The score is the mean adjusted Rand index, with its standard ``error``, between the fits of
    parts of the sample.
    """

    knob: float
    families: int
    noise: float
    score: float
    error: float = 0.0


@short_repr
@dataclass(frozen=True)
class Choice:
    """The size that was chosen, the labels (point,) it gives, -1 for noise, and all trials.

    All points have the label 0 where no size gives groups more stable than those of one cloud.
    """

    size: float
    labels: Ints
    trials: tuple[Trial, ...]


def vote(tree: cKDTree, labels: Ints, points: Floats, reach: float = np.inf) -> Ints:
    """Label with the most votes of the five nearest points of a tree, each worth 1/distance.

    A place that the tree holds decides for itself, however its neighbours are labelled. -1 where
    the nearest is farther than ``reach``.
    """
    k = min(_VOTERS, tree.n)
    distances, nearest = tree.query(points, k=list(range(1, k + 1)), workers=-1)
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    votes = labels[nearest]
    # Relative to the nearest, so that coincident points cannot divide by zero.
    weights = (distances[:, [0]] + _COINCIDENT) / (distances + _COINCIDENT)
    counts = np.stack([(weights * (votes == votes[:, [j]])).sum(axis=1) for j in range(k)], axis=1)
    chosen = votes[np.arange(len(points)), counts.argmax(axis=1)]
    return np.where(distances[:, 0] <= reach, chosen, -1).astype(np.int64)


def choose(
    points: Floats,
    config: FamiliesConfig,
    rng: np.random.Generator,
    *,
    progress: Progress = silent,
) -> Choice:
    """Cluster a sample by density, with the size asked for or the most families that are stable.

    Parameters
    ----------
    points
        Sample (point, d).
    config
        The size, or how it is chosen.
    rng
        Draws parts.
    progress
        Function that is called with every size that is tried.
    """
    if config.size is not None:
        if 2 * config.size > len(points):
            raise ValueError(
                f"size must be at most half of the sample of {len(points)} points, or nothing can "
                f"be parted; got {config.size}"
            )
        return Choice(config.size, group(points, "hdbscan", config.size, config.seed), ())
    tried = try_settings(points, "hdbscan", config, rng, progress=progress)
    trials = tuple(trial for trial, _ in tried)
    best, labels = tried[_most_stable(trials, config.agreement)]
    if best.score < _CHANCE or best.noise > _NOISE:
        labels = np.zeros_like(labels)
    return Choice(best.knob, labels, trials)


def try_settings(
    points: Floats,
    method: Method,
    config: FamiliesConfig,
    rng: np.random.Generator,
    *,
    few: bool = False,
    progress: Progress = silent,
) -> list[tuple[Trial, Ints]]:
    """Cluster a sample with each setting of a method: how stable it is, and the labels (point,).

    Parameters are those of `choose`; ``few`` says that the sample is one family, which has few
    parts.
    """
    settings = candidates(points, method, few=few)
    parts = _parts(len(points), config.n_resamples, rng)
    tried = []
    for done, knob in enumerate(settings, start=1):
        labels = group(points, method, knob, config.seed)
        score, error = _stability(points, labels, method, knob, config.seed, parts)
        n = int(labels.max()) + 1
        tried.append((Trial(knob, n, float((labels < 0).mean()), score, error), labels))
        progress("families", done, len(settings), f"{n} families")
    return tried


def _parts(n: int, number: int, rng: np.random.Generator) -> list[Ints]:
    size = max(min(int(_SHARE * n), _MOST), min(n, 10))
    return [np.sort(rng.choice(n, size, replace=False)) for _ in range(number)]


def _stability(
    points: Floats, labels: Ints, method: Method, knob: float, seed: int, parts: list[Ints]
) -> tuple[float, float]:
    """Mean adjusted Rand index between the fits of parts, each carried over to all points."""
    from sklearn.metrics import adjusted_rand_score

    if labels.max() < 1:
        return 0.0, 0.0
    carried = []
    for part in parts:
        share = len(part) / len(points) if method == "hdbscan" else 1.0
        found = group(points[part], method, share * knob, seed)
        carried.append(vote(cKDTree(points[part]), found, points))
    scores = [adjusted_rand_score(a, b) for a, b in combinations(carried, 2)]
    return float(np.mean(scores)), float(np.std(scores) / np.sqrt(len(parts)))


def by_stability(trials: Sequence[Trial], agreement: float) -> list[Trial]:
    """The trials that are stable, in the order in which they are to be preferred.

    First those nearly as stable as the most stable one, the most families first, then the rest.
    """
    stable = [t for t in trials if t.score >= agreement and t.noise <= _NOISE and t.families > 1]
    best = max((t.score for t in stable), default=0.0)
    return sorted(stable, key=lambda t: (t.score < best - _NEARLY, -t.families, -t.score))


def _most_stable(trials: Sequence[Trial], agreement: float) -> int:
    """The most families that are stable and nearly as stable as the most stable."""
    sensible = [k for k, t in enumerate(trials) if t.noise <= _NOISE] or list(range(len(trials)))
    best = max((trials[k] for k in sensible), key=lambda trial: trial.score)
    least = best.score - max(best.error, _NEARLY)
    if best.score >= agreement:
        least = max(least, agreement)
    stable = [k for k in sensible if trials[k].score >= least]
    return max(stable, key=lambda k: (trials[k].families, trials[k].score))
