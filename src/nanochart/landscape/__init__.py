"""The landscape of structures in a chart: families, distinct minima, tracks, quality measures."""

from nanochart.landscape._cards import FamilyCard, family_cards, family_names
from nanochart.landscape._decimation import Decimation, decimate
from nanochart.landscape._families import NOISE, Families, fit_families
from nanochart.landscape._families_config import FamiliesConfig
from nanochart.landscape._families_file import load_families
from nanochart.landscape._measures import (
    NeighbourPurity,
    continuity,
    explained_by,
    family_agreement,
    neighbour_purity,
    random_split,
    trustworthiness,
)
from nanochart.landscape._membership import OWN, PLACE, PlaceMembership, place_membership
from nanochart.landscape._metric import ReconstructionMetric
from nanochart.landscape._minima import Minima, distinct_minima, principal_radii
from nanochart.landscape._reconstruction import RankedFrames, rank_frames, reconstruction_errors
from nanochart.landscape._sentences import Fact, Words, sentence, telling_facts
from nanochart.landscape._track import LastingStates, Transition, lasting_states

__all__ = [
    "NOISE",
    "OWN",
    "PLACE",
    "Decimation",
    "Fact",
    "Families",
    "FamiliesConfig",
    "FamilyCard",
    "LastingStates",
    "Minima",
    "NeighbourPurity",
    "PlaceMembership",
    "RankedFrames",
    "ReconstructionMetric",
    "Transition",
    "Words",
    "continuity",
    "decimate",
    "distinct_minima",
    "explained_by",
    "family_agreement",
    "family_cards",
    "family_names",
    "fit_families",
    "lasting_states",
    "load_families",
    "neighbour_purity",
    "place_membership",
    "principal_radii",
    "random_split",
    "rank_frames",
    "reconstruction_errors",
    "sentence",
    "telling_facts",
    "trustworthiness",
]
