"""True and reconstructed RDFs of held-out frames."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nanochart.shown import short_repr

__all__ = ["Reconstruction"]


@short_repr
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


def _variance(rdfs: NDArray[np.float64]) -> float:
    return float(((rdfs - rdfs.mean(axis=0)) ** 2).sum(axis=1).mean())
