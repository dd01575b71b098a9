"""OVITO as an independent program to agree with: common neighbour analysis at a fixed cut-off.

Tests that need it are skipped where the wheel is missing, and fail instead where
``NANOCHART_REQUIRE_OVITO`` is set (continuous integration, where ``make setup`` installs it).
"""

import importlib.util
import os

import numpy as np
import pytest

__all__ = ["fixed_cutoff_types", "require_ovito"]

#: OVITO's structure types by number; it knows no five-fold axes and calls them other.
TYPES = np.array(["other", "fcc", "hcp", "bcc", "ico"])


def require_ovito():
    """Skip, or fail where it must not be missing."""
    if importlib.util.find_spec("ovito") is None:
        if os.environ.get("NANOCHART_REQUIRE_OVITO"):
            pytest.fail("OVITO is required here, but the wheel is not installed")
        pytest.skip("needs the ovito wheel")


def fixed_cutoff_types(frames, cutoff):
    """Types (frame, atom) of positions (frame, atom, 3) in Å."""
    from ovito.data import DataCollection, Particles
    from ovito.modifiers import CommonNeighborAnalysisModifier

    analysis = CommonNeighborAnalysisModifier(
        mode=CommonNeighborAnalysisModifier.Mode.FixedCutoff, cutoff=cutoff
    )
    types = np.empty(frames.shape[:2], np.int64)
    for k, positions in enumerate(frames):
        data = DataCollection()
        particles = Particles()
        particles.create_property("Position", data=positions)
        data.objects.append(particles)
        data.apply(analysis)
        types[k] = data.particles["Structure Type"]
    return TYPES[types]
