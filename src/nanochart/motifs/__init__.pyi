from .classify import (
    ATOM_TYPES as ATOM_TYPES,
    Analysis as Analysis,
    analyze as analyze,
    atom_types as atom_types,
    classify as classify,
)
from .descriptors import DESCRIPTORS as DESCRIPTORS, Descriptor as Descriptor
from .labels import LABELS as LABELS
