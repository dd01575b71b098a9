"""Runs of a user's own variable and a user's own potential, from Python."""

import shutil

import numpy as np
import pytest
from test_laws import Wrong, plain_coordination

import nanochart as nc
from helpers.configs import small_config
from nanochart.biasing import FunctionCV
from nanochart.config import BiasConfig
from nanochart.errors import ConfigError, DynamicsError, StoreError
from nanochart.testing import LennardJones
from nanochart.workflow import bias_run, export_plumed, fes_run, label_run, quench_run, sample
from nanochart.workflow.bias.plans import plan_of

LJ = LennardJones()
BONDS = FunctionCV("bonds", "1", plain_coordination)


def config(run, **changes):
    values = {"run": str(run), "temperature": 400, "variables": ("bonds",), "walkers": 2,
              "opes": {"barrier": 0.3}, "time": 0.032, "pace": 0.5, "stride": 25.0,
              **changes}  # fmt: skip
    return BiasConfig.model_validate(values)


# --------------------------------------------------------------------------------- variables


def twice_the_coordination(x):
    value, gradient = plain_coordination(x)
    return 2 * value, 2 * gradient


@pytest.fixture(scope="module")
def biased(small_run):
    asked = config(small_run / "run.zarr")
    return bias_run(asked, small_run / "bonds.zarr", functions=[BONDS])


def test_a_run_is_biased_along_a_function_and_reweighted(biased):
    data = biased.to_xarray()
    assert biased.complete
    assert biased.metadata.provenance["variables"] == ["bonds"]
    x = data["positions"][-1].to_numpy().astype(float)
    expected = [plain_coordination(frame)[0] for frame in x]
    np.testing.assert_allclose(data["cv"][-1, :, 0], expected, atol=1e-4)
    assert np.isfinite(data["log_weight"]).all()
    assert data["bias_energy"].max() > 0.005
    found = fes_run(biased, by="motif", dimensions=["bonds"])
    assert found.surface is not None


def test_a_run_along_a_function_goes_on_once_it_is_handed_over(small_run, biased, tmp_path):
    asked, path, rounds = config(small_run / "run.zarr"), tmp_path / "stopped.zarr", []
    bias_run(
        asked, path, functions=[BONDS], stop=lambda: len(rounds) >= 20 or bool(rounds.append(1))
    )
    with pytest.raises(ConfigError, match=r"bonds is a function of your own.*hand it over again"):
        bias_run(asked, path, resume=True)
    other = FunctionCV("angle", "1", plain_coordination)
    with pytest.raises(ConfigError, match=r"be a variable of the run, of bonds \(1\); got ang"):
        bias_run(asked, path, resume=True, functions=[other])
    twice = FunctionCV("bonds", "1", twice_the_coordination)
    with pytest.raises(ConfigError, match=r"bonds is another function than .*: it is 1\d\.\d+ at"):
        bias_run(asked, path, resume=True, functions=[twice])
    run = bias_run(asked, path, resume=True, functions=[BONDS])
    for name in ("positions", "cv", "bias_energy", "log_weight"):
        np.testing.assert_array_equal(run.to_xarray()[name], biased.to_xarray()[name])


def test_what_needs_no_function_does_without(biased, tmp_path):
    plan = plan_of(biased)
    assert plan.variables[0].f is None
    assert export_plumed(biased, tmp_path)


def test_a_function_that_a_configuration_names_must_be_handed_over(small_run, tmp_path):
    asked = config(small_run / "run.zarr")
    with pytest.raises(ConfigError, match=r"got 'bonds' \(a function of your own is handed over"):
        bias_run(asked, tmp_path / "x.zarr")


def test_the_name_of_another_variable_is_refused(small_run, tmp_path):
    asked = config(small_run / "run.zarr", variables=("q6",))
    with pytest.raises(ConfigError, match="must not have the name of another; got 'q6'"):
        bias_run(asked, tmp_path / "x.zarr", functions=[FunctionCV("q6", "1", plain_coordination)])


# -------------------------------------------------------------------------------- potentials


def lj_config(**changes):
    """Thirteen atoms on three rungs."""
    values = {"t_min": 100.0, "t_max": 300.0, "n": 3, "swap_interval": 0.25, "discard": 0.001,
              "time_per_replica": 0.01, **changes}  # fmt: skip
    return small_config(
        system={"metal": "Au", "n_atoms": 13}, starts=["icosahedron"], tempering=values
    )


@pytest.fixture(scope="module")
def lj_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("lj") / "lj13.zarr"
    run = sample(lj_config(), path, potential=LJ)
    quench_run(run, potential=LJ)
    label_run(run)
    return run


def test_a_run_of_a_users_potential_has_its_energies_and_minima(lj_run):
    data = lj_run.to_xarray()
    x = data["positions"][-1].to_numpy().astype(float)
    np.testing.assert_allclose(data["energy"][-1], LJ.energy_forces(x)[0], atol=1e-3)
    # (Hoare, Pal, Adv. Phys. 20, 161 (1971)): the icosahedron of 13.
    lowest = float(data["inherent_energy"].min()) / LJ.epsilon
    assert lowest == pytest.approx(-44.326801, abs=1e-5)
    assert nc.store.open(lj_run.path).system.potential.name == LJ.name


