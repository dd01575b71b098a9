"""How many families there are: the setting of a clustering by a stated criterion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.families_config import FamiliesConfig
from nanochart.landscape.grouping import candidates, group
from nanochart.progress import Progress, silent

__all__ = ["Choice", "Trial", "by_stability", "choose", "vote"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Share of the sample in a part that is fitted for stability (as Ben-Hur et al. 2002), and points
#: of it at most: enough to compare by, and quick.
_SHARE, _MOST = 0.8, 6000
#: Points whose silhouettes are averaged.
_SILHOUETTES = 3000
#: Uniform data sets that the gap statistic compares with.
_REFERENCES = 8
#: Nearest fitted points that vote.
_VOTERS = 5
#: Distance in units of the chart that is none.
_COINCIDENT = 1e-9
#: Adjusted Rand index by which a clustering may be less stable than the most stable one.
_NEARLY = 0.05
#: Stability below which a sample has no groups; one cloud without any reaches about 0.55.
_CHANCE = 0.6
#: Starts of the mixture that is kept.
_STARTS = 5
#: Share of noise above which a clustering is no account of the data.
_NOISE = 0.5


@dataclass(frozen=True)
class Trial:
    """A setting that was tried: ``families`` and share of ``noise`` it gives, and its ``score``.

    The score is the criterion's: a mean adjusted Rand index, a mean silhouette, or a gap with its
    standard ``error``.
    """

    knob: float
    families: int
    noise: float
    score: float
    error: float = 0.0


@dataclass(frozen=True)
class Choice:
    """The setting that was chosen, the labels (point,) it gives, -1 for noise, and all trials.

    All points have the label 0 where no setting gives groups more stable than those of one cloud.
    """

    knob: float
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
    few: bool = False,
    progress: Progress = silent,
) -> Choice:
    """Cluster a sample with the setting asked for, or the one that the criterion prefers.

    Parameters
    ----------
    points
        Sample (point, d).
    config
        Method, setting, criterion.
    rng
        Draws parts and reference data.
    few
        Whether the sample is one family, which has few parts.
    progress
        Function that is called with every setting that is tried.
    """
    asked = getattr(config, config.knob)
    if asked != "auto":
        if config.method == "hdbscan" and 2 * asked > len(points):
            raise ValueError(
                f"size must be at most half of the sample of {len(points)} points, or nothing can "
                f"be parted; got {asked}"
            )
        labels = group(points, config.method, float(asked), config.seed)
        return Choice(float(asked), labels, ())
    tried = candidates(points, config.method, few=few)
    score = {"stability": _stability, "silhouette": _silhouette, "gap": _gap}[config.criterion]
    parts = _parts(len(points), config.n_resamples, rng)
    trials, results = [], []
    for done, knob in enumerate(tried, start=1):
        labels = group(points, config.method, knob, config.seed)
        value, error = score(points, labels, knob, config, parts)
        n = int(labels.max()) + 1
        trials.append(Trial(knob, n, float((labels < 0).mean()), value, error))
        results.append(labels)
        progress("families", done, len(tried), f"{n} families")
    best = _PREFERENCES[config.criterion](trials, config.agreement)
    labels = results[best]
    if config.criterion == "stability" and (
        trials[best].score < _CHANCE or trials[best].noise > _NOISE
    ):
        labels = np.zeros_like(labels)
    elif config.method == "mixture":
        # The one that is kept is begun from several places, which the many that are tried need not.
        labels = group(points, config.method, tried[best], config.seed, starts=_STARTS)
    return Choice(tried[best], labels, tuple(trials))


def _parts(n: int, number: int, rng: np.random.Generator) -> list[Ints]:
    size = max(min(int(_SHARE * n), _MOST), min(n, 10))
    return [np.sort(rng.choice(n, size, replace=False)) for _ in range(number)]


def _stability(
    points: Floats, labels: Ints, knob: float, config: FamiliesConfig, parts: list[Ints]
) -> tuple[float, float]:
    """Mean adjusted Rand index between the fits of parts, each carried over to all points."""
    from sklearn.metrics import adjusted_rand_score

    if labels.max() < 1:
        return 0.0, 0.0
    carried = []
    for part in parts:
        share = len(part) / len(points) if config.method == "hdbscan" else 1.0
        found = group(points[part], config.method, share * knob, config.seed)
        carried.append(vote(cKDTree(points[part]), found, points))
    scores = [adjusted_rand_score(a, b) for a, b in combinations(carried, 2)]
    return float(np.mean(scores)), float(np.std(scores) / np.sqrt(len(parts)))


def _silhouette(
    points: Floats, labels: Ints, knob: float, config: FamiliesConfig, parts: list[Ints]
) -> tuple[float, float]:
    """Mean silhouette of the points that are not noise."""
    from sklearn.metrics import silhouette_score

    del knob, parts
    inside = np.flatnonzero(labels >= 0)
    rng = np.random.default_rng(config.seed)
    if len(inside) > _SILHOUETTES:
        inside = rng.choice(inside, _SILHOUETTES, replace=False)
    n = len(np.unique(labels[inside]))
    if not 1 < n < len(inside):
        return -1.0, 0.0
    return float(silhouette_score(points[inside], labels[inside])), 0.0


def _gap(
    points: Floats, labels: Ints, knob: float, config: FamiliesConfig, parts: list[Ints]
) -> tuple[float, float]:
    """Gap between the scatter within clusters of uniform data and of these, in logarithms."""
    part = parts[0]
    rng = np.random.default_rng(config.seed)
    low, high = points.min(axis=0), points.max(axis=0)
    scatter = []
    for _ in range(_REFERENCES):
        uniform = rng.uniform(low, high, size=(len(part), points.shape[1]))
        found = group(uniform, config.method, knob, config.seed)
        scatter.append(_log_scatter(uniform, found))
    error = float(np.std(scatter) * np.sqrt(1.0 + 1.0 / _REFERENCES))
    return float(np.mean(scatter) - _log_scatter(points[part], labels[part])), error


def _log_scatter(points: Floats, labels: Ints) -> float:
    squares = sum(
        float(((points[labels == k] - points[labels == k].mean(axis=0)) ** 2).sum())
        for k in np.unique(labels)
    )
    return float(np.log(squares + 1e-300))


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


def _highest(trials: Sequence[Trial], agreement: float) -> int:
    del agreement
    sensible = [k for k, t in enumerate(trials) if t.noise <= _NOISE] or list(range(len(trials)))
    return max(sensible, key=lambda k: trials[k].score)


def _first_gap(trials: Sequence[Trial], agreement: float) -> int:
    """The fewest families whose gap is not exceeded by the next by more than its error."""
    del agreement
    fewest = sorted(range(len(trials)), key=lambda k: trials[k].knob)
    for k, following in pairwise(fewest):
        if trials[k].score >= trials[following].score - trials[following].error:
            return k
    return fewest[-1]


_PREFERENCES: dict[str, Callable[[Sequence[Trial], float], int]] = {
    "stability": _most_stable,
    "silhouette": _highest,
    "gap": _first_gap,
}
