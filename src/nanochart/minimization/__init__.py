"""Minimization of the energy: from a thermal configuration to its inherent structure."""

from nanochart.minimization._quench import QuenchResult, quench

__all__ = ["QuenchResult", "quench"]
