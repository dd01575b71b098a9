"""The data of a training: checked, scaled, in parts."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from nanochart.autoencoder._architectures import Network
from nanochart.autoencoder._split import TEST, TRAIN, VALIDATION

__all__ = ["RawData", "TrainingData", "check_data", "scale_data"]

_PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True)
class RawData:
    """Checked RDFs in 1/Å and the samples of each part.

    Attributes
    ----------
    inputs, targets
        (sample, bin).
    parts
        Indices of the samples of "train", "validation" and "test".
    fingerprint
        Hash of all of it.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    parts: dict[str, NDArray[np.intp]]
    fingerprint: str


@dataclass(frozen=True)
class TrainingData:
    """Raw data with their scaled copies x and y (sample, bin), as the network sees them."""

    raw: RawData
    x: torch.Tensor
    y: torch.Tensor


def scale_data(raw: RawData, network: Network) -> TrainingData:
    """Scale the RDFs by what the network carries."""
    return TrainingData(
        raw,
        (torch.from_numpy(raw.inputs) - network.input_shift) / network.input_scale,
        (torch.from_numpy(raw.targets) - network.target_shift) / network.target_scale,
    )


def check_data(
    inputs: ArrayLike, targets: ArrayLike | None, split: ArrayLike, *, target: str, n_bins: int
) -> RawData:
    """Check what a caller of ``train`` gives.

    Parameters
    ----------
    inputs, targets, split
        As of ``train``.
    target
        "inherent" or "self".
    n_bins
        Bins of the RDF settings.

    Raises
    ------
    ValueError
        In one sentence that names what does not fit.
    """
    if targets is None and target != "self":
        raise ValueError(
            f'the target "{target}" needs the RDFs to reproduce; got targets=None: give those of '
            'the inherent structures, or train with the target "self"'
        )
    g_in = _checked_rdfs("input", inputs)
    g_out = g_in if targets is None else _checked_rdfs("target", targets)
    if g_in.shape != g_out.shape:
        raise ValueError(
            f"input and target RDFs must have one shape (sample, bin); got {g_in.shape} and "
            f"{g_out.shape}"
        )
    if target == "self" and not (g_out is g_in or np.array_equal(g_in, g_out)):
        raise ValueError(
            'the target "self" reproduces its inputs; got targets that differ from them: give '
            'targets=None, or train with the target "inherent"'
        )
    if g_in.shape[1] != n_bins:
        raise ValueError(
            f"the RDFs must have the {n_bins} bins of the RDF settings; got {g_in.shape[1]}: "
            "give the settings that the RDFs were made with"
        )
    codes = np.asarray(split)
    if codes.shape != (len(g_in),):
        raise ValueError(
            f"the split must give a part for each of the {len(g_in)} samples; got the shape "
            f"{codes.shape}: flatten (frame, replica) arrays in the same order as the RDFs"
        )
    parts = {name: np.flatnonzero(codes == code) for name, code in _PARTS.items()}
    for name, samples in parts.items():
        if len(samples) < 2:
            raise ValueError(
                f"the {name} part of the split must have at least 2 samples; got {len(samples)}: "
                "sample longer, or change the fractions or the gap of the split"
            )
    return RawData(g_in, g_out, parts, _fingerprint(g_in, g_out, codes.astype(np.int8)))


def _checked_rdfs(kind: str, values: ArrayLike) -> NDArray[np.float32]:
    g = np.ascontiguousarray(values, dtype=np.float32)
    if g.ndim != 2:
        raise ValueError(f"the {kind} RDFs must have the shape (sample, bin); got {g.shape}")
    bad = np.flatnonzero(~np.isfinite(g).all(axis=1))
    if bad.size:
        raise ValueError(
            f"the {kind} RDFs must be finite; got NaN or infinity in {bad.size} of {len(g)} "
            f"samples, the first is sample {bad[0]}: leave these frames out"
        )
    return g


def _fingerprint(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
