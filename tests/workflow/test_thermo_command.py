"""Thermodynamics of a run on disk: labels, discarding, files, figures, the command."""

import csv
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart.errors import StoreError
from nanochart.report.figures.thermodynamics import (
    heat_capacity_curve,
    population_curves,
    reweighted_caloric_curve,
    thermodynamics_cards,
)
from nanochart.statistics import Estimate
from nanochart.store import create
from nanochart.tempering import (
    Ladder,
    ThermodynamicsConfig,
    tempered_sample,
    thermodynamics,
)
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN
from nanochart.workflow import run_config, sample, thermo_run, write_thermo

LADDER = Ladder((300.0, 335.0, 370.0, 400.0, 440.0, 500.0))
MELTING = TwoBasins(energies=(0.0, 0.2863), stiffnesses=(4.0, 1.0))
CONFIG = ThermodynamicsConfig(41, 60)
N_ATOMS = 4


def mixed(n, seed):
    """Energies, rungs and basins (frame, replica), the rungs handed around as exchanges do."""
    rng = np.random.default_rng(seed)
    E, basins = MELTING.draw(LADDER.temperatures, n, 12, rng)
    rungs = rng.permuted(np.tile(np.arange(len(LADDER)), (n, 1)), axis=1)
    return np.take_along_axis(E, rungs, 1), rungs, np.take_along_axis(basins, rungs, 1)


@pytest.fixture(scope="module")
def analysed():
    E, rungs, labels = mixed(300, 1)
    names = {0: "decahedron", 1: "icosahedron"}
    sample = tempered_sample(E, rungs, LADDER)
    return thermodynamics(sample, N_ATOMS, CONFIG, labels=labels, label_names=names, seed=1)


@pytest.fixture
def ladder_run(tmp_path):
    """A run whose energies are those of two basins, with its basins."""
    n, n_replicas = 300, len(LADDER)
    E, rungs, basins = mixed(n, 2)
    run = create(
        tmp_path / "basins.zarr",
        element="Au",
        n_atoms=N_ATOMS,
        n_frames=n,
        n_replicas=n_replicas,
        ladder=LADDER.temperatures,
        kind="imported",
        chunk_frames=100,
        seed=5,
    )
    for k in range(0, n, 100):
        part = slice(k, k + 100)
        run.write_frames(
            k,
            {
                "positions": np.zeros((100, n_replicas, N_ATOMS, 3)),
                "energy": E[part],
                "rung": rungs[part],
                "temperature": np.array(LADDER.temperatures)[rungs[part]],
            },
        )
    return run, basins


class Labelled:
    """A run whose frames have motifs."""

    def __init__(self, run, labels, names=("a", "b")):
        self.run, self.labels, self.names, self.first = run, labels, names, 0

    def __getattr__(self, name):
        return getattr(self.view if "view" in self.__dict__ else self.run, name)

    def committed(self, stage="frames"):
        return self.run.committed() if stage == "label" else self.run.committed(stage)

    def frames(self, first=0, last=None):
        part = Labelled(self.run, self.labels[first:last], self.names)
        part.view = self.run.frames(first, last)
        return part

    def has(self, stage):
        return stage == "label" or self.view.has(stage)

    @property
    def motifs(self):
        return SimpleNamespace(codes=self.labels, names=self.names)


def test_a_run_gives_what_its_arrays_give(ladder_run):
    run, _ = ladder_run
    data = run.to_xarray()
    found = thermo_run(run, CONFIG)
    sample = tempered_sample(data["energy"].values, data["rung"].values, LADDER)
    direct = thermodynamics(sample, N_ATOMS, CONFIG, seed=5)
    np.testing.assert_array_equal(found.heat_capacity.low, direct.heat_capacity.low)
    assert not found.populations


def test_labels_of_a_run_become_populations(ladder_run):
    run, basins = ladder_run
    found = thermo_run(Labelled(run, basins, ("dh", "ih")), CONFIG)
    assert list(found.populations) == ["dh", "ih"]
    k = len(found.temperatures) // 2
    exact = MELTING.population(1, 1 / (BOLTZMANN * found.temperatures[k]), 12)
    p = found.populations["ih"]
    # Twice the interval: one seed of a 95 % interval.
    assert abs(p.value[k] - exact) < p.high[k] - p.low[k]


def test_populations_wait_for_the_last_label(ladder_run):
    run, basins = ladder_run
    partly = basins.copy()
    partly[200:] = -1
    found = thermo_run(Labelled(run, partly), CONFIG)
    assert not found.populations
    assert "some frames have no label yet" in found.warnings[-1]


def test_discarding_leaves_out_the_first_frames(ladder_run, small_run, monkeypatch):
    # Frames of the small run are 0.5 ps apart: 10.2 ps are 21 of them.
    config = run_config(nc.store.open(small_run / "run.zarr"))
    monkeypatch.setattr("nanochart.workflow.thermo.run_config", lambda _: config)
    run, _ = ladder_run
    data = run.to_xarray().isel(frame=slice(21, None))
    found = thermo_run(run, CONFIG, discard=0.0102)
    assert found.n_frames == 279
    sample = tempered_sample(data["energy"].values, data["rung"].values, LADDER)
    expected = sample.at(300.0).mean(sample.energies).value
    np.testing.assert_allclose(found.rung_energy.value[0], expected)


