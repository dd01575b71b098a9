"""Settings that ``paper`` is trained with: the published ones.

Source: Telari et al., Rep. Prog. Phys. 88, 068002 (2025), arXiv 2407.17924.
"""

from nanochart.autoencoder.architectures.recipe import Recipe

__all__ = ["RECIPE"]

RECIPE = Recipe(
    epochs=100,
    batch_size=128,
    learning_rate=4e-3,
    schedule="halving",
    averaging=0.0,
    scaling="range",
    isometry=0.0,
    patience=100,
)
