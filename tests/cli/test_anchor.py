"""`nanochart anchor` from a quenched run to numbers and figures."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.image import imread

import nanochart as nc
from helpers.command import nanochart
from nanochart.workflow.anchor.starts import lowest_minima


@pytest.fixture(scope="module")
def anchored(small_run):
    """The small run's fcc and mix, with ladders of half a nanosecond."""
    run = small_run / "run.zarr"
    told = nanochart(
        "anchor", str(run), "--motif", "fcc", "--motif", "mix", "--to", "40",
        "--time-per-replica", "500ps", "-o", str(small_run / "anchors"), "-q", "--json",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return small_run, json.loads(told.stdout)


def test_numbers_are_those_of_the_files(anchored):
    folder, result = anchored
    stored = json.loads((folder / "anchors" / "anchor.json").read_text(encoding="utf-8"))
    assert stored["temperatures"] == result["temperatures"]
    assert stored["free_energy_differences"] == result["free_energy_differences"]
    assert result["temperatures"][0] == 20.0
    assert result["temperatures"][-1] == 40.0
    drawn = imread(folder / "anchors" / "anchored-populations.png")
    assert 0.01 < (drawn[..., :3].min(axis=-1) < 0.9).mean() < 0.5
    lines = (folder / "anchors" / "anchor.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(result["temperatures"])


def test_each_ladder_keeps_to_its_motif_and_is_anchored_there(anchored):
    folder, result = anchored
    gold = nc.potentials.gupta("Au")
    for motif in ("fcc", "mix"):
        run = nc.store.open(folder / "anchors" / f"{motif}.zarr")
        x = run.frames().thermal.positions.reshape(-1, 38, 3)
        assert (nc.tempering.motifs_of(gold, x) == motif).all()
        about = result["motifs"][motif]
        assert about["lowest_energy"] < -133.3
        assert about["anchored_in_minima"] >= 1
        assert "alone" in about["verdict"]


def test_at_the_coldest_rung_the_shares_are_those_of_the_vibrations(anchored):
    _, result = anchored
    harmonic = result["populations"]["harmonic"]
    motifs = result["motifs"]
    ratio = motifs["fcc"]["log_harmonic"][0] - motifs["mix"]["log_harmonic"][0]
    assert np.log(harmonic["fcc"][0] / harmonic["mix"][0]) == pytest.approx(ratio)
    # -133.3304 eV with 48 symmetries against -133.3280 eV with two and softer vibrations.
    assert 4.0 < -ratio < 7.0


def test_a_second_command_goes_on_with_the_ladders_and_repeats_its_numbers(anchored):
    folder, result = anchored
    again = nanochart(
        "anchor", str(folder / "run.zarr"), "--motif", "fcc", "--motif", "mix", "--to", "40",
        "--time-per-replica", "500ps", "-o", str(folder / "anchors"), "-q", "--json",
    )  # fmt: skip
    assert json.loads(again.stdout) == result


def test_one_motif_alone_has_its_free_energy_and_nothing_to_compare_with(anchored, tmp_path):
    folder, before = anchored
    run = tmp_path / "run.zarr"
    shutil.copytree(folder / "run.zarr", run)  # what was anchored last is kept with a run
    shutil.copytree(folder / "anchors", tmp_path / "anchors")
    nanochart("label", str(run), "-q")
    told = nanochart(
        "anchor", str(run), "--motif", "fcc", "--to", "40", "--time-per-replica", "500ps",
        "-o", str(tmp_path / "anchors"), "-q", "--json",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    alone = json.loads(told.stdout)
    assert alone["free_energy_differences"] == []
    assert alone["motifs"]["fcc"]["log_partition"] == before["motifs"]["fcc"]["log_partition"]


@pytest.mark.usefixtures("undrawn")
def test_the_report_tells_the_numbers_of_the_command(anchored):
    folder, result = anchored
    run = nc.store.open(folder / "run.zarr")
    page = nc.workflow.report_run(run, folder / "anchored.html").read_text("utf-8")
    assert "Anchored free energies" in page
    (difference,) = result["free_energy_differences"]
    assert difference["anchored"]["value"] == [None, None]  # the ladder of fcc does not mix
    assert "<td>unknown</td>" in page
    assert result["warnings"]
    assert all(warning[1:40] in page for warning in result["warnings"])


def test_temperatures_that_are_asked_for_are_rungs(opened):
    ladder = nc.workflow.anchor_ladder(opened, 20.0, 450.0, (400.0, 300.0, 450.0))
    T = np.array(ladder.temperatures)
    assert {20.0, 300.0, 400.0, 450.0} <= set(T)
    assert np.diff(np.sqrt(T)).max() < 2.5


def test_a_folder_of_another_ladder_is_refused_with_both(anchored):
    folder, result = anchored
    told = nanochart(
        "anchor", str(folder / "run.zarr"), "--motif", "fcc", "--to", "100", "--at", "70",
        "-o", str(folder / "anchors"), "-q", code=1,
    )  # fmt: skip
    sentence = " ".join(told.stderr.split())
    held = ", ".join(f"{T:g}" for T in result["temperatures"])
    assert f"fcc.zarr has the temperatures {held} K, and 20, 41, 70, 100 K are asked" in sentence
    assert "name another folder (--output)" in sentence


def test_what_cannot_be_anchored_is_one_sentence(small_run):
    run = str(small_run / "run.zarr")
    for words, sentence in (
        (["--to", "100", "--motif", "cubic"], "a motif must be one of dh, ih, fcc, twin, mix"),
        (["--to", "100", "--at", "120"], "must be between the coldest, 20, and the hottest, 100"),
        (["--to", "10"], "the coldest temperature (K) must be positive and below the hottest, 10"),
        ([], "give the hottest temperature (--to)"),
    ):
        told = nanochart("anchor", run, "-q", *words, code=1)
        assert sentence in " ".join(told.stderr.split())


def test_minima_have_the_motif_of_where_a_tight_quench_ends(opened, monkeypatch):
    gold = nc.potentials.gupta("Au")

    def motifs_of(potential, x):
        forces = np.abs(potential.energy_forces(x)[1]).max(axis=(1, 2))
        return np.where(forces > 2e-5, "mix", "fcc")

    monkeypatch.setattr("nanochart.workflow.anchor.starts.motifs_of", motifs_of)
    found = lowest_minima([opened], gold, ["fcc", "mix"], 4)
    assert list(found) == ["fcc"]
    assert np.abs(gold.energy_forces(found["fcc"].positions)[1]).max() < 2e-5
