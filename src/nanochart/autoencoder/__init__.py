"""Autoencoders of radial distribution functions: architectures, training, the saved model."""

from typing import TYPE_CHECKING

from nanochart._lazy import lazy_names

if TYPE_CHECKING:
    from nanochart.autoencoder._architectures import ARCHITECTURES, MIN_BINS
    from nanochart.autoencoder._config import TrainingConfig
    from nanochart.autoencoder._files import load
    from nanochart.autoencoder._history import History, Progress
    from nanochart.autoencoder._metrics import explained_variance
    from nanochart.autoencoder._model import Model
    from nanochart.autoencoder._reconstruction import Reconstruction
    from nanochart.autoencoder._split import GUARD, TEST, TRAIN, VALIDATION, split_blocks
    from nanochart.autoencoder._training import train
    from nanochart.autoencoder._verdict import Verdict, judge

__all__ = [
    "ARCHITECTURES",
    "GUARD",
    "MIN_BINS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "History",
    "Model",
    "Progress",
    "Reconstruction",
    "TrainingConfig",
    "Verdict",
    "explained_variance",
    "judge",
    "load",
    "split_blocks",
    "train",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ARCHITECTURES": "_architectures",
        "GUARD": "_split",
        "History": "_history",
        "MIN_BINS": "_architectures",
        "Model": "_model",
        "Progress": "_history",
        "Reconstruction": "_reconstruction",
        "TEST": "_split",
        "TRAIN": "_split",
        "TrainingConfig": "_config",
        "VALIDATION": "_split",
        "Verdict": "_verdict",
        "explained_variance": "_metrics",
        "judge": "_verdict",
        "load": "_files",
        "split_blocks": "_split",
        "train": "_training",
    },
)
