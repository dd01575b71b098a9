"""What is asked of a training."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator
from pydantic_core import PydanticKnownError

from nanochart.autoencoder.architectures.registry import ARCHITECTURES, DEFAULT_RECIPE, recipe

__all__ = ["TrainingConfig"]


def _known(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        expected = " or ".join(repr(name) for name in ARCHITECTURES)
        raise PydanticKnownError("literal_error", {"expected": expected})
    return architecture


class TrainingConfig(BaseModel):
    """Settings of a training.

    Those of a recipe (`nanochart.autoencoder.Recipe`) that are left out are the architecture's own:
    ``TrainingConfig(architecture="paper")`` is the published training.

    Attributes
    ----------
    architecture
        Name of the network, one of `nanochart.autoencoder.ARCHITECTURES`.
    target
        What the network is to reproduce. With "inherent" the RDF of a thermal configuration goes in
        and that of its inherent structure must come out (Telari et al. 2025); with "self" one RDF
        is both (Telari et al. 2023).
    bottleneck
        Number of latent dimensions: of the chart's coordinates.
    epochs
        Number of passes over the training part, at most.
    batch_size
        Samples per step of the optimizer. None takes a fortieth of the training part, between 16
        and 256: a small data set still gets some forty steps per epoch.
    learning_rate
        Highest learning rate of Adam.
    schedule
        "cosine": a linear rise over the first tenth of the steps, then half a cosine to zero at the
        last epoch. "halving": constant, halved after each of ``halving_epochs``.
    halving_epochs
        Epochs after which "halving" halves the learning rate.
    averaging
        Decay per step of the exponential moving average of the weights that is validated and saved;
        0 takes the weights themselves.
    scaling
        "deviation": the mean of each bin is subtracted and all bins are divided by one number, the
        root-mean-square deviation, so the mean squared error is the unexplained share of the
        variance. "range": each bin is mapped to [0, 1] over the training part, as published.
    isometry
        Weight in the training loss of the strain of the latent space, the mean square of the
        difference between distances in the chart and distances between targets over that of the
        latter. It makes trainings agree with each other. 0 leaves it out; validation and the choice
        of the best epoch look at the reconstruction alone.
    patience
        Epochs without a lower validation loss before the training stops early.
    max_seconds
        Time budget in s: no epoch starts after it is spent. None is no limit. A budget makes the
        result depend on the machine's speed.
    configurations
        Configurations of runs that `nanochart.workflow.train_runs` reads, at most: of longer runs
        every second frame, every third, and so on. Neighbouring frames say nearly the same, and
        all that are read are held in memory. `nanochart.autoencoder.train` takes all that it is
        given.
    seed
        Seed of the initial weights and of the order of the samples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Annotated[str, AfterValidator(_known)] = ARCHITECTURES[0]
    target: Literal["inherent", "self"] = "inherent"
    bottleneck: int = Field(default=3, ge=1, le=64)
    epochs: int = Field(default=DEFAULT_RECIPE.epochs, ge=1, le=1_000_000)
    batch_size: int | None = Field(default=DEFAULT_RECIPE.batch_size, ge=2, le=1_000_000)
    learning_rate: float = Field(
        default=DEFAULT_RECIPE.learning_rate, gt=0.0, le=1e3, allow_inf_nan=False
    )
    schedule: Literal["cosine", "halving"] = DEFAULT_RECIPE.schedule
    halving_epochs: tuple[PositiveInt, ...] = Field(default=(70, 90), max_length=1_000)
    averaging: float = Field(default=DEFAULT_RECIPE.averaging, ge=0.0, lt=1.0)
    scaling: Literal["deviation", "range"] = DEFAULT_RECIPE.scaling
    isometry: float = Field(default=DEFAULT_RECIPE.isometry, ge=0.0, le=1e6, allow_inf_nan=False)
    patience: int = Field(default=DEFAULT_RECIPE.patience, ge=1, le=1_000_000)
    max_seconds: float | None = Field(default=None, gt=0.0, le=1e9, allow_inf_nan=False)
    configurations: int = Field(default=100_000, ge=100, le=100_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)

    def samples_per_step(self, n_samples: int) -> int:
        """Samples of each step of the optimizer, of a training part of ``n_samples``."""
        wanted = self.batch_size or min(max(n_samples // 40, 16), 256)
        return min(wanted, n_samples)

    @model_validator(mode="before")
    @classmethod
    def _fill_recipe(cls, values: Any) -> Any:
        architecture = values.get("architecture") if isinstance(values, dict) else None
        if architecture in ARCHITECTURES:
            return {**asdict(recipe(architecture)), **values}
        return values
