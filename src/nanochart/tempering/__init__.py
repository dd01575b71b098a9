"""Parallel tempering: temperature ladders, exchanges, the sampler."""

from nanochart.tempering._exchange import Exchange, exchange, metropolis_criterion
from nanochart.tempering._ladder import Ladder
from nanochart.tempering._sampler import (
    Round,
    Segment,
    TemperingConfig,
    TemperingState,
    initialize_tempering,
    langevin_segment,
    step,
)

__all__ = [
    "Exchange",
    "Ladder",
    "Round",
    "Segment",
    "TemperingConfig",
    "TemperingState",
    "exchange",
    "initialize_tempering",
    "langevin_segment",
    "metropolis_criterion",
    "step",
]
