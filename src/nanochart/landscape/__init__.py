"""The landscape seen through a chart."""

from nanochart.landscape._decimation import Decimation, decimate
from nanochart.landscape._reconstruction import RankedFrames, rank_frames, reconstruction_errors

__all__ = ["Decimation", "RankedFrames", "decimate", "rank_frames", "reconstruction_errors"]
