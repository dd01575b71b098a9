from .build import MOTIFS as MOTIFS, build as build
from .sphere import confining_radius as confining_radius
from .superposition import superpose as superpose
