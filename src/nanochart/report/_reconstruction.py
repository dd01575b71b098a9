"""True and reconstructed RDFs of held-out frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["TEST", "VALIDATION", "Reconstruction", "held_out_reconstruction"]

#: Values of the data set's ``split``.
TRAIN, VALIDATION, TEST = 0, 1, 2
_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """RDFs of held-out frames beside what the network made of them.

    Attributes
    ----------
    centers
        Distances in Å, shape (bin,).
    targets, outputs
        True and reconstructed RDF in 1/Å, shape (sample, bin).
    inputs
        What the network was given, likewise; None where it is the target itself.
    temperature
        K, shape (sample,); NaN where unknown.
    held_out
        What the samples are: "test", "validation", or "all" where no split is known.
    variance
        <|g - <g>|²> in 1/Å² of the training frames, summed over bins: the scale of the error. When
        left out, that of the targets.
    """

    centers: NDArray[np.float64]
    targets: NDArray[np.float64]
    outputs: NDArray[np.float64]
    inputs: NDArray[np.float64] | None = None
    temperature: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    held_out: str = "test"
    variance: float | None = None

    def __post_init__(self) -> None:
        n, bins = np.shape(self.targets)
        if np.shape(self.outputs) != (n, bins) or np.shape(self.centers) != (bins,) or not n:
            raise ValueError(
                "targets and outputs must have the same shape (sample, bin), one bin for each of "
                f"the centers; got {np.shape(self.targets)}, {np.shape(self.outputs)} and "
                f"{np.shape(self.centers)}"
            )
        if not np.size(self.temperature):
            object.__setattr__(self, "temperature", np.full(n, np.nan))

    @cached_property
    def errors(self) -> NDArray[np.float64]:
        """Root-mean-square error of each sample in 1/Å, shape (sample,)."""
        return np.asarray(np.sqrt(((self.outputs - self.targets) ** 2).mean(axis=1)))

    @cached_property
    def explained_variances(self) -> NDArray[np.float64]:
        """1 - |output - target|² / variance of each sample, shape (sample,).

        A sample like the average one has little to explain; the denominator is therefore the
        variance over samples, not its own.
        """
        total = _variance(self.targets) if self.variance is None else self.variance
        residual = ((self.outputs - self.targets) ** 2).sum(axis=1)
        return 1.0 - residual / total if total > 0 else np.full(residual.shape, np.nan)

    @cached_property
    def explained_variance(self) -> float:
        """1 - <|output - target|²> / variance over all samples."""
        return float(self.explained_variances.mean())

    def examples(self) -> dict[str, int]:
        """Choose the samples at the 10th percentile of the error, its median and its maximum."""
        order = np.argsort(self.errors, kind="stable")
        n = order.size
        places = {"good": round(0.1 * (n - 1)), "median": (n - 1) // 2, "worst": n - 1}
        return {name: int(order[place]) for name, place in places.items()}

    def known(self, sample: int) -> bool:
        """Say whether the temperature of a sample is known."""
        return bool(np.isfinite(self.temperature[sample]))


def held_out_reconstruction(
    dataset: xr.Dataset,
    model: Any,
    *,
    element: str | None = None,
    max_frames: int = 400,
    seed: int = 0,
) -> Reconstruction | None:
    """Pass held-out configurations of a data set through a model.

    The test frames where the data set has any, else the validation frames, else all frames; of
    these a random choice of ``max_frames``.

    Parameters
    ----------
    dataset
        As a run gives it; needs ``positions`` and, for a model of inherent structures,
        ``inherent_positions``.
    model
        With ``rdf`` (positions to RDF), ``reconstruct_rdf`` (RDF to RDF) and ``target``.
    element
        Metal of the data set, where the model charts several: RDFs are then in lengths of its own.
    max_frames
        Number of configurations.
    seed
        Of the choice.

    Returns
    -------
    Reconstruction or None
        None where the data set lacks what the model needs.
    """
    inherent = str(getattr(model, "target", "inherent")) == "inherent"
    needed = ["positions", "inherent_positions"] if inherent else ["inherent_positions"]
    if any(name not in dataset for name in needed):
        return None
    chosen, held_out = _choose(dataset, [TEST, VALIDATION], max_frames, seed)
    scale = 1.0 if element is None else model.scale(element)
    # Frame by frame: a lazy array is read where it is needed and nowhere else.
    sets = {name: scale * _positions(dataset[name], chosen) for name in needed}
    usable = np.all([np.isfinite(p).all(axis=(1, 2)) for p in sets.values()], axis=0)
    if not usable.any():
        return None
    targets = np.asarray(model.rdf(sets["inherent_positions"][usable]), float)
    inputs = np.asarray(model.rdf(sets["positions"][usable]), float) if inherent else None
    outputs = np.asarray(model.reconstruct_rdf(targets if inputs is None else inputs), float)
    temperature = np.full(len(targets), np.nan)
    if "temperature" in dataset:
        temperature = np.asarray(dataset["temperature"].values, float)[
            chosen[usable, 0], chosen[usable, 1]
        ]
    variance = None
    if held_out != "all":
        training = scale * _positions(
            dataset["inherent_positions"], _choose(dataset, [TRAIN], max_frames, seed)[0]
        )
        variance = _variance(np.asarray(model.rdf(training[np.isfinite(training).all((1, 2))])))
    return Reconstruction(
        np.asarray(model.rdf.centers, float),
        targets,
        outputs,
        inputs,
        temperature,
        held_out,
        variance,
    )


def _variance(rdfs: NDArray[np.float64]) -> float:
    return float(((rdfs - rdfs.mean(axis=0)) ** 2).sum(axis=1).mean())


def _choose(
    dataset: xr.Dataset, parts: Sequence[int], max_frames: int, seed: int
) -> tuple[NDArray[Any], str]:
    """(frame, replica) of some frames of the first of the parts that has any, and its name."""
    shape = (dataset.sizes["frame"], dataset.sizes["replica"])
    candidates, chosen = np.argwhere(np.ones(shape, bool)), "all"
    if "split" in dataset:
        split = np.asarray(dataset["split"].values)
        for value in parts:
            if (split == value).any():
                candidates, chosen = np.argwhere(split == value), _NAMES[value]
                break
    if len(candidates) > max_frames:
        rng = np.random.default_rng(seed)
        candidates = candidates[np.sort(rng.choice(len(candidates), max_frames, replace=False))]
    return candidates, chosen


def _positions(array: xr.DataArray, chosen: NDArray[Any]) -> NDArray[np.float64]:
    picked = np.empty((len(chosen), *array.shape[2:]))
    for frame in np.unique(chosen[:, 0]):
        here = chosen[:, 0] == frame
        picked[here] = np.asarray(array[int(frame)].values)[chosen[here, 1]]
    return picked
