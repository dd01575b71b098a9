"""Minima divided into groups, and broad groups into parts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.choice import Trial, by_stability, choose, try_settings, vote
from nanochart.landscape.families_config import FamiliesConfig
from nanochart.landscape.grouping import Method, bayesian_gain, group
from nanochart.landscape.minima import Minima, Sample, draw_sample
from nanochart.progress import Progress, silent
from nanochart.shown import short_repr

__all__ = ["Division", "divide", "refined"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Distinct minima below which there is no density to cluster.
_FEWEST = 30
#: Points of the sample of a family that is tried for parts by each method.
_PARTS = {"hdbscan": 4000, "mixture": 2500}
#: Least share of the family that a part must have, and distinct minima.
_LEAST_SHARE, _LEAST_MINIMA = 0.02, 15
#: Distinct minima of a continuum.
_CONTINUUM = 200
#: Gain of the Bayesian information criterion per point by a second Gaussian; a uniform cloud has
#: 0.09, the melt of Au147 none, its icosahedra with its mixed structures 0.6.
_GAIN = 0.1
#: Starts of a mixture that is kept.
_STARTS = 5
#: Times that parts are tried for parts.
_DEPTH = 3


@short_repr
@dataclass(frozen=True)
class Division:
    """Group of each minimum (minimum,), -1 for noise; the size that gave them; all trials."""

    labels: Ints
    size: float
    trials: tuple[Trial, ...]


def divide(
    minima: Minima,
    config: FamiliesConfig,
    rng: np.random.Generator,
    *,
    progress: Progress = silent,
) -> Division:
    """Cluster a sample of the minima and give every minimum the label of those near it.

    Fewer than ``_FEWEST`` minima have no density to cluster: all are left as noise.
    """
    if len(minima.counts) < _FEWEST:
        return Division(np.full(len(minima.counts), -1), config.size or 0.0, ())
    sample = draw_sample(minima, config.n_fit, rng)
    choice = choose(sample.points, config, rng, progress=progress)
    labels = _carried(minima, sample, choice.labels)
    if labels.max() < 0:
        labels = np.zeros_like(labels)  # nothing stands apart: the whole is one family
    return Division(labels, choice.size, choice.trials)


def _carried(minima: Minima, sample: Sample, labels: Ints) -> Ints:
    """Label of each minimum: of most points that stand for it, or else of those near it."""
    fitted, place = np.unique(sample.minimum, return_inverse=True)
    votes = np.zeros((len(fitted), int(labels.max()) + 2), dtype=np.int64)
    np.add.at(votes, (place, labels + 1), 1)
    winner = votes.argmax(axis=1) - 1
    return vote(cKDTree(minima.points[fitted]), winner, minima.points)


def refined(
    minima: Minima,
    labels: Ints,
    config: FamiliesConfig,
    rng: np.random.Generator,
    *,
    progress: Progress = silent,
) -> Ints:
    """Split groups whose members alone fall into stable parts, and the parts again.

    Between well separated groups a density method sees only the gaps. What it leaves as one is
    clustered once more by itself, at its own scale: by density, and, where that finds nothing, by a
    Gaussian mixture that describes it better than one Gaussian does (by the Bayesian information
    criterion). Parts must be stable: fits to different parts of the sample agree as well as
    ``agreement`` asks. Noise among the members joins the nearest part.
    """
    labels, following = labels.copy(), int(labels.max()) + 1
    todo = [(number, 0) for number in range(following)]
    done = 0
    while todo:
        family, depth = todo.pop(0)
        members = np.flatnonzero(labels == family)
        parts = _parts(_only(minima, members), config, rng)
        done += 1
        progress("refine", done, done + len(todo))
        if parts is None:
            continue
        n = int(parts.max()) + 1
        labels[members] = np.where(parts == 0, family, following + parts - 1)
        if depth + 1 < _DEPTH:
            numbers = (family, *range(following, following + n - 1))
            todo += [(number, depth + 1) for number in numbers]
        following += n - 1
    return labels


def _apart(points: Floats, labels: Ints, rng: np.random.Generator) -> bool:
    """Whether the members of every part are nearer to their own than to another (silhouette).

    A dense core and its halo are not: a mixture tells them apart as stably as two places.
    """
    from sklearn.metrics import silhouette_samples

    some = rng.choice(len(points), min(len(points), 1500), replace=False)
    parts = labels[some]
    if len(np.unique(parts)) < 2:
        return False
    values = silhouette_samples(points[some], parts)
    return bool(min(values[parts == k].mean() for k in np.unique(parts)) > 0)


def _only(minima: Minima, members: Ints) -> Minima:
    return Minima(minima.points[members], minima.counts[members], np.arange(len(members)))


def _parts(minima: Minima, config: FamiliesConfig, rng: np.random.Generator) -> Ints | None:
    """Part of each minimum, None where there are no stable parts that are large enough."""
    if len(minima.counts) < 2 * _LEAST_MINIMA:
        return None
    methods: tuple[Method, ...] = ("hdbscan", "mixture")
    for method in methods:
        if method == "mixture" and len(minima.counts) < _CONTINUUM:
            continue
        alone = FamiliesConfig(
            agreement=config.agreement,
            n_resamples=config.n_resamples + 2,
            n_fit=min(_PARTS[method], config.n_fit),
            seed=config.seed,
        )
        sample = draw_sample(minima, alone.n_fit, rng)
        if method == "mixture" and bayesian_gain(sample.points, alone.seed) < _GAIN:
            continue
        tried = try_settings(sample.points, method, alone, rng, few=True)
        for trial in by_stability([trial for trial, _ in tried], config.agreement):
            found = group(sample.points, method, trial.knob, alone.seed, starts=_STARTS)
            if method == "mixture" and not _apart(sample.points, found, rng):
                continue
            labels = _carried(minima, sample, found)
            inside = labels >= 0
            if not inside.any():
                continue
            labels = vote(cKDTree(minima.points[inside]), labels[inside], minima.points)
            labels = np.unique(labels, return_inverse=True)[1]
            sizes = np.bincount(labels)
            if len(sizes) > 1 and sizes.min() >= max(_LEAST_MINIMA, _LEAST_SHARE * len(labels)):
                return labels
    return None
