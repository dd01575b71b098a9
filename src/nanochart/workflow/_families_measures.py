"""The measures of a chart and its families, on a run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
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

__all__ = ["measure_families"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Stretches of each replica's trajectory from which neighbours are not taken, as in the split.
_BLOCKS = 10
#: Structures whose distribution functions are compared with the chart.
_COMPARED = 2000
_RDF_SIGMA = 0.2


def measure_families(
    data: xr.Dataset,
    codes: Ints,
    minima: Ints,
    motifs: Ints,
    motif_names: Sequence[str],
    descriptors: Mapping[str, Floats],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Purity, trustworthiness, continuity and explained variance of a run; None where not known.

    Parameters
    ----------
    data
        Data set of the run.
    codes, minima, motifs
        Family, distinct minimum and motif of each frame, (frame, replica).
    motif_names
        Names of the motifs.
    descriptors
        Defect descriptors (frame, replica).
    seed
        Of the structures that are compared and of what they are compared with.
    """
    s = data["inherent_chart"].to_numpy().astype(np.float64)
    s = s.reshape(-1, s.shape[-1])
    rng = np.random.default_rng(seed)
    # One frame of each minimum, so that copies of it do not count as neighbours.
    _, distinct = np.unique(minima.ravel(), return_index=True)
    some = np.sort(rng.choice(distinct, min(_COMPARED, len(distinct)), replace=False))
    rdf = _rdf_of(data, some)
    result: dict[str, Any] = {
        **_purity(data, s, motifs, minima, motif_names),
        "trustworthiness": None,
        "continuity": None,
    }
    if len(some) > 30:
        result["trustworthiness"] = trustworthiness(rdf, s[some])
        result["continuity"] = continuity(rdf, s[some])
    return result | _explained(data, codes, descriptors, rng)


def _purity(
    data: xr.Dataset, s: Floats, motifs: Ints, minima: Ints, motif_names: Sequence[str]
) -> dict[str, Any]:
    result: dict[str, Any] = {"purity": None, "purity_without_mix": None}
    if "split" not in data:
        return result
    split = data["split"].to_numpy()
    n_frames, n_replicas = split.shape
    block = np.arange(n_frames)[:, None] * _BLOCKS // n_frames
    units = block * n_replicas + np.arange(n_replicas)
    held_out = (split == TEST) | (split == VALIDATION)
    mix = tuple(k for k, name in enumerate(motif_names) if name == "mix")
    for key, leave_out in (("purity", ()), ("purity_without_mix", mix)):
        try:
            found = neighbour_purity(
                s,
                motifs.ravel(),
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


def _rdf_of(data: xr.Dataset, frames: Ints) -> Floats:
    """Distribution functions of some inherent structures."""
    n_replicas = data.sizes["replica"]
    where = {
        "frame": xr.DataArray(frames // n_replicas, dims="structure"),
        "replica": xr.DataArray(frames % n_replicas, dims="structure"),
    }
    positions = data["inherent_positions"].isel(where).to_numpy().astype(np.float64)
    return RDF.for_positions(positions, sigma=_RDF_SIGMA)(positions)


def _explained(
    data: xr.Dataset,
    codes: Ints,
    descriptors: Mapping[str, Floats],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Mean share of the descriptors' variance that families, chance and k-means explain."""
    from sklearn.cluster import KMeans

    keys = ("explained_by_families", "explained_by_chance", "explained_by_kmeans")
    result: dict[str, Any] = dict.fromkeys(keys)
    flat = codes.ravel()
    # A descriptor may be undefined, as the place of an axis where there is none: each is judged on
    # the structures that have it.
    known = np.zeros(len(flat), dtype=bool)
    for values in descriptors.values():
        known |= np.isfinite(values.ravel())
    frames = np.flatnonzero(known)
    if len(frames) > _COMPARED:
        frames = np.sort(rng.choice(frames, _COMPARED, replace=False))
    x = np.stack([v.ravel()[frames] for v in descriptors.values()], axis=1) if descriptors else None
    if x is None or len(frames) < 2:
        return result
    family = flat[frames]
    n = min(len(np.unique(family)), len(frames))
    seed = int(rng.integers(2**31))
    groups = KMeans(n, n_init=3, random_state=seed).fit_predict(_rdf_of(data, frames))
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
