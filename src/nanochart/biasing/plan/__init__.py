"""What a biased run is made of, in numbers: the plan that is resolved once and stored with it."""

from nanochart.biasing.plan.plan import BiasPlan, Origin
from nanochart.biasing.plan.protocol import protocol_difference

__all__ = ["BiasPlan", "Origin", "protocol_difference"]
