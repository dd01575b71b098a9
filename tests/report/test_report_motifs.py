"""The report's sections on motifs and families."""

import dataclasses
import re

import numpy as np
import pytest

import nanochart as nc
from nanochart.report.figures.exchange import temperature_walks
from nanochart.report.figures.style import category_colors
from nanochart.report.page.motif import family_section, motif_section
from nanochart.report.page.page import FigureCard, Gallery, Missing, Table
from nanochart.report.page.run_data import RunData
from nanochart.report.page.run_results import Bias, RunResults
from nanochart.report.page.sampling import sampling_section
from nanochart.statistics import Estimate


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, small_run):
    """A small run with labels and two made-up families of its walkers' starts."""
    import shutil

    folder = tmp_path_factory.mktemp("labelled")
    shutil.copytree(small_run / "run.zarr", folder / "run.zarr")
    run = nc.store.open(folder / "run.zarr", mode="a")
    nc.workflow.label_run(run)
    shape = (run.committed(), run.metadata.n_replicas)
    family = np.ones(shape, np.int16)
    family[:, 1] = 2
    family[0, 0] = 0
    with run.lock():
        for block in list(run.pending("families")):
            run.write("families", block.start, {"family": family[block]})
    card = {
        "share": 0.5, "minima": 3, "purity": 0.97, "energy_low": 0.0, "energy_high": 1.5,
        "sentence": "decahedra with an adatom", "representative": (2, 0),
    }  # fmt: skip
    cards = [card | {"name": "dh/1"}, card | {"name": "fcc/1", "representative": (1, 1)}]
    found = {"families": {"cards": cards, "measures": {"purity": 0.95}}}
    motif = run.frames().motifs.codes
    rungs = run.frames().thermal.rungs
    for name, codes, n in (("motif", motif, len(nc.motifs.LABELS)), ("family", family, 3)):
        shares = [
            [(codes[rungs == k] == label).mean() for k in range(shape[1])] for label in range(n)
        ]
        value = np.array(shares)
        error = np.full_like(value, 0.05)
        found[f"{name}_populations"] = Estimate.of(value, error, 30.0, value > 0.02)
    return RunData(run.frames(), run.metadata, RunResults(**found))


def kinds(section, kind):
    return [item for item in section.items if isinstance(item, kind)]


def test_motif_section_counts_what_is_there(labelled):
    section = motif_section(labelled, 64)
    (table,) = kinds(section, Table)
    codes = labelled.motif_codes
    counts = {row[0].split()[0]: int(row[1]) for row in table.rows}
    for k, name in enumerate(nc.motifs.LABELS):
        assert counts.get(name, 0) == (codes == k).sum()
    (figure,) = kinds(section, FigureCard)
    panel = figure.drawn().axes[0]
    assert panel.get_xlabel() == "temperature (K)"
    drawn = [line for line in panel.lines if len(line.get_xdata()) == 3]
    total = sum(line.get_ydata() for line in drawn if line.get_linestyle() in {"-", ":"})
    assert total == pytest.approx(100.0)
    known = sum(len(bars.lines[0].get_ydata()) for bars in panel.containers)
    open_ones = sum(line.get_mfc() == "white" for line in panel.lines)
    assert known == (labelled.results.motif_populations.value > 0.02).sum()
    assert open_ones == len(panel.containers)
    (gallery,) = kinds(section, Gallery)
    assert [picture.name for picture in gallery.drawn()] == list(counts)


def test_family_section_has_cards_and_representatives(labelled):
    section = family_section(labelled, 64)
    cards, measures = kinds(section, Table)
    assert cards.rows[0][0] == "dh/1"
    assert cards.rows[0][-1] == "Decahedra with an adatom"
    assert measures.rows[0][1] == "0.950"
    (gallery,) = kinds(section, Gallery)
    assert [picture.name for picture in gallery.drawn()] == ["dh/1", "fcc/1"]
    assert all(figure.drawn() for figure in kinds(section, FigureCard))


def test_what_is_missing_names_its_command(opened):
    run = RunData(opened.frames(), opened.metadata)
    for section, command in (
        (motif_section(run, 64), "nanochart label RUN"),
        (family_section(run, 64), "nanochart families RUN"),
    ):
        (missing,) = kinds(section, Missing)
        assert missing.command == command


def test_where_no_population_is_known_no_section_prints_one(labelled):
    why = "the ladder is not mixed"
    nothing = Estimate.unknown(np.full((6, 3), 0.54), why)
    found = dataclasses.replace(
        labelled.results, motif_populations=nothing, family_populations=nothing
    )
    run = dataclasses.replace(labelled, results=found)
    for section in (motif_section(run, 64), family_section(run, 64)):
        assert [f"Populations are unknown. {why[0].upper()}{why[1:]}."] == [
            m.text for m in kinds(section, Missing)
        ]
        assert not [card for card in kinds(section, FigureCard) if "populations" in card.name]
        cells = [c for t in kinds(section, Table) for row in t.rows for c in row[:2]]
        said = " ".join([section.text, *(i.caption for i in kinds(section, FigureCard)), *cells])
        assert not re.search(r"\d\s*%", said)


def test_a_biased_run_shows_the_families_of_its_source(labelled):
    bias = Bias("opes", (450.0,), ("s1", "s2"), ("1", "1"), ("dh/1", "fcc/1"), (), "au38.zarr")
    run = dataclasses.replace(labelled, results=dataclasses.replace(labelled.results, bias=bias))
    section = family_section(run, 64)
    (cards,) = kinds(section, Table)
    assert [row[0] for row in cards.rows] == ["dh/1", "fcc/1"]
    assert "Those of au38.zarr" in section.text
    sampling = sampling_section(run, 64)
    assert "OPES along s1, s2 at 450 K: " in sampling.text
    assert "started from dh/1, fcc/1" in sampling.text
    assert "Parallel tempering" not in sampling.text


def test_walkers_that_start_from_any_frame_are_not_named_one_by_one():
    ladder = (300.0, 400.0)
    bias = Bias("opes", ladder, ("s1",), ("1",), (), (), "au38.zarr")
    assert bias.started == "started from frames of au38.zarr"
    figure = temperature_walks(np.full((4, 2), 300.0), noun="walker")
    assert [p.get_title("left") for p in figure.axes] == ["walker 0", "walker 1"]


def test_families_have_shades_of_their_motif():
    colors = category_colors(["dh/1", "dh/2", "dh/3", "ih/1", "noise"])
    assert len(set(colors)) == 5
    assert colors[3] == category_colors(["ih"])[0]
