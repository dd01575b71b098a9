from .build import MOTIFS as MOTIFS, build as build
from .lowest import KnownMinimum as KnownMinimum, known_minima as known_minima
from .sphere import confining_radius as confining_radius
from .superposition import superpose as superpose
