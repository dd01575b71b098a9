from .bias import Bias as Bias, Grid as Grid, Restraint as Restraint, Wall as Wall
from .cv.chart_coordinate import ChartCoordinate as ChartCoordinate
from .cv.compile import CVs as CVs
from .cv.coordination import Coordination as Coordination
from .cv.function import FunctionCV as FunctionCV
from .cv.potential_energy import PotentialEnergy as PotentialEnergy
from .cv.protocol import CV as CV, Places as Places, Record as Record
from .cv.rdf_distance import RDFDistance as RDFDistance
from .cv.registry import (
    VARIABLES as VARIABLES,
    select as select,
    variable_of as variable_of,
    variable_words as variable_words,
)
from .cv.steinhardt_q6 import SteinhardtQ6 as SteinhardtQ6
from .frozen import FrozenBias as FrozenBias
from .guard import (
    Guarded as Guarded,
    guard_grid as guard_grid,
    known_distance as known_distance,
    known_reach as known_reach,
)
from .heated import (
    Heated as Heated,
    HeatedRound as HeatedRound,
    HeatedState as HeatedState,
    exchange_walkers as exchange_walkers,
    heated_round as heated_round,
)
from .kernels_bias import evaluate_bias as evaluate_bias, restraint_energy as restraint_energy
from .method_arrays import pack_method as pack_method, unpack_method as unpack_method
from .methods.gaussians import (
    NODES_PER_WIDTH as NODES_PER_WIDTH,
    nodes_per_width as nodes_per_width,
)
from .methods.metadynamics import (
    Metadynamics as Metadynamics,
    MetadynamicsState as MetadynamicsState,
)
from .methods.opes import OPES as OPES, OPESState as OPESState
from .methods.registry import (
    METHODS as METHODS,
    STATES as STATES,
    method_facts as method_facts,
    method_of as method_of,
)
from .methods.state import NoState as NoState
from .methods.steered import Steered as Steered
from .methods.umbrella import (
    Umbrella as Umbrella,
    along as along,
    windows_on_grid as windows_on_grid,
)
from .methods.unbiased import Unbiased as Unbiased
from .plan.plan import ANY_FRAME as ANY_FRAME, BiasPlan as BiasPlan, Origin as Origin
from .plan.protocol import protocol_difference as protocol_difference
from .rounds import (
    BiasedRound as BiasedRound,
    BiasedSegment as BiasedSegment,
    BiasingState as BiasingState,
    Method as Method,
    biased_round as biased_round,
)
from .segment import (
    BiasedDynamics as BiasedDynamics,
    BiasedSamples as BiasedSamples,
    BiasedState as BiasedState,
)
from .stability import stiffest_accurate as stiffest_accurate, stiffest_stable as stiffest_stable
