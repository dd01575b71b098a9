"""Compile every kernel and leave it in Numba's cache."""

import numpy as np

from nanochart.clusters import build
from nanochart.descriptors import RDF
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.minimization import quench
from nanochart.motifs import analyze, atom_types
from nanochart.potentials import gupta

__all__ = ["compile_bias_kernels", "compile_kernels"]


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


def compile_bias_kernels() -> None:
    """Run a segment of 13 atoms under a bias of an untrained chart, and under one without."""
    from nanochart.autoencoder import Model, TrainingConfig, build_network, initialize_weights
    from nanochart.biasing import (
        CV,
        Bias,
        BiasedDynamics,
        BiasedState,
        ChartCoordinate,
        Coordination,
        CVs,
        PotentialEnergy,
        Restraint,
        SteinhardtQ6,
    )
    from nanochart.compiled_chart import CompiledChart

    gold, dynamics = gupta("Au"), Langevin(sphere_radius=10.0)
    atoms = build("icosahedron", "Au", 13)
    state = initialize(atoms.positions, gold, [300.0], seed=0)
    walker = BiasedState(state, np.zeros(1))
    rdf = RDF.for_positions(atoms.positions)
    network = build_network("compact", rdf.n_bins, 3)
    initialize_weights(network, np.random.default_rng(0))
    chart = Model(network, TrainingConfig(), rdf, "Au", 13)
    CompiledChart(chart).pull(state.positions, np.ones(3))
    kinds: list[list[CV]] = [
        [ChartCoordinate(0)],
        [PotentialEnergy(), Coordination(), SteinhardtQ6()],
    ]
    for variables in kinds:
        cvs = CVs.compile(variables, gold, chart)
        m = len(variables)
        values, _ = cvs.with_gradient(state.positions, gold, np.ones(m))
        bias = Bias(m, Restraint.at(values[0], [1e-3] * m))
        BiasedDynamics(gold, dynamics, cvs, 5)(walker, bias, 10, 10)
