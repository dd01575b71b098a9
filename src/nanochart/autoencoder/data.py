"""The data of a training: checked, scaled, in parts."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from nanochart.autoencoder.architectures.network import Network
from nanochart.autoencoder.split import TEST, TRAIN, VALIDATION
from nanochart.shown import short_repr

__all__ = ["RawData", "TrainingData", "check_data", "scale_data"]

_PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}

#: Relative difference by which two RDFs differ: quenches of a minimum to 1e-3 eV/Å leave 1e-4, two
#: minima have 6e-3 or more.
_DIFFERENT = 1e-3


@short_repr
@dataclass(frozen=True)
class RawData:
    """Checked RDFs in 1/Å and the samples of each part.

    Attributes
    ----------
    inputs, targets
        (sample, bin).
    parts
        Indices of the samples of "train", "validation" and "test".
    weights
        Weight of each sample in the loss (sample,), of mean 1 over each part; None weighs all
        alike.
    fingerprint
        Hash of all of it.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    parts: dict[str, NDArray[np.intp]]
    fingerprint: str
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingData:
    """Raw data with their scaled copies x and y (sample, bin), as the network sees them."""

    raw: RawData
    x: torch.Tensor
    y: torch.Tensor

    def loss(self, outputs: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Mean over samples i and bins b of w_i (f(x_i)_b - y_ib)²."""
        if self.raw.weights is None:
            return torch.nn.functional.mse_loss(outputs, self.y[samples])
        weights = torch.from_numpy(self.raw.weights)[samples]
        return (weights[:, None] * (outputs - self.y[samples]) ** 2).mean()


def scale_data(raw: RawData, network: Network) -> TrainingData:
    """Scale the RDFs by what the network carries."""
    return TrainingData(
        raw,
        (torch.from_numpy(raw.inputs) - network.input_shift) / network.input_scale,
        (torch.from_numpy(raw.targets) - network.target_shift) / network.target_scale,
    )


def check_data(
    inputs: ArrayLike,
    targets: ArrayLike | None,
    split: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    target: str,
    n_bins: int,
) -> RawData:
    """Check what a caller of ``train`` gives.

    Parameters
    ----------
    inputs, targets, split, weights
        Arguments of ``train`` to be checked.
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
    _require_different(g_out[parts["train"]])
    relative = None if weights is None else _relative_weights(weights, parts, len(g_in))
    given: list[NDArray[Any]] = [g_in, g_out, codes.astype(np.int8)]
    fingerprint = _fingerprint(*given, *([] if relative is None else [relative]))
    return RawData(g_in, g_out, parts, fingerprint, relative)


def _require_different(targets: NDArray[np.float32]) -> None:
    """Refuse a training part that holds one structure again and again."""
    size = _DIFFERENT * float(np.sqrt((targets.astype(np.float64) ** 2).sum(axis=1).mean()))
    if not (np.linalg.norm(targets - targets[0], axis=1) > size).any():
        raise ValueError(
            "the training part must hold different structures to reproduce; its "
            f"{len(targets)} RDFs are those of one: sample longer, at higher temperatures, or from "
            "other starts"
        )


def _relative_weights(
    values: ArrayLike, parts: dict[str, NDArray[np.intp]], n_samples: int
) -> NDArray[np.float32]:
    """Weights divided by their mean in each part, so that losses keep their scale."""
    weights = np.array(values, dtype=np.float64)
    if weights.shape != (n_samples,) or not np.isfinite(weights).all() or (weights <= 0.0).any():
        raise ValueError(
            f"the weights must be a positive number for each of the {n_samples} samples; got the "
            f"shape {weights.shape} with {int((~(weights > 0.0)).sum())} that are not positive"
        )
    for samples in parts.values():
        weights[samples] /= weights[samples].mean()
    return weights.astype(np.float32)


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
