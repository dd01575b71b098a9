"""True and reconstructed RDFs of held-out frames."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["TEST", "VALIDATION", "Reconstruction", "held_out_reconstruction"]

#: Values of the data set's ``split``.
VALIDATION, TEST = 1, 2


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
    """

    centers: NDArray[np.float64]
    targets: NDArray[np.float64]
    outputs: NDArray[np.float64]
    inputs: NDArray[np.float64] | None = None
    temperature: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    held_out: str = "test"

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
        """1 - |output - target|² / |target - mean target|² of each sample, shape (sample,).

        The mean is over samples, so a sample like the average one has little to explain; the
        denominator is therefore the average over samples, not its own.
        """
        total = ((self.targets - self.targets.mean(axis=0)) ** 2).sum(axis=1).mean()
        residual = ((self.outputs - self.targets) ** 2).sum(axis=1)
        return 1.0 - residual / total if total > 0 else np.full(residual.shape, np.nan)

    @cached_property
    def explained_variance(self) -> float:
        """1 - sum |output - target|² / sum |target - mean target|² over all samples."""
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
    dataset: xr.Dataset, model: Any, *, max_frames: int = 400, seed: int = 0
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
    chosen, held_out = _choose(dataset, max_frames, seed)
    # Frame by frame: a lazy array is read where it is needed and nowhere else.
    sets = {name: _positions(dataset[name], chosen) for name in needed}
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
    return Reconstruction(
        np.asarray(model.rdf.centers, float), targets, outputs, inputs, temperature, held_out
    )


def _choose(dataset: xr.Dataset, max_frames: int, seed: int) -> tuple[NDArray[Any], str]:
    shape = (dataset.sizes["frame"], dataset.sizes["replica"])
    candidates, held_out = np.argwhere(np.ones(shape, bool)), "all"
    if "split" in dataset:
        split = np.asarray(dataset["split"].values)
        for value, name in ((TEST, "test"), (VALIDATION, "validation")):
            if (split == value).any():
                candidates, held_out = np.argwhere(split == value), name
                break
    if len(candidates) > max_frames:
        rng = np.random.default_rng(seed)
        candidates = candidates[np.sort(rng.choice(len(candidates), max_frames, replace=False))]
    return candidates, held_out


def _positions(array: xr.DataArray, chosen: NDArray[Any]) -> NDArray[np.float64]:
    picked = np.empty((len(chosen), *array.shape[2:]))
    for frame in np.unique(chosen[:, 0]):
        here = chosen[:, 0] == frame
        picked[here] = np.asarray(array[int(frame)].values)[chosen[here, 1]]
    return picked