def test_it_goes_on_with_equal_bits_once_the_potential_is_handed_over(lj_run, tmp_path):
    rounds, path = [], tmp_path / "stopped.zarr"
    sample(
        lj_config(), path, potential=LJ,
        stop=lambda: len(rounds) >= 15 or bool(rounds.append(1)),
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"Lennard-Jones 0.4 eV is not one.*hand it over again"):
        sample(lj_config(), path, resume=True)
    with pytest.raises(StoreError, match=r"not the one that the energies of .* were made with"):
        sample(lj_config(), path, resume=True, potential=LennardJones(0.5))
    run = sample(lj_config(), path, resume=True, potential=LJ)
    np.testing.assert_array_equal(run.to_xarray()["positions"], lj_run.to_xarray()["positions"])


def test_what_needs_its_forces_says_that_it_must_be_handed_over(lj_run, tmp_path):
    shutil.copytree(lj_run.path, tmp_path / "copy.zarr")
    run = nc.store.open(tmp_path / "copy.zarr", mode="a")
    with pytest.raises(ConfigError, match=r"Lennard-Jones 0.4 eV is not one.*hand it over again"):
        quench_run(run, again=True)
    with pytest.raises(StoreError, match=r"another was handed over, Lennard-Jones 0\.5 eV"):
        quench_run(run, again=True, potential=LennardJones(0.5))


def test_it_is_biased(lj_run, tmp_path):
    asked = config(lj_run.path, variables=("coordination",), temperature=200, time=0.025, pace=0.25,
                   opes={"barrier": 0.2, "sigma": (0.1,)})  # fmt: skip
    with pytest.raises(ConfigError, match=r"Lennard-Jones 0.4 eV is not one.*hand it over again"):
        bias_run(asked, tmp_path / "x.zarr")
    rounds, path = [], tmp_path / "bias.zarr"
    bias_run(asked, path, potential=LJ, stop=lambda: len(rounds) >= 30 or bool(rounds.append(1)))
    with pytest.raises(ConfigError, match=r"Lennard-Jones 0.4 eV is not one.*hand it over again"):
        bias_run(asked, path, resume=True)
    run = bias_run(asked, path, resume=True, potential=LJ)
    data = run.to_xarray()
    assert run.complete
    assert data["bias_energy"].max() > 0.005
    heat = data["kinetic_energy"].mean() / (1.5 * 13 * nc.units.BOLTZMANN)
    assert float(heat) == pytest.approx(200, rel=0.1)


class Brittle(LennardJones):
    """Fails where atoms move fast."""

    def energy_forces(self, positions):
        energies, forces = super().energy_forces(positions)
        return np.where(energies > -10.0, np.nan, energies), forces


def test_the_replica_that_leaves_the_potential_is_named(tmp_path):
    hot = lj_config(t_max=4000.0, time_per_replica=0.1)
    hot = hot.replaced(dynamics={"time_step": "auto"})
    with pytest.raises(DynamicsError, match=r"replica 2, on rung 2 of 3.*must be finite.*are kept"):
        sample(hot, tmp_path / "x.zarr", potential=Brittle())


def test_forces_in_other_units_are_refused_before_a_run_begins(tmp_path):
    with pytest.raises(ValueError, match="must be minus the gradient of its energy"):
        sample(lj_config(), tmp_path / "x.zarr", potential=Wrong(1.4))


class OtherUnits(LennardJones):
    """Bears the name of the potential of the runs, and has forces of another unit."""

    def energy_forces(self, positions):
        energies, forces = super().energy_forces(positions)
        return energies, 1.4 * forces


def test_forces_in_other_units_are_refused_wherever_a_potential_is_handed_over(lj_run, tmp_path):
    wrong = r"Lennard-Jones 0.4 eV must be minus the gradient of its energy.*are 1\.4 times that"
    shutil.copytree(lj_run.path, tmp_path / "copy.zarr")
    run = nc.store.open(tmp_path / "copy.zarr", mode="a")
    with pytest.raises(ValueError, match=wrong):
        quench_run(run, again=True, potential=OtherUnits())
    assert run.committed("quench") == lj_run.committed("quench")
    asked = config(lj_run.path, variables=("coordination",), temperature=200, time=0.025, pace=0.25,
                   opes={"barrier": 0.2, "sigma": (0.1,)})  # fmt: skip
    with pytest.raises(ValueError, match=wrong):
        bias_run(asked, tmp_path / "bias.zarr", potential=OtherUnits())
    assert not (tmp_path / "bias.zarr").exists()
    bias_run(asked, tmp_path / "bias.zarr", potential=LJ, stop=lambda: True)
    with pytest.raises(ValueError, match=wrong):
        bias_run(asked, tmp_path / "bias.zarr", resume=True, potential=OtherUnits())
    sample(lj_config(), tmp_path / "stopped.zarr", potential=LJ, stop=lambda: True)
    with pytest.raises(ValueError, match=wrong):
        sample(lj_config(), tmp_path / "stopped.zarr", resume=True, potential=OtherUnits())
