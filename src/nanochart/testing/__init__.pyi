from .cv_laws import CVLaws as CVLaws
from .exact_systems import TwoBasins as TwoBasins
from .hidden import HiddenSeries as HiddenSeries
from .lennard_jones import LennardJones as LennardJones
from .method_laws import MethodLaws as MethodLaws
from .potential_laws import EmbeddedAtomLaws as EmbeddedAtomLaws, PotentialLaws as PotentialLaws
from .segment_laws import SegmentLaws as SegmentLaws
from .superposed_basins import SuperposedBasins as SuperposedBasins
from .surfaces import WellMixture as WellMixture
