"""The command search: a run that others read, resumed to the same bits, and its mistakes."""

import json

import ase.io
import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from nanochart.errors import StoreError
from nanochart.search import SearchConfig
from nanochart.workflow import found_minima, search_run

CONFIG = SearchConfig(seed=2, n_quenches=40, keep=12)


@pytest.fixture(scope="module")
def copper():
    return nc.potentials.gupta("Cu")


@pytest.fixture(scope="module")
def found(copper, tmp_path_factory):
    """A search of 20 atoms of copper, which was not stopped."""
    path = tmp_path_factory.mktemp("search") / "cu20.zarr"
    return search_run(copper, 20, path, CONFIG, random_starts=True)


def stop_after(n):
    """An answer that is True from the n-th time on."""
    asked = iter(range(1_000))
    return lambda: next(asked) + 1 >= n


def test_a_search_is_a_run_of_quenched_and_labelled_minima(found, copper):
    assert found.complete
    frames = found.frames().require("quench").require("label")
    x = frames.inherent.positions[:, 0]
    energies, forces = copper.energy_forces(x)
    np.testing.assert_allclose(frames.inherent.energies[:, 0], energies, atol=1e-6)
    assert (np.diff(energies) > 0).all()
    assert np.abs(forces).max() < 1e-4  # of positions in single precision
    np.testing.assert_array_equal(frames.thermal.positions[:, 0], x)
    assert frames.inherent.converged.all()
    minima = found_minima(found)
    assert [m.motif for m in minima] == list(nc.motifs.classify(x, "Cu"))
    assert [m.point_group_order for m in minima] == [nc.search.point_group_order(y) for y in x]
    assert all(m.log_frequencies is not None for m in minima)
    assert nc.store.open(found.path).verify() == []


def test_a_search_that_was_stopped_goes_on_to_the_same_minima(found, copper, tmp_path):
    path = tmp_path / "run.zarr"
    stopped = search_run(
        copper, 20, path, CONFIG, random_starts=True, stop=stop_after(4), resume=False
    )
    assert not stopped.complete
    resumed = search_run(copper, 20, path, CONFIG, random_starts=True, resume=True)
    assert resumed.complete
    assert resumed.to_xarray().equals(found.to_xarray())


def test_a_search_can_be_made_longer(found, copper, tmp_path):
    path = tmp_path / "run.zarr"
    short = SearchConfig(seed=2, n_quenches=24, keep=12)
    search_run(copper, 20, path, short, random_starts=True)
    longer = search_run(copper, 20, path, CONFIG, random_starts=True, resume=True)
    assert longer.to_xarray().equals(found.to_xarray())
    again = search_run(copper, 20, path, CONFIG, random_starts=True, resume=True)
    assert again.to_xarray().equals(found.to_xarray())


def test_a_search_goes_on_with_its_own_settings(found, copper, small_run, tmp_path):
    other = SearchConfig(seed=3, n_quenches=40, keep=12)
    with pytest.raises(StoreError, match=r"searched with other settings \(search.seed was 2, is 3"):
        search_run(copper, 20, found.path, other, random_starts=True, resume=True)
    with pytest.raises(StoreError, match="is a search of Cu20, and Cu21 was asked for"):
        search_run(copper, 21, found.path, CONFIG, random_starts=True, resume=True)
    with pytest.raises(StoreError, match="is not of a search"):
        search_run(copper, 20, small_run / "run.zarr", CONFIG, resume=True)
    with pytest.raises(StoreError, match="is a run already: resume it"):
        search_run(copper, 20, found.path, CONFIG)
    assert tmp_path.exists()


def test_a_run_without_a_search_has_no_found_minima(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    nc.workflow.label_run(run)
    with pytest.raises(StoreError, match="is not of a search: make one with"):
        found_minima(run)


def test_the_command_finds_the_icosahedron_of_silver(tmp_path):
    made = nanochart(
        "search", "Ag", 13, "--quenches", 60, "--seed", 1, "--export", "ag.extxyz", "--keep", 5,
        "--json", "-q", cwd=tmp_path,
    )  # fmt: skip
    result = json.loads(made.stdout)
    lowest = result["minima"][0]
    assert (lowest["motif"], lowest["point_group_order"]) == ("ih", 120)
    assert result["quenches"] == 60
    written = ase.io.read(tmp_path / "ag.extxyz", ":")
    assert len(written) == len(result["minima"]) == 5
    shown = nanochart("info", "ag13-minima.zarr", cwd=tmp_path).stdout
    assert "5 of 5 frames" in shown


def test_a_configuration_says_what_to_search(tmp_path):
    (tmp_path / "cu.yaml").write_text(
        "system: {metal: Cu, n_atoms: 13}\nseed: 4\n"
        "tempering: {t_min: 100, t_max: 200, n: 2, swap_interval: 1, time_per_replica: 0.01}\n"
    )
    nanochart("search", "cu.yaml", "--quenches", 8, "--keep", 3, "-q", cwd=tmp_path)
    run = nc.store.open(tmp_path / "cu13-minima.zarr")
    assert (run.metadata.element, run.metadata.n_atoms, run.metadata.seed) == ("Cu", 13, 4)


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["Ag"], "the number of atoms must follow the metal", 1),
        (["Pt", 13], "the metal of a search must be one of Au, Ag, Cu, or --potential", 1),
        (["Xx", 13], "Xx", 1),
        (["Ag", 13, "--motif", "cube"], "motif of a search must be one of", 1),
        (["none.yaml"], "there is no configuration none.yaml", 1),
        (["none.yaml", 13], "leave ATOMS and --potential away", 1),
        (["Ag", 2], "ATOMS", 2),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, arguments, sentence, code):
    done = nanochart("search", *arguments, "-q", cwd=tmp_path, code=code)
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
