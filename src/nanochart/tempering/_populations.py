"""Shares of labels at each rung, with errors from blocks of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.tempering._time_blocks import resample, slowest_inefficiency, time_blocks

__all__ = ["RungPopulations", "rung_populations"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RungPopulations:
    """Share of each label at each rung, ``value`` and standard ``error`` (label, rung).

    NaN at a rung without frames.
    """

    value: Floats
    error: Floats


def rung_populations(
    labels: ArrayLike,
    rungs: ArrayLike,
    n_labels: int,
    n_rungs: int,
    *,
    n_resamples: int = 200,
    seed: int = 0,
) -> RungPopulations:
    """Share of the frames at each rung that have each label.

    The error is the standard deviation over draws of whole blocks of time, across all replicas at
    once (Künsch 1989), each five times as long as the slowest of the labels is remembered, and at
    least an eighth of the run if that is longer.

    Parameters
    ----------
    labels
        (frame, replica), from 0; others are frames without a label.
    rungs
        (frame, replica) rung of each; negative ones are left out.
    n_labels, n_rungs
        Of each.
    n_resamples
        Draws.
    seed
        Of the draws.
    """
    label, rung = np.asarray(labels), np.asarray(rungs)
    if label.ndim != 2 or label.shape != rung.shape or not label.size:
        raise ValueError(
            "labels and rungs must have one shape (frame, replica), with at least one frame; got "
            f"{label.shape} and {rung.shape}"
        )
    n_frames = len(label)
    there = (rung >= 0) & (rung < n_rungs)
    frame = np.broadcast_to(np.arange(n_frames)[:, None], label.shape)
    total = np.zeros((n_frames, n_rungs))
    np.add.at(total, (frame[there], rung[there]), 1.0)
    seen = there & (label >= 0) & (label < n_labels)
    counts = np.zeros((n_labels, n_frames, n_rungs))
    np.add.at(counts, (label[seen], frame[seen], rung[seen]), 1.0)
    slowest = slowest_inefficiency(counts.sum(axis=2).T) if n_labels else 1.0
    blocks = time_blocks(n_frames, slowest)
    drawn = resample(blocks, n_resamples, np.random.default_rng(seed))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = counts.sum(axis=1) / total.sum(axis=0)
        draws = np.stack([drawn @ c for c in counts]) / (drawn @ total) if n_labels else None
    error = np.zeros_like(value) if draws is None else _spread(draws)
    return RungPopulations(value, error)


def _spread(draws: Floats) -> Floats:
    """Standard deviation over the draws (label, draw, rung) that hold the rung."""
    known = np.isfinite(draws)
    n = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, draws, 0.0).sum(axis=1) / n
    square = np.where(known, (draws - mean[:, None]) ** 2, 0.0).sum(axis=1) / n
    return np.where(known.any(axis=1), np.sqrt(square), np.nan)
