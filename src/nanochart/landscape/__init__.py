"""The landscape seen through a chart."""

from nanochart.landscape._cards import FamilyCard, family_cards, family_names
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
from nanochart.landscape._reconstruction import RankedFrames, rank_frames, reconstruction_errors
from nanochart.landscape._sentences import Fact, Words, sentence, telling_facts

__all__ = [
    "NOISE",
    "Fact",
    "Families",
    "FamiliesConfig",
    "FamilyCard",
    "NeighbourPurity",
    "RankedFrames",
    "Words",
    "continuity",
    "explained_by",
    "family_agreement",
    "family_cards",
    "family_names",
    "fit_families",
    "load_families",
    "neighbour_purity",
    "random_split",
    "rank_frames",
    "reconstruction_errors",
    "sentence",
    "telling_facts",
    "trustworthiness",
]
