"""Laws that implementations must obey, and systems with exact answers to test samplers on."""

from nanochart.testing._cv_laws import CVLaws
from nanochart.testing._exact_systems import TwoBasins
from nanochart.testing._hidden import HiddenSeries
from nanochart.testing._lennard_jones import LennardJones
from nanochart.testing._method_laws import MethodLaws
from nanochart.testing._potential_laws import EmbeddedAtomLaws, PotentialLaws
from nanochart.testing._segment_laws import SegmentLaws
from nanochart.testing._surfaces import WellMixture

__all__ = [
    "CVLaws",
    "EmbeddedAtomLaws",
    "HiddenSeries",
    "LennardJones",
    "MethodLaws",
    "PotentialLaws",
    "SegmentLaws",
    "TwoBasins",
    "WellMixture",
]
