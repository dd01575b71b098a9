"""The measures of a chart and its families, on a run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import TEST, VALIDATION
from nanochart.descriptors import RDF
from nanochart.landscape import (
    continuity,
    explained_by,
    neighbour_purity,
    random_split,
    trustworthiness,
)
from nanochart.store import Frames

__all__ = ["measure_families"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Stretches of each replica's trajectory from which neighbours are not taken, as in the split.
_BLOCKS = 10
#: Structures whose distribution functions are compared with the chart.
_COMPARED = 2000
_RDF_SIGMA = 0.2


def measure_families(frames: Frames, codes: Ints, minima: Ints, *, seed: int = 0) -> dict[str, Any]:
    """Purity, trustworthiness, continuity and explained variance of a run; None where not known.

    Parameters
    ----------
    frames
        Frames of the run; quenched, labelled and charted.
    codes, minima
        Family and distinct minimum of each frame, (frame, replica).
    seed
        Of the structures that are compared and of what they are compared with.
    """
    s = frames.chart("inherent").coordinates
    s = s.reshape(-1, s.shape[-1])
    rng = np.random.default_rng(seed)
    # One frame of each minimum, so that copies of it do not count as neighbours.
    _, distinct = np.unique(minima.ravel(), return_index=True)
    some = np.sort(rng.choice(distinct, min(_COMPARED, len(distinct)), replace=False))
    rdf = _rdf_of(frames, some)
    result: dict[str, Any] = {
        **_purity(frames, s, minima),
        "trustworthiness": None,
        "continuity": None,
    }
    if len(some) > 30:
        result["trustworthiness"] = trustworthiness(rdf, s[some])
        result["continuity"] = continuity(rdf, s[some])
    return result | _explained(frames, codes, rng)


def _purity(frames: Frames, s: Floats, minima: Ints) -> dict[str, Any]:
    result: dict[str, Any] = {"purity": None, "purity_without_mix": None}
    if not frames.has("train"):
        return result
    split, motifs = frames.split.codes, frames.motifs
    n_frames, n_replicas = split.shape
    block = np.arange(n_frames)[:, None] * _BLOCKS // n_frames
    units = block * n_replicas + np.arange(n_replicas)
    held_out = (split == TEST) | (split == VALIDATION)
    mix = tuple(k for k, name in enumerate(motifs.names) if name == "mix")
    for key, leave_out in (("purity", ()), ("purity_without_mix", mix)):
        try:
            found = neighbour_purity(
                s,
                motifs.codes.ravel(),
                held_out.ravel(),
                units.ravel(),
                minima.ravel(),
                leave_out=leave_out,
            )
        except ValueError:
            continue
        result[key] = found.purity
        result[f"{key}_of_minima"] = found.minima
        result["held_out"] = max(found.n, result.get("held_out", 0))
    return result


def _rdf_of(frames: Frames, some: Ints) -> Floats:
    """Distribution functions of some inherent structures."""
    positions = frames.inherent.structures(some)
    return RDF.for_positions(positions, sigma=_RDF_SIGMA)(positions)


def _explained(frames: Frames, codes: Ints, rng: np.random.Generator) -> dict[str, Any]:
    """Mean share of the descriptors' variance that families, chance and k-means explain."""
    from sklearn.cluster import KMeans

    keys = ("explained_by_families", "explained_by_chance", "explained_by_kmeans")
    result: dict[str, Any] = dict.fromkeys(keys)
    descriptors = frames.defects
    flat = codes.ravel()
    # A descriptor may be undefined, as the place of an axis where there is none: each is judged on
    # the structures that have it.
    known = np.zeros(len(flat), dtype=bool)
    for values in descriptors.values():
        known |= np.isfinite(values.ravel())
    some = np.flatnonzero(known)
    if len(some) > _COMPARED:
        some = np.sort(rng.choice(some, _COMPARED, replace=False))
    x = np.stack([v.ravel()[some] for v in descriptors.values()], axis=1) if descriptors else None
    if x is None or len(some) < 2:
        return result
    family = flat[some]
    n = min(len(np.unique(family)), len(some))
    seed = int(rng.integers(2**31))
    groups = KMeans(n, n_init=3, random_state=seed).fit_predict(_rdf_of(frames, some))
    for key, labels in zip(keys, (family, random_split(family, seed), groups), strict=True):
        shares = np.array([_share(labels, column) for column in x.T])
        result[key] = float(np.nanmean(shares)) if np.isfinite(shares).any() else None
    return result


def _share(labels: Ints, values: Floats) -> float:
    """Share of the variance of one descriptor among the structures that have it."""
    has = np.isfinite(values)
    if has.sum() < 2:
        return float("nan")
    return float(explained_by(labels[has], values[has, None])[0])
