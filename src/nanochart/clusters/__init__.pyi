from .build import BUILT_LABELS as BUILT_LABELS, MOTIFS as MOTIFS, build as build
from .lowest import (
    KnownMinimum as KnownMinimum,
    above_known as above_known,
    known_minima as known_minima,
    known_minima_of as known_minima_of,
)
from .sphere import confining_radius as confining_radius
from .superposition import superpose as superpose
