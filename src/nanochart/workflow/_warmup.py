"""Compile every kernel and leave it in Numba's cache."""

import numpy as np

from nanochart.clusters import build
from nanochart.descriptors import RDF
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.minimization import quench
from nanochart.motifs import analyze, atom_types
from nanochart.potentials import gupta

__all__ = ["compile_kernels"]


def compile_kernels() -> None:
    """Run each stage on a cluster of 13 atoms."""
    gold = gupta("Au")
    atoms = build("icosahedron", "Au", 13)
    state = initialize(atoms.positions, gold, [300.0], seed=0)
    _, samples = run_segment(state, gold, Langevin(sphere_radius=10.0), 10, 5)
    relaxed = quench(samples.positions, gold).positions
    gold.energy_forces(relaxed)
    rdf = RDF.for_positions(relaxed)
    rdf.vjp(relaxed, np.ones_like(rdf(relaxed)))
    atom_types(relaxed, "Au")
    analyze(relaxed, "Au")
