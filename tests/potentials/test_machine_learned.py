"""A machine-learned potential whose weights are in its package, where that is installed.

``pip install chgnet`` into an environment of its own; skipped without.
"""

import contextlib
import io

import numpy as np
import pytest

import nanochart as nc
from nanochart.config import load_config

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

#: Energies in eV of relaxed Cu13 by CHGNet 0.3.0 of the package chgnet 0.4.2, relaxed by this test.
RELAXED = {"icosahedron": -41.275, "decahedron": -40.281}


@pytest.fixture(scope="module")
def chgnet():
    """As the page on other engines has it."""
    dynamics = pytest.importorskip("chgnet.model.dynamics")
    from pymatgen.core import Lattice, Structure

    class Clusters(dynamics.CHGNetCalculator):
        def energies_forces_batch(self, numbers, positions):
            structures = [
                Structure(Lattice.orthorhombic(*(np.ptp(x, axis=0) + 14.0)), numbers,
                          x - x.min(axis=0) + 7.0, coords_are_cartesian=True)
                for x in positions
            ]  # fmt: skip
            found = self.model.predict_structure(structures, task="ef", batch_size=16)
            found = found if isinstance(found, list) else [found]
            energies = np.array([float(one["e"]) * len(numbers) for one in found])
            return energies, np.array([one["f"] for one in found], dtype=float)

    with contextlib.redirect_stdout(io.StringIO()):
        calculator = Clusters(use_device="cpu", on_isolated_atoms="ignore")
    return nc.potentials.ase(calculator, "Cu", vacuum=14.0, name="CHGNet")


def test_forces_and_minima_are_those_of_a_metal(chgnet):
    x = np.stack([nc.clusters.build(motif, "Cu", 13).positions for motif in RELAXED])
    nc.potentials.check_forces(chgnet, x[0])
    q = nc.minimization.quench(x, chgnet, 5e-3)
    assert q.converged.all()
    np.testing.assert_allclose(q.energies, list(RELAXED.values()), atol=5e-3)


def test_a_short_ladder_is_sampled_and_quenched(chgnet, tmp_path):
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 13},
            "starts": ["icosahedron"],
            "tempering": {"temperatures": [300, 420], "swap_interval": 0.02,
                          "time_per_replica": 0.0002, "discard": 0},
            "dynamics": {"time_step": 5},
        }
    )  # fmt: skip
    run = nc.workflow.sample(config, tmp_path / "chgnet.zarr", potential=chgnet)
    nc.workflow.quench_run(run, potential=chgnet)
    energies = run.frames().inherent.energies
    np.testing.assert_allclose(energies, RELAXED["icosahedron"], atol=0.01)
