"""Molecular dynamics: Langevin (BAOAB), the state of replicas, segments as pure functions."""

from nanochart.dynamics._langevin import Langevin, Samples, State, initialize, join, run_segment
from nanochart.dynamics._time_step import longest_time_step

__all__ = ["Langevin", "Samples", "State", "initialize", "join", "longest_time_step", "run_segment"]
