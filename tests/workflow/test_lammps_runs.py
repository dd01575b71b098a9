"""Runs with the forces of LAMMPS, from a configuration on, and what is done for a stranger's."""

import shutil

import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.command import nanochart
from helpers.lammps_oracle import require_lammps

LADDER = {"t_min": 300, "t_max": 500, "n": 2, "swap_interval": 0.1, "time_per_replica": 0.002,
          "discard": 0}  # fmt: skip


def written(folder, potential, name="cu.yaml"):
    path = folder / name
    path.write_text(yaml.safe_dump({
        "system": {"metal": "Cu", "n_atoms": 13, "potential": potential},
        "starts": ["icosahedron"], "tempering": LADDER, "dynamics": {"time_step": 5.0},
    }))  # fmt: skip
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder with ``cu.lmp``, its table and ``cu.zarr``, sampled and quenched by commands."""
    require_lammps()
    folder = tmp_path_factory.mktemp("made")
    nc.potentials.gupta("Cu").write_setfl(folder / "Cu.eam.alloy")
    (folder / "cu.lmp").write_text("pair_style eam/alloy\npair_coeff * * Cu.eam.alloy Cu\n")
    config = written(folder, {"lammps": str(folder / "cu.lmp")})
    nanochart("sample", config, "-o", folder / "cu.zarr", "-q")
    nanochart("quench", folder / "cu.zarr", "--potential", config, "-q")
    return folder


def test_a_run_by_lammps_is_the_run_by_its_table(made):
    table = nc.potentials.eam(made / "Cu.eam.alloy", "Cu")
    frames = nc.store.open(made / "cu.zarr").frames()
    x = frames.thermal.positions[-1, 0].astype(float)
    assert frames.thermal.energies[-1, 0] == pytest.approx(table.energy_forces(x)[0], abs=2e-3)
    lowest = nc.minimization.quench(nc.clusters.build("icosahedron", "Cu", 13).positions, table)
    assert frames.inherent.energies.min() == pytest.approx(float(lowest.energies), abs=1e-5)
    assert "LAMMPS eam/alloy Cu" in nanochart("info", made / "cu.zarr").stdout


def test_a_run_asks_for_its_input_again_and_for_no_other(made, tmp_path):
    copy = shutil.copytree(made, tmp_path / "copy")
    run = copy / "cu.zarr"
    done = nanochart("quench", run, "--again", code=1)
    assert "is code of another program, an input of LAMMPS, which is not called" in done.stderr
    config = written(copy, {"lammps": str(copy / "cu.lmp")})
    (copy / "Cu.eam.alloy").write_bytes((made / "Cu.eam.alloy").read_bytes() + b"\n")
    done = nanochart("quench", run, "--again", "--potential", config, code=1)
    assert "and another was handed over, LAMMPS eam/alloy Cu" in done.stderr
    shutil.copy(made / "Cu.eam.alloy", copy)
    nanochart("quench", run, "--again", "--potential", config, "-q")


def test_paths_are_those_of_the_files_that_name_them(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    config = nc.config.load_config(written(tmp_path, {"lammps": "cu.lmp"}))
    assert config.system.calculator.lammps == str(made / "cu.lmp")
    again = nc.config.load_calculator(tmp_path / "cu.yaml")
    assert again.lammps == str(made / "cu.lmp")
    (made / "bias.yaml").write_text(yaml.safe_dump({
        "run": "cu.zarr", "temperature": 400, "time": 0.5, "variables": ["energy"],
        "potential": {"lammps": "cu.lmp"}}))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for loaded in (nc.config.load_bias_config(made / "bias.yaml").potential,
                   nc.config.load_calculator(made / "bias.yaml")):  # fmt: skip
        assert loaded.lammps == str(made / "cu.lmp")
    with pytest.raises(nc.errors.ConfigError, match=r"potential\.lammps must be a file with lines"):
        nc.config.load_config(written(tmp_path, {"lammps": "none.lmp"}))
    with pytest.raises(nc.errors.ConfigError, match="vacuum is not a field"):
        nc.config.load_config(written(tmp_path, {"lammps": "cu.lmp", "vacuum": 3.0}))


def test_a_biased_run_and_its_bias_take_lammps(made, tmp_path):
    plan = tmp_path / "bias.yaml"
    plan.write_text(yaml.safe_dump({
        "run": str(made / "cu.zarr"), "temperature": 400, "variables": ["coordination"],
        "time": 0.065, "pace": 0.5, "umbrella": {"low": [5.0], "high": [6.0], "shape": [2],
        "stiffness": 1.0}, "dynamics": {"time_step": 5.0},
        "potential": {"lammps": str(made / "cu.lmp")}}))  # fmt: skip
    nanochart("bias", plan, "-o", tmp_path / "b.zarr", "-q")
    run = nc.store.open(tmp_path / "b.zarr")
    assert np.isfinite(run.frames().thermal.energies).all()
