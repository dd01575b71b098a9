"""The landscape seen through a chart."""

from nanochart.landscape._reconstruction import RankedFrames, rank_frames, reconstruction_errors

__all__ = ["RankedFrames", "rank_frames", "reconstruction_errors"]
