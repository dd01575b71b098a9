"""The landscape seen through a chart."""

from nanochart.landscape._decimation import Decimation, decimate
from nanochart.landscape._reconstruction import RankedFrames, rank_frames, reconstruction_errors
from nanochart.landscape._track import LastingStates, Transition, lasting_states

__all__ = [
    "Decimation",
    "LastingStates",
    "RankedFrames",
    "Transition",
    "decimate",
    "lasting_states",
    "rank_frames",
    "reconstruction_errors",
]
