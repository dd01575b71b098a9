"""The whole chain on trajectories that LAMMPS wrote, by the commands that a user would type."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from helpers.lammps_oracle import run_lammps

MOTIFS = ("icosahedron", "decahedron", "octahedron", "twin")
TEMPERATURES = (400.0, 500.0, 580.0)

# Canonical dynamics of a free Au147 cluster, its own centre of mass and all; 0.4 ns.
DYNAMICS = """
units metal
atom_style atomic
boundary s s s
read_data cluster.data
mass 1 196.97
pair_style eam/alloy
pair_coeff * * gold.setfl Au
neighbor 1.5 bin
velocity all create {hot} {seed} mom yes rot yes
timestep 0.005
fix integrate all nve
fix thermostat all langevin {temperature} {temperature} 1.0 {seed}
run 4000
reset_timestep 0
dump frames all custom/gz 200 frames.dump.gz id element x y z
dump_modify frames element Au sort id format float %.6f
run 80000
"""


def lammps_trajectory(motif, temperature, folder):
    folder.mkdir(parents=True)
    nc.potentials.gupta("Au").write_setfl(folder / "gold.setfl")
    positions = nc.clusters.build(motif, "Au", 147).positions
    lines = ["", "147 atoms", "1 atom types"]
    lines += [f"-40 40 {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Atoms", ""]
    lines += [f"{k} 1 {x:.12g} {y:.12g} {z:.12g}" for k, (x, y, z) in enumerate(positions, 1)]
    script = DYNAMICS.format(
        temperature=temperature,
        hot=2 * temperature,
        seed=1 + MOTIFS.index(motif) + 10 * TEMPERATURES.index(temperature),
    )
    run_lammps(script, {"cluster.data": "\n".join(lines) + "\n"}, folder)
    return folder / "frames.dump.gz"


@pytest.mark.slow
def test_the_chart_of_a_lammps_trajectory(tmp_path):
    jobs = [(m, t, tmp_path / f"{m}-{t:.0f}") for t in reversed(TEMPERATURES) for m in MOTIFS]
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda job: lammps_trajectory(*job), jobs))
    run = tmp_path / "au147.zarr"
    hot = [option for _, t, _ in jobs for option in ("--temperature", t)]
    imported = json.loads(nanochart("import", run, *files, *hot, "--json", "-q").stdout)
    assert imported == {
        "run": str(run), "element": "Au", "n_atoms": 147, "frames": 401, "replicas": 12,
    }  # fmt: skip
    quenched = json.loads(nanochart("quench", run, "--json", "-q").stdout)
    assert quenched["unconverged"] == 0
    # No trajectory of 0.4 ns goes below the best known minimum, and the decahedra stay in it.
    assert quenched["lowest_energy"] == pytest.approx(-532.7674, abs=2e-4)
    trained = json.loads(nanochart("train", run, "--json", "-q").stdout)
    assert trained["explained_variance"]["test"] >= 0.90
    nanochart("chart", run, "-q")
    nanochart("report", run, "-q", "--figures", tmp_path / "figures")
    assert (tmp_path / "au147.html").read_text("utf-8").count("<figure") > 5

    # At 400 K nothing has left its motif, so the four starts are four islands of the thermal chart.
    data = nc.store.open(run).to_xarray()
    cold = [k for k, (_, t, _) in enumerate(jobs) if t == min(TEMPERATURES)]
    chart = data["chart"].to_numpy()[:, cold]
    centres = chart.mean(axis=0)
    nearest = np.linalg.norm(chart[:, :, None] - centres, axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(4)).mean() > 0.95
    print(json.dumps(trained["explained_variance"]))
