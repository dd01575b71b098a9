"""Runs with the forces of another program, from a configuration to a chart and back."""

import shutil
import sys

import numpy as np
import pytest
import yaml
from ase.calculators.emt import EMT

import nanochart as nc
from helpers.command import nanochart
from nanochart.config import load_config
from nanochart.workflow import bias_run, make_potential, quench_run, sample, search_run

SYSTEM = {"metal": "Cu", "n_atoms": 13, "potential": {"ase": "ase.calculators.emt:EMT"}}
LADDER = {"t_min": 300, "t_max": 500, "n": 2, "swap_interval": 0.1, "time_per_replica": 0.002,
          "discard": 0}  # fmt: skip

#: What is said of a run whose file was not handed over.
NEVER = (
    "is code of another program, stranger:EMT, which is not called because a run names it: hand "
    "over the file that you wrote, with --potential CONFIG"
)
#: A module of the user's own: EMT that fails, or goes wrong, at a call that a file tells.
MODULE = """
from pathlib import Path
import numpy as np
from ase.calculators.emt import EMT

def broken(file, how):
    class Broken(EMT):
        def calculate(self, *arguments):
            super().calculate(*arguments)
            left = int(Path(file).read_text())
            Path(file).write_text(str(left - 1))
            if left <= 0 and how == "raise":
                raise OSError("the licence server is away")
            if left <= 0:
                self.results["energy"] = float("nan")
    return Broken()
"""


def written(folder, name="emt.yaml", **changes):
    values = {"system": SYSTEM, "starts": ["icosahedron"], "tempering": LADDER,
              "dynamics": {"time_step": 5.0}, **changes}  # fmt: skip
    path = folder / name
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def emt(tmp_path_factory):
    """Folder with ``emt.yaml`` and ``emt.zarr``, sampled and quenched by commands."""
    folder = tmp_path_factory.mktemp("emt")
    config = written(folder)
    nanochart("sample", config, "-o", folder / "emt.zarr", "-q")
    nanochart("quench", folder / "emt.zarr", "--potential", config, "-q")
    return folder


@pytest.fixture
def copied(emt, tmp_path):
    return shutil.copytree(emt, tmp_path / "copy")


def test_a_configuration_names_a_calculator_and_its_run_is_quenched_and_read(emt):
    run = nc.store.open(emt / "emt.zarr")
    frames = run.frames()
    assert run.complete
    potential = nc.potentials.ase(EMT(), "Cu")
    x = frames.thermal.positions[-1, 0].astype(float)
    assert frames.thermal.energies[-1, 0] == pytest.approx(potential.energy_forces(x)[0], abs=2e-3)
    lowest = potential.energy_forces(frames.inherent.positions[-1, 0].astype(float))
    assert frames.inherent.energies[-1, 0] == pytest.approx(lowest[0], abs=1e-4)
    assert np.abs(lowest[1]).max() < 2e-2  # positions are stored in single precision
    nc.workflow.label_run(nc.store.open(emt / "emt.zarr", mode="a"))
    about = nanochart("info", emt / "emt.zarr").stdout
    assert "EMT" in about


def test_it_goes_on_with_the_configuration_and_gives_the_frames_of_an_unbroken_run(emt, tmp_path):
    config = load_config(written(tmp_path))
    path = tmp_path / "halved.zarr"
    told = []
    sample(config, path, stop=lambda: told.append(0) or len(told) == 7)
    run = sample(config, path, resume=True)
    whole = nc.store.open(emt / "emt.zarr")
    np.testing.assert_array_equal(run.frames().thermal.positions, whole.frames().thermal.positions)


def test_a_run_of_another_is_never_called_until_its_file_is_handed_over(copied):
    """The stored path of a stranger is only shown."""
    marker = copied / "called"
    (copied / "stranger.py").write_text(
        f"open({str(marker)!r}, 'w').close()\nfrom ase.calculators.emt import EMT\n"
    )
    sys.path.insert(0, str(copied))
    try:
        system = {**SYSTEM, "potential": {"ase": "stranger:EMT"}}
        config = written(copied, "stranger.yaml", system=system)
        nanochart("sample", config, "-o", copied / "theirs.zarr", "-q")
        assert marker.exists()
        marker.unlink()
        del sys.modules["stranger"]
        run = copied / "theirs.zarr"
        own = written(copied, "own.yaml", system={"metal": "Cu", "n_atoms": 13})
        biased = copied / "bias.yaml"
        biased.write_text(yaml.safe_dump({"run": str(run), "temperature": 400, "time": 0.5,
                                          "variables": ["energy"]}))  # fmt: skip
        for command in (
            ("quench", run), ("info", run), ("bias", biased, "-o", copied / "b.zarr"),
            ("anchor", run), ("thermo", run), ("label", run), ("report", run),
            ("sample", own, "-o", run, "--resume"), ("export", run, "--to", "extxyz"),
        ):  # fmt: skip
            done = nanochart(*command, code=None)
            assert not marker.exists(), command
            assert "stranger" not in sys.modules, command
            if command[0] in {"quench", "bias"}:
                assert NEVER in done.stderr
        nanochart("quench", run, "--potential", config, "-q")
        assert marker.exists()
    finally:
        sys.path.remove(str(copied))


def test_another_calculator_than_the_runs_is_refused(copied):
    other = written(copied, "other.yaml", system={
        **SYSTEM, "potential": {"ase": "ase.calculators.emt:EMT",
                                "arguments": {"asap_cutoff": True}}})  # fmt: skip
    done = nanochart("quench", copied / "emt.zarr", "--again", "--potential", other, code=1)
    assert "was made with the potential EMT, and another was handed over, EMT" in done.stderr
    none = written(copied, "none.yaml", system={"metal": "Cu", "n_atoms": 13})
    done = nanochart("quench", copied / "emt.zarr", "--potential", none, code=1)
    assert "must name a calculator, as potential: {ase: module:factory}" in done.stderr


