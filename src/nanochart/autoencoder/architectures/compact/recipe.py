"""Settings that ``compact`` is trained with, chosen by validation on Au147."""

from nanochart.autoencoder.architectures.recipe import Recipe

__all__ = ["RECIPE"]

RECIPE = Recipe(
    epochs=40,
    batch_size=None,
    learning_rate=1e-2,
    schedule="cosine",
    averaging=0.99,
    scaling="deviation",
    isometry=0.1,
    patience=15,
)