def test_discarding_needs_the_time_between_frames(ladder_run):
    with pytest.raises(ValueError, match=r"time between the frames of .* is not known"):
        thermo_run(ladder_run[0], CONFIG, discard=1.0)


def test_a_run_without_a_ladder_is_refused(tmp_path):
    run = create(
        tmp_path / "plain.zarr", element="Au", n_atoms=4, n_frames=10, n_replicas=1, kind="imported"
    )
    run.write_frames(0, {"positions": np.zeros((10, 1, 4, 3))})
    with pytest.raises(StoreError, match=r"has no ladder with energies and rungs"):
        thermo_run(run)


def test_files_hold_the_numbers(analysed, tmp_path):
    numbers, table = write_thermo(analysed, tmp_path / "new" / "folder")
    read = json.loads(numbers.read_text())
    np.testing.assert_allclose(read["heat_capacity"]["high"], analysed.heat_capacity.high)
    assert read["free_energy_differences"][0]["from"] == "decahedron"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 41
    assert float(rows[7]["population of icosahedron low"]) == pytest.approx(
        analysed.populations["icosahedron"].low[7]
    )


def test_what_is_not_known_is_null(analysed, tmp_path):
    nothing = Estimate.unknown(400.0, "the ladder is not mixed")
    known = analysed.energy.known.copy()
    known[3] = False
    energy = dataclasses.replace(analysed.energy, known=known)
    changed = dataclasses.replace(analysed, melting_temperature=nothing, energy=energy)
    numbers, table = write_thermo(changed, tmp_path)
    text = numbers.read_text()
    assert json.loads(text)["melting_temperature"] == {
        "value": None, "error": None, "low": None, "high": None, "known": False,
        "why": "the ladder is not mixed",
    }  # fmt: skip
    assert "NaN" not in text
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert rows[3]["energy (eV)"] == rows[3]["energy (eV) low"] == ""
    assert rows[4]["energy (eV)"]


def test_figures_show_the_numbers(analysed):
    capacity = heat_capacity_curve(analysed, N_ATOMS).axes[0]
    unit = N_ATOMS * BOLTZMANN
    np.testing.assert_allclose(capacity.lines[0].get_ydata(), analysed.heat_capacity.value / unit)
    assert any(
        list(line.get_xdata()) == [float(analysed.melting_temperature.value)] * 2
        for line in capacity.lines
    )
    caloric = reweighted_caloric_curve(analysed, reference=-1.0).axes[0]
    np.testing.assert_allclose(caloric.lines[0].get_ydata(), analysed.energy.value + 1.0)
    shares = population_curves(analysed).axes[0]
    drawn = [line.get_ydata() for line in shares.lines if line.get_linestyle() == "-"]
    together = np.nansum(drawn, axis=0)[np.isfinite(drawn).all(axis=0)]
    np.testing.assert_allclose(together, 100.0, rtol=1e-9)
    for axes in (capacity, caloric, shares):
        assert axes.get_xlabel() == "temperature (K)"


def test_cards_tell_the_peak_and_the_warnings(analysed):
    cards = thermodynamics_cards(
        dataclasses.replace(analysed, warnings=("too few independent blocks",)), N_ATOMS
    )
    assert [c.name for c in cards] == ["heat-capacity", "caloric-curve-mbar", "populations"]
    assert f"is at {analysed.melting_temperature.value:.0f} K (" in cards[0].caption
    assert "Too few independent blocks." in cards[0].caption


def test_the_command_writes_numbers_and_figures(ladder_run):
    run = ladder_run[0].path
    done = nanochart("thermo", run, "--json", "-q", "--seed", 1, "--resamples", 60)
    result = json.loads(done.stdout)
    assert done.stderr == ""
    folder = run.with_name("basins-thermo")
    names = {p.name for p in folder.iterdir()}
    assert {"thermo.json", "thermo.csv", "heat-capacity.png", "heat-capacity.pdf"} <= names
    seen = [str(p) for p in folder.iterdir() if p.name[0] != "."]  # its own list is hidden
    assert sorted(result["files"]) == sorted(seen)
    assert len(result["temperatures"]) == 101
    assert result["frames"] == 300
    melting = result["melting_temperature"]
    assert melting["low"] < melting["value"] < melting["high"]
    plain = nanochart("thermo", run, "-o", folder, "--seed", 1, "--resamples", 60)
    assert f"melting at {melting['value']:.1f} K" in plain.stdout
    assert "thermo: 101/101" in plain.stderr


def test_a_ladder_with_a_gap_is_one_sentence(tmp_path):
    # Two rungs are too few for 38 atoms.
    sample(small_config(tempering={"t_min": 200.0, "n": 2}), tmp_path / "run.zarr")
    done = nanochart("thermo", tmp_path / "run.zarr", "-q", code=1)
    assert "the ladder does not overlap between" in done.stderr
    assert done.stderr.count("\n") == 1


def test_too_much_discarded_is_one_sentence(small_run):
    done = nanochart("thermo", small_run / "run.zarr", "--discard", "45ps", "-q", code=1)
    assert "at least 20 frames for its errors; got 10" in done.stderr
