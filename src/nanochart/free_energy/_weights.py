"""Weights of biased samples in the unbiased ensemble, and how much they are worth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._time_series import statistical_inefficiency
from nanochart.free_energy._blocks import Blocks
from nanochart.free_energy._umbrella import UmbrellaWeights

__all__ = [
    "effective_sample_size",
    "independent_sample_size",
    "log_weights_of",
    "normalized",
    "resampled_sums",
]

Floats = NDArray[np.float64]


def log_weights_of(weights: ArrayLike | UmbrellaWeights) -> Floats:
    """The array of log-weights, whatever they come from."""
    logs = weights.log_weights if isinstance(weights, UmbrellaWeights) else weights
    return np.asarray(logs, dtype=np.float64)


def normalized(log_weights: ArrayLike | UmbrellaWeights) -> Floats:
    """Weights that sum to 1 from their logarithms, any shape; NaN and -inf count nothing.

    Raises
    ------
    ValueError
        If no sample has a weight.
    """
    logs = log_weights_of(log_weights)
    known = np.isfinite(logs)
    if not known.any():
        raise ValueError(
            "no sample has a weight: umbrella windows need `umbrella_weights`, and steered runs "
            "have none"
        )
    weights = np.where(known, np.exp(np.where(known, logs, 0.0) - logs[known].max()), 0.0)
    total: Floats = weights / weights.sum()
    return total


def effective_sample_size(log_weights: ArrayLike | UmbrellaWeights) -> float:
    r"""Equally weighted samples that would be worth as much, (Σ w)² / Σ w² (Kish 1965)."""
    w = normalized(log_weights)
    return float(1.0 / (w**2).sum())


def independent_sample_size(
    log_weights: ArrayLike | UmbrellaWeights, series: ArrayLike | None = None
) -> float:
    r"""Kish's number of samples over the statistical inefficiency of the samples.

    It is what independent, equally weighted samples would be worth as much.

    Parameters
    ----------
    log_weights
        (time, walker).
    series
        (time, walker, ...): what is slow; the slowest counts. By default the log-weights.
    """
    logs = log_weights_of(log_weights)
    if logs.ndim != 2:
        raise ValueError(f"log-weights must have the shape (time, walker); got {logs.shape}")
    values = logs if series is None else np.asarray(series, dtype=np.float64)
    columns = np.nan_to_num(values.reshape(*logs.shape, -1), neginf=0.0, posinf=0.0)
    g = max(statistical_inefficiency(columns[..., k]) for k in range(columns.shape[2]))
    return effective_sample_size(logs) / g


def resampled_sums(
    weights: ArrayLike | UmbrellaWeights,
    blocks: Blocks,
    places: NDArray[np.int64],
    n_places: int,
    n: int,
    seed: int,
    *,
    factor: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Sum of the weights at each place, and the same in each bootstrap sample of the blocks.

    Umbrella windows are resampled each by itself, and their free energies change with the sample.

    Parameters
    ----------
    weights
        (time, walker).
    blocks
        What is resampled.
    places
        (time, walker), where each sample counts; from 0 to below ``n_places``.
    n_places
        Number of places.
    n
        Number of bootstrap samples.
    seed
        Of the bootstrap.
    factor
        (time, walker), logarithms added to the weights.

    Returns
    -------
    sums (place,), resamples (n, place)
    """
    logs = log_weights_of(weights)
    w = normalized(logs if factor is None else logs + factor)
    flat = places.ravel()
    sums = np.asarray(np.bincount(flat, w.ravel(), n_places), dtype=np.float64)
    if not isinstance(weights, UmbrellaWeights):
        per_block = np.zeros((blocks.n, n_places))
        np.add.at(per_block, (blocks.index.ravel(), flat), w.ravel())
        return sums, blocks.resamples(n, seed) @ per_block
    counts = blocks.resamples(n, seed, by_walker=True)
    shifts = weights.shifts(blocks.index, counts)
    W = weights.shares.reshape(-1, weights.shares.shape[2])
    resamples = np.empty((n, n_places))
    for k, (c, shift) in enumerate(zip(counts, shifts, strict=True)):
        moved = c[blocks.index.ravel()] * w.ravel() * np.exp(-(W @ shift))
        resamples[k] = np.bincount(flat, moved, n_places)
    return sums, resamples
