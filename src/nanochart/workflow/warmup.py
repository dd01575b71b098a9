"""Compile every kernel and leave it in Numba's cache."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

import numpy as np

from nanochart.clusters import build
from nanochart.descriptors import RDF
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.minimization import quench
from nanochart.motifs import analyze, atom_types
from nanochart.parallel import available_cores
from nanochart.potentials import gupta
from nanochart.progress import Progress, silent

if TYPE_CHECKING:
    from nanochart.compiled_chart import CompiledChart

__all__ = ["compile_kernels", "warm_up"]


def warm_up(progress: Progress = silent) -> None:
    """Compile all kernels, in a process for each core and at most three."""
    parts = (compile_bias_kernels, compile_kernels, compile_chart_kernels)  # the longest first
    progress("warmup", 0, len(parts))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(available_cores(), len(parts)), spawn) as processes:
        futures = [processes.submit(part) for part in parts]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress("warmup", done, len(parts))


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


def compile_chart_kernels(*architectures: str) -> "CompiledChart":
    """Chart 13 atoms by untrained networks: those named, or all but the default.

    Returns
    -------
    CompiledChart
        That of the last.
    """
    from nanochart.autoencoder import (
        ARCHITECTURES,
        Model,
        TrainingConfig,
        build_network,
        initialize_weights,
    )
    from nanochart.compiled_chart import CompiledChart

    x = build("icosahedron", "Au", 13).positions
    rdf = RDF.for_positions(x)
    for architecture in architectures or ARCHITECTURES[1:]:
        network = build_network(architecture, rdf.n_bins, 3)
        initialize_weights(network, np.random.default_rng(0))
        config = TrainingConfig(architecture=architecture)
        chart = CompiledChart(Model(network, config, rdf, "Au", 13))
        chart.pull(x[None], np.ones(3))
    return chart


def compile_bias_kernels() -> None:
    """Run a segment of 13 atoms biased in an untrained chart, and one biased in other variables."""
    from nanochart.autoencoder import ARCHITECTURES
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

    gold, dynamics = gupta("Au"), Langevin(sphere_radius=10.0)
    atoms = build("icosahedron", "Au", 13)
    state = initialize(atoms.positions, gold, [300.0], seed=0)
    walker = BiasedState(state, np.zeros(1))
    chart = compile_chart_kernels(ARCHITECTURES[0]).model
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
