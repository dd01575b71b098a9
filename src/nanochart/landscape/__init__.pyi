from .cards import (
    FamilyCard as FamilyCard,
    family_cards as family_cards,
    family_names as family_names,
)
from .decimation import Decimation as Decimation, decimate as decimate
from .families import (
    NOISE as NOISE,
    Families as Families,
    fit_families as fit_families,
    load_families as load_families,
)
from .families_config import FamiliesConfig as FamiliesConfig
from .measures import (
    NeighbourPurity as NeighbourPurity,
    continuity as continuity,
    explained_by as explained_by,
    family_agreement as family_agreement,
    neighbour_purity as neighbour_purity,
    random_split as random_split,
    trustworthiness as trustworthiness,
)
from .membership import (
    OWN as OWN,
    PLACE as PLACE,
    PlaceMembership as PlaceMembership,
    place_membership as place_membership,
)
from .metric import ReconstructionMetric as ReconstructionMetric
from .minima import (
    ENERGY_TOLERANCE as ENERGY_TOLERANCE,
    SHAPE_TOLERANCE as SHAPE_TOLERANCE,
    Minima as Minima,
    distinct_minima as distinct_minima,
    principal_radii as principal_radii,
)
from .reconstruction import reconstruction_errors as reconstruction_errors
from .sentences import (
    Fact as Fact,
    Words as Words,
    sentence as sentence,
    telling_facts as telling_facts,
)
from .states import (
    Known as Known,
    States as States,
    check_same_states as check_same_states,
    states_of as states_of,
)
from .track import (
    LastingStates as LastingStates,
    Transition as Transition,
    lasting_states as lasting_states,
)
