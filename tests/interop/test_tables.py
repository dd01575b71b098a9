"""Runs as plain tables."""

import gzip

import numpy as np
import pandas as pd
import pytest

import nanochart as nc
from helpers.command import nanochart


def test_a_table_holds_what_the_run_does(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    nc.workflow.label_run(run)
    path = small_copy / "run.csv"
    told = nanochart("export", small_copy / "run.zarr", "--to", "csv", "-q")
    assert told.stdout.strip().endswith("run.csv")
    table, frames = pd.read_csv(path), run.frames()
    n, k = len(frames), frames.n_replicas
    assert len(table) == n * k
    row = table[(table.frame == n - 1) & (table.replica == 1)].iloc[0]
    assert row.energy_eV == pytest.approx(frames.thermal.energies[n - 1, 1])
    assert row.inherent_energy_eV == pytest.approx(frames.inherent.energies[n - 1, 1])
    assert row.temperature_K == frames.thermal.temperatures[n - 1, 1]
    assert row.motif == frames.motifs.labels()[n - 1, 1]
    places = frames.chart("thermal").coordinates[n - 1, 1]
    np.testing.assert_allclose(row[[f"s{j + 1}" for j in range(len(places))]].astype(float), places)


def test_some_frames_are_written_compressed_and_what_is_not_there_is_empty(small_copy):
    run = nc.store.open(small_copy / "run.zarr")
    (path,) = nc.interop.export_csv(run, small_copy / "few.csv.gz", slice(0, 10, 5))
    with gzip.open(path, "rt") as file:
        table = pd.read_csv(file)
    assert set(table.frame) == {0, 5}
    assert "family" not in table


def test_families_have_a_table_of_their_cards(charted):
    run = nc.store.open(charted / "cu38.zarr")
    _, path = nc.interop.export_csv(run, charted / "source.csv")
    cards = pd.read_csv(path)
    recorded = run.info("families")["cards"]
    assert list(cards.family) == [card["name"] for card in recorded]
    assert list(cards.sentence) == [card["sentence"] for card in recorded]
    table = pd.read_csv(charted / "source.csv")
    assert set(table.family) <= {*run.frames().families.names, "unknown"}


def test_structures_of_a_table_are_one_sentence(small_run):
    told = nanochart(
        "export", small_run / "run.zarr", "--to", "csv", "--structures", "inherent", code=1
    )
    assert "csv has none" in told.stderr


def test_structures_carry_motif_family_and_environments(charted):
    from ase.io import read

    run = nc.store.open(charted / "cu38.zarr")
    path = charted / "minima.extxyz"
    nc.interop.export_extxyz(run, path, "inherent", slice(0, 2))
    first = read(path, index=0)
    frames = run.frames()
    assert first.info["motif"] == frames.motifs.labels()[0, 0]
    assert first.info["family"] == frames.families.labels()[0, 0]
    types = nc.motifs.atom_types(first.positions, run.metadata.element)
    numbers = {"other": 0, "fcc": 1, "hcp": 2, "ico": 4, "axis": 5}
    assert list(first.arrays["environment"]) == [numbers[kind] for kind in types]
    again = nc.interop.read_structure(path, "Cu", 38)
    assert len(again) == len(first)
