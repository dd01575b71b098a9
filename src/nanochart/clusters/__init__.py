"""Starting structures: clusters of every motif and size, and the sphere that confines them."""

from nanochart.clusters._build import MOTIFS, build
from nanochart.clusters._sphere import confining_radius

__all__ = ["MOTIFS", "build", "confining_radius"]
