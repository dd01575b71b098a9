"""Minima divided into groups, and broad groups into parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart._progress import Progress, silent
from nanochart.landscape._choice import Trial, choose, vote
from nanochart.landscape._families_config import FamiliesConfig
from nanochart.landscape._grouping import bayesian_gain
from nanochart.landscape._minima import Minima, Sample, draw_sample

__all__ = ["Division", "divide", "refined"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["hdbscan", "mixture"]

#: Points of the sample of a family that is tried for parts.
_PARTS = 4000
#: Least share of the family that a part must have, and distinct minima.
_LEAST_SHARE, _LEAST_MINIMA = 0.02, 15
#: Times that parts are tried for parts.
_DEPTH = 3


@dataclass(frozen=True)
class Division:
    """Group of each minimum (minimum,), -1 for noise; the setting that gave them; all trials."""

    labels: Ints
    knob: float
    trials: tuple[Trial, ...]


def divide(
    minima: Minima,
    config: FamiliesConfig,
    rng: np.random.Generator,
    *,
    progress: Progress = silent,
) -> Division:
    """Cluster a sample of the minima and give every minimum the label of those near it."""
    sample = draw_sample(minima, config.n_fit, rng)
    choice = choose(sample.points, config, rng, progress=progress)
    return Division(_carried(minima, sample, choice.labels), choice.knob, choice.trials)


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
    """Split groups whose members alone fall into stable parts, and the parts by density again.

    Between well separated groups a density method sees only the gaps. What it leaves as one is
    clustered once more by itself, at its own scale: by density, and, where that finds nothing, by a
    Gaussian mixture that describes it better than one Gaussian does (by the Bayesian information
    criterion). Parts must be stable: fits to different halves agree as well as ``agreement`` asks.
    Noise among the members joins the nearest part.
    """
    labels, following = labels.copy(), int(labels.max()) + 1
    todo = [(group, 0) for group in range(following)]
    done = 0
    while todo:
        group, depth = todo.pop(0)
        members = np.flatnonzero(labels == group)
        methods: Sequence[Method] = ("hdbscan", "mixture") if depth == 0 else ("hdbscan",)
        parts = _parts(_only(minima, members), methods, config, rng)
        done += 1
        progress("refine", done, done + len(todo))
        if parts is None:
            continue
        n = int(parts.max()) + 1
        labels[members] = np.where(parts == 0, group, following + parts - 1)
        if depth + 1 < _DEPTH:
            todo += [(group, depth + 1)]
            todo += [(following + k, depth + 1) for k in range(n - 1)]
        following += n - 1
    return labels


def _only(minima: Minima, members: Ints) -> Minima:
    return Minima(minima.points[members], minima.counts[members], np.arange(len(members)))


def _parts(
    minima: Minima, methods: Sequence[Method], config: FamiliesConfig, rng: np.random.Generator
) -> Ints | None:
    """Part of each minimum, None where there are no stable parts that are large enough."""
    if len(minima.counts) < 2 * _LEAST_MINIMA:
        return None
    for method in methods:
        alone = FamiliesConfig(
            method=method,
            agreement=config.agreement,
            n_resamples=config.n_resamples,
            n_fit=min(_PARTS, config.n_fit),
            seed=config.seed,
        )
        sample = draw_sample(minima, alone.n_fit, rng)
        found = choose(sample.points, alone, rng, few=True)
        trial = next(t for t in found.trials if t.knob == found.knob)
        if trial.families < 2 or trial.score < config.agreement:
            continue
        if method == "mixture" and bayesian_gain(sample.points, trial.families, alone.seed) <= 0:
            continue
        labels = _carried(minima, sample, found.labels)
        inside = labels >= 0
        if not inside.any():
            continue
        labels = vote(cKDTree(minima.points[inside]), labels[inside], minima.points)
        labels = np.unique(labels, return_inverse=True)[1]
        sizes = np.bincount(labels)
        if len(sizes) > 1 and sizes.min() >= max(_LEAST_MINIMA, _LEAST_SHARE * len(labels)):
            return labels
    return None