@pytest.mark.parametrize(
    ("potential", "message"),
    [
        ({"ase": "EMT"}, "the path of an ASE calculator must be module:factory"),
        ({"ase": "ase.calculators.emt:EMT", "vacum": 3}, "did you mean vacuum"),
        (
            {"ase": "ase.calculators.emt:EMT", "vacuum": -3},
            r"vacuum \(Å\).* greater than 0; got -3",
        ),
        ({"arguments": {}}, "system.potential.ase is missing"),
        (5, "system.potential must be a valid string; got 5"),
    ],
)
def test_what_names_no_calculator_is_one_sentence(potential, message):
    with pytest.raises(nc.errors.ConfigError, match=message):
        load_config({"system": {**SYSTEM, "potential": potential}, "starts": ["icosahedron"],
                     "tempering": LADDER})  # fmt: skip


FAILED = (
    r"the calculator broken failed \(OSError: the licence server is away\); the \d+ frames of "
    r".*broken.zarr are kept: mend it and resume"
)
NAN = "energies and forces of broken must be finite; got NaN.*frames of .* are kept"


@pytest.mark.parametrize(("how", "message"), [("raise", FAILED), ("nan", NAN)])
def test_a_calculator_that_fails_on_the_way_leaves_what_was_before(
    how, message, tmp_path, monkeypatch
):
    (tmp_path / "brokenmod.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    left = tmp_path / "left"
    left.write_text("1000000")
    potential = {"ase": "brokenmod:broken", "arguments": {"file": str(left), "how": how}}
    config = load_config(written(tmp_path, system={**SYSTEM, "potential": potential}))
    path = tmp_path / "broken.zarr"
    frames = []

    def stop():
        frames.append(0)
        if len(frames) == 6:
            left.write_text("7")
        return False

    with pytest.raises(nc.errors.DynamicsError, match=message):
        sample(config, path, stop=stop)
    left.write_text("1000000")
    run = sample(config, path, resume=True)
    whole = sample(config, tmp_path / "whole.zarr")
    assert run.complete
    np.testing.assert_array_equal(run.frames().thermal.energies, whole.frames().thermal.energies)
    monkeypatch.delitem(sys.modules, "brokenmod")


def test_what_a_quench_did_before_the_calculator_failed_is_kept(copied):
    run = nc.store.open(copied / "emt.zarr", mode="a")

    class Failing(EMT):
        calls = 0

        def calculate(self, *arguments):
            Failing.calls += 1
            if Failing.calls > 200:
                raise RuntimeError("out of memory")
            super().calculate(*arguments)

    failing = nc.potentials.ase(Failing(), "Cu", name="EMT")
    with pytest.raises(nc.errors.PotentialError, match=r"calculator EMT failed .* out of memory"):
        quench_run(run, potential=failing, again=True)
    quench_run(run, potential=nc.potentials.ase(EMT(), "Cu"))
    assert run.committed("quench") == run.n_frames


def test_periodic_starts_are_refused(tmp_path):
    atoms = nc.clusters.build("icosahedron", "Cu", 13)
    atoms.cell, atoms.pbc = [6.0, 6.0, 6.0], True
    atoms.write(tmp_path / "cell.xyz", format="extxyz")
    config = load_config(written(tmp_path, starts=[str(tmp_path / "cell.xyz")]))
    with pytest.raises((ValueError, nc.errors.ConfigError), match=r"periodic|vacuum"):
        sample(config, tmp_path / "cell.zarr")


@pytest.mark.slow
def test_a_search_calls_it(tmp_path):
    potential = make_potential(load_config(written(tmp_path)))
    settings = nc.search.SearchConfig(n_quenches=4, n_walkers=2, max_force=1e-2)
    found = search_run(potential, 13, tmp_path / "s.zarr", settings)
    ih = nc.minimization.quench(nc.clusters.build("icosahedron", "Cu", 13).positions, potential)
    assert found.frames().inherent.energies.min() == pytest.approx(float(ih.energies), abs=1e-3)


def test_a_bias_names_the_calculator_in_its_own_file(copied, tmp_path):
    values = {
        "run": str(copied / "emt.zarr"), "temperature": 400, "variables": ["coordination"],
        "potential": SYSTEM["potential"], "metadynamics": {"height": 0.02}, "walkers": 1,
        "time": 0.0033, "pace": 0.05, "dynamics": {"time_step": 5.0},
    }  # fmt: skip
    config = nc.config.BiasConfig(**values)
    path = tmp_path / "bias.zarr"
    told = []
    run = bias_run(config, path, stop=lambda: told.append(0) or len(told) == 3)
    assert not run.complete
    bare = nc.config.BiasConfig(**{k: v for k, v in values.items() if k != "potential"})
    with pytest.raises(nc.errors.ConfigError, match="which is not called because a run names it"):
        bias_run(bare, path, resume=True)
    run = bias_run(config, path, resume=True)
    assert run.complete
    x = run.frames().thermal.positions[-1, 0]
    assert nc.interop.ChartBias(run).energy_forces(x)[0] > 0.02  # needs no forces of the run


def test_a_ladder_of_one_motif_calls_it(tmp_path):
    tempering = {**LADDER, "time_per_replica": 0.0005, "within": "ih"}
    config = load_config(written(tmp_path, tempering=tempering))
    kept = sample(config, tmp_path / "ih.zarr")
    x = kept.frames().thermal.positions[-1].astype(float)
    minima = nc.minimization.quench(x, make_potential(config))
    assert set(nc.motifs.classify(minima.positions, "Cu")) == {"ih"}
