"""Biased dynamics on surfaces that are known exactly."""

import numpy as np

from nanochart.biasing import BiasingState, biased_round
from nanochart.testing import WellMixture

WELL = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.25)


def run(surface, method, rounds, *, walkers=4, steps=200, seed=0, executor=None, state=None):
    state = state or BiasingState(
        surface.start(walkers, seed), method.initialize(len(surface.names)), 0
    )
    seen = []
    for _ in range(rounds):
        state, observed = biased_round(state, surface, method, steps, executor)
        seen.append(observed)
    return state, np.stack([o.values for o in seen]), np.stack([o.log_weights for o in seen])
