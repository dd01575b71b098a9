"""Models that several tests read."""

import pytest

from helpers.small_models import training
from nanochart.autoencoder import ARCHITECTURES, TrainingConfig


@pytest.fixture(scope="module")
def model():
    return training()[0]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def any_model(request):
    config = TrainingConfig(architecture=request.param, bottleneck=2, epochs=4, batch_size=32)
    return training(config)[0]
