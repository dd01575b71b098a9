"""Motifs: whole-cluster classes and the defects that tell structures of one class apart."""

from typing import TYPE_CHECKING

from nanochart._lazy import lazy_names
from nanochart.motifs._descriptors import DESCRIPTORS, Descriptor
from nanochart.motifs._labels import LABELS

if TYPE_CHECKING:
    from nanochart.descriptors import ATOM_TYPES, atom_types
    from nanochart.motifs._classify import Analysis, analyze, classify

__all__ = [
    "ATOM_TYPES",
    "DESCRIPTORS",
    "LABELS",
    "Analysis",
    "Descriptor",
    "analyze",
    "atom_types",
    "classify",
]

# The compiled analysis loads on first use: the names of classes and descriptors are also what the
# store is made of.
__getattr__ = lazy_names(
    __name__,
    {
        "ATOM_TYPES": "_classify",
        "Analysis": "_classify",
        "analyze": "_classify",
        "atom_types": "_classify",
        "classify": "_classify",
    },
)
