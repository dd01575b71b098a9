"""The settings that an architecture is trained with where the caller does not say otherwise."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a training, with which an architecture learns best.

    Their meaning is that of the fields of `nanochart.autoencoder.TrainingConfig`.
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    schedule: Literal["cosine", "halving"]
    averaging: float
    scaling: Literal["deviation", "range"]
    isometry: float
    patience: int
