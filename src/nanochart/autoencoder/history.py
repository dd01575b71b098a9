"""What a training reports: one ``Progress`` per epoch, collected in a ``History``."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from nanochart.autoencoder.verdict import Verdict, judge
from nanochart.shown import short_repr

__all__ = ["History", "Progress"]


@dataclass(frozen=True)
class Progress:
    """Losses and explained variance after an epoch of a training.

    Attributes
    ----------
    epoch, n_epochs
        Epochs done, of at most ``n_epochs``.
    train_loss, validation_loss
        Mean squared error in the scaled metric of the training (``TrainingConfig.scaling``); the
        training loss is the mean over the batches while the weights change.
    explained_variance
        Explained variance of the validation part, for RDFs in 1/Å.
    learning_rate
        Learning rate at the end of the epoch.
    seconds
        Seconds spent in training so far, including what a resumed training had spent before; NaN
        where a model was read from its file, which does not hold it.
    """

    epoch: int
    n_epochs: int
    train_loss: float
    validation_loss: float
    explained_variance: float
    learning_rate: float
    seconds: float = field(default=math.nan, compare=False)


@short_repr
@dataclass(frozen=True)
class History:
    """Learning curves of a training, and what came of it.

    Attributes
    ----------
    curves
        One ``Progress`` per epoch.
    best_epoch
        Epoch with the lowest validation loss, whose weights the model has.
    stopped
        Why the training ended: "epochs" (all done), "patience" (early stopping) or "time" (budget
        spent).
    explained_variance
        Explained variance of the parts "train", "validation" and "test" by the saved model, for
        RDFs in 1/Å, relative to the variance of the training part; of a run also "unseen", that of
        the test frames whose inherent structure occurs in no training frame, if there are five of
        them.
    axis_contributions
        Share of the target's variance that each latent axis explains linearly (training part).
    """

    curves: tuple[Progress, ...] = ()
    best_epoch: int = 0
    stopped: str = "epochs"
    explained_variance: dict[str, float] = field(default_factory=dict)
    axis_contributions: tuple[float, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether chart and model can be used, on what number, and what a good one is."""
        return judge(self.explained_variance)

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as saved in a model's header."""
        return asdict(self)
