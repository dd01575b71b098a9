"""Laws that implementations must obey, and systems with exact answers to test samplers on."""

from nanochart.testing._exact_systems import TwoBasins
from nanochart.testing._hidden import HiddenSeries
from nanochart.testing._potential_laws import PotentialLaws
from nanochart.testing._surfaces import WellMixture

__all__ = ["HiddenSeries", "PotentialLaws", "TwoBasins", "WellMixture"]
