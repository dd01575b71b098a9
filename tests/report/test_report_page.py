"""The page: one file that needs nothing else, says what is missing, and trusts no text."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr
from ase.cluster import Icosahedron
from matplotlib.image import imread

from helpers.report_runs import results_of, run_data
from nanochart import report, store, workflow
from nanochart.autoencoder import Reconstruction
from nanochart.report.figures.learning import learning_curves

LADDER = np.array([300.0, 400.0, 500.0, 600.0])
MOTIFS = ("icosahedron", "decahedron")
SAMPLED = ["positions", "energy", "temperature", "rung", "step", "exchange_accepted"]
QUENCHED = ["inherent_positions", "inherent_energy", "quench_converged", "quench_evaluations"]


def _dataset(n_frames=30, n_replicas=4, latent=3, seed=0):
    """A run of 13 atoms with every stage done."""
    rng = np.random.default_rng(seed)
    shape, walker = (n_frames, n_replicas), ("frame", "replica")
    rung = np.array([rng.permutation(n_replicas) for _ in range(n_frames)], np.int16)
    temperature = LADDER[:n_replicas][rung]
    base = Icosahedron("Au", 2).positions
    minima = (base + 0.05 * rng.normal(size=(*shape, 13, 3))).astype(np.float32)
    inherent = -40.0 + rng.gamma(2.0, 0.2, shape)
    split = np.zeros(shape, np.int8)
    split[n_frames // 2 :] = 2
    outcome = rng.integers(-1, 2, (n_frames, max(n_replicas - 1, 1))).astype(np.int8)
    return xr.Dataset(
        {
            "ladder": (("ladder",), LADDER[:n_replicas]),
            "positions": ((*walker, "atom", "xyz"), minima + 0.1),
            "energy": (walker, inherent + 1.4e-3 * temperature),
            "temperature": (walker, temperature),
            "rung": (walker, rung),
            "step": (("frame",), 1000 * np.arange(1, n_frames + 1)),
            "exchange_accepted": (("frame", "pair"), outcome),
            "inherent_positions": ((*walker, "atom", "xyz"), minima),
            "inherent_energy": (walker, inherent),
            "quench_converged": (walker, np.ones(shape, np.int8)),
            "quench_evaluations": (walker, np.full(shape, 100, np.int32)),
            "split": (walker, split),
            "chart": ((*walker, "latent"), rng.normal(size=(*shape, latent)).astype(np.float32)),
            "inherent_chart": ((*walker, "latent"), rng.normal(size=(*shape, latent))),
        }
    )


FACTS = {
    "seed": 7,
    "start_motifs": tuple(MOTIFS[k % 2] for k in range(4)),
    "created": "2025-01-01T00:00:00+00:00",
    "versions": {"nanochart": "0.1.0", "numpy": "2.0"},
    "config": {"dynamics": {"time_step": 5.0}, "metal": "Au"},
}
NAMED = {"name": "a small run", "references": {"icosahedron": -39.9}, "wall_time": 3725.0}


class _Model:
    """Stands in for a trained model."""

    target = "inherent"
    history = {  # noqa: RUF012  # read only
        "epoch": np.arange(1, 6),
        "train_loss": np.linspace(1.0, 0.1, 5),
        "validation_loss": np.linspace(1.1, 0.2, 5),
    }


def _reconstruction(n=20):
    targets = np.random.default_rng(0).gamma(2.0, 1.0, (n, 30))
    kelvin = np.resize(LADDER, n)
    return Reconstruction(np.linspace(2.0, 8.0, 30), targets, 0.99 * targets, targets, kelvin)


def _data(dataset, facts=None, **results):
    """The data set as a run with its facts and results."""
    facts = FACTS if facts is None else facts
    n = dataset.sizes.get("replica", 4)
    if "start_motifs" in facts and len(facts["start_motifs"]) != n:
        facts = {**facts, "start_motifs": facts["start_motifs"][:n]}
    plain = run_data(dataset, **facts)
    return run_data(dataset, results_of(plain.frames, **(NAMED | results)), **facts)


def _sections(dataset, model=None, facts=None, picture_size=40, **results):
    return report.run_sections(_data(dataset, facts, **results), model, picture_size=picture_size)


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def full_page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "deep" / "report.html"
    header, sections = _sections(
        _dataset(), _Model(), picture_size=110, reconstruction=_reconstruction()
    )
    assert report.build_report(sections, path, header=header, dpi=50) == path
    return path.read_text(encoding="utf-8")


def _texts(header, sections):
    """All that a reader reads, without drawing anything."""
    found = [header.title, header.subtitle, *sum(header.tiles + header.facts, ())]
    for section in sections:
        found += [section.title, section.text]
        for item in section.items:
            if isinstance(item, report.Table):
                found += [cell for row in item.rows for cell in row]
            elif isinstance(item, report.Missing):
                found += [item.text, item.command]
            elif isinstance(item, report.Pointer):
                found += [item.text, item.name]
            elif isinstance(item, report.Listing):
                found += [item.title, item.text]
            else:
                found.append(item.caption)
    return "\n".join(found)


# -- one file that needs nothing else --------------------------------------------------------


def test_the_page_loads_nothing_from_anywhere(full_page):
    page = _Page(full_page)
    targets = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action", "poster"}
    ]
    assert targets
    assert all(target.startswith(("data:", "#")) for target in targets)
    plain = re.sub(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", "", full_page)
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", plain)
    assert page.all("meta")[0] == {"charset": "utf-8"}
    assert any("width=device-width" in meta.get("content", "") for meta in page.all("meta"))


def test_every_image_has_a_text_and_a_size_and_every_link_a_place(full_page):
    page = _Page(full_page)
    images = page.all("img")
    assert len(images) > 15
    assert all(len(image["alt"]) > 15 for image in images)
    assert all(int(image["width"]) > 100 and int(image["height"]) > 100 for image in images)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_the_page_tells_its_story_in_order(full_page):
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", full_page)
    assert titles == [
        "Summary",
        "Sampling",
        "Inherent structures",
        "Motifs",
        "Learning",
        "Chart",
        "Families",
        "Provenance",
    ]
    numbers = [int(n) for n in re.findall(r"<b>Figure (\d+)\.</b>", full_page)]
    assert numbers == list(range(1, len(numbers) + 1))
    words = " ".join(_Page(full_page).words)
    for expected in (
        "2025-01-01 00:00:00 UTC",
        "a small run",
        "Au13",
        "1 h 02 min",
        "time_step: 5.0",
        "120 of 120 converged",
    ):
        assert expected in words


def _page(dataset, path, facts=None, **results):
    header, sections = _sections(dataset, facts=facts, **results)
    return report.build_report(sections, path, header=header)


def test_equal_runs_give_equal_pages(tmp_path):
    pages = [
        _page(
            _dataset(n_frames=5)[[*QUENCHED, "temperature"]],
            tmp_path / f"{k}.html",
        ).read_bytes()
        for k in range(2)
    ]
    assert pages[0] == pages[1]


def test_every_text_from_outside_is_escaped(tmp_path):
    nasty = '<script>alert(1)</script> & "quoted"'
    facts = {
        **FACTS,
        "seed": nasty,
        "config": {"name": nasty, "path": "</pre><img src=x onerror=alert(1)>"},
        "versions": {nasty: nasty},
        "start_motifs": (nasty, "twin", nasty, "twin"),
    }
    dataset = _dataset(n_frames=3)[QUENCHED]
    dataset["inherent_positions"][:] = np.nan  # nothing to draw
    written = _page(dataset, tmp_path / "x.html", facts, name=nasty, references={nasty: -39.0})
    page = _Page(written.read_text())
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert nasty in "".join(page.words)


def test_save_figures_writes_every_figure_with_embedded_fonts(tmp_path):
    _, sections = _sections(_dataset(n_frames=4))
    few = [report.Section(s.title, s.text, s.items[:1]) for s in (*sections[2:3], *sections[5:])]
    written = report.save_figures(few, tmp_path / "figures")
    assert {p.suffix for p in written} == {".png", ".pdf"}
    assert all(imread(p).std() > 0.01 for p in written if p.suffix == ".png")  # no blank page
    for pdf in (p for p in written if p.suffix == ".pdf"):
        assert b"/FontFile2" in pdf.read_bytes()
        assert b"/Type3" not in pdf.read_bytes()
    with pytest.raises(ValueError, match="must be among png, pdf and svg; got gif"):
        report.save_figures(few, tmp_path, formats=["gif"])


# -- what is missing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "commands"),
    [
        ([], {"nanochart quench RUN", "nanochart train RUN", "nanochart chart RUN"}),
        (SAMPLED, {"nanochart quench RUN", "nanochart train RUN", "nanochart chart RUN"}),
        (SAMPLED + QUENCHED, {"nanochart train RUN", "nanochart chart RUN"}),
        ([*SAMPLED, *QUENCHED, "chart"], {"nanochart train RUN"}),
    ],
)
def test_a_missing_stage_is_named_with_the_command_that_makes_it(kept, commands):
    _, sections = _sections(_dataset(n_frames=4)[[*kept, "ladder"]])
    missing = {
        item.command
        for section in sections
        for item in section.items
        if isinstance(item, report.Missing)
    }
    named = {"nanochart label RUN", "nanochart families RUN"}  # no case has these
    assert missing - {"nanochart sample CONFIG", ""} == commands | named
    assert ("nanochart sample CONFIG" in missing) == (not kept)


OPTIONAL = ["energy", "temperature", "rung", "step", "exchange_accepted", "ladder"]
OPTIONAL += ["inherent_energy", "quench_evaluations", "split", "chart", "inherent_chart"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_any_variable_may_be_missing_or_never_written(name):
    dataset = _dataset(n_frames=4)
    header, sections = _sections(dataset.drop_vars(name))
    assert len(sections) == 8
    empty = np.nan if dataset[name].dtype.kind == "f" else -1
    blank = dataset.assign({name: xr.full_like(dataset[name], empty)})
    assert _texts(*_sections(blank)) == _texts(header, sections)


@pytest.mark.parametrize("names", [["temperature"], ["energy", "chart"], ["rung", "split"]])
def test_what_is_left_can_be_drawn(names):
    _, sections = _sections(
        _dataset(n_frames=4).drop_vars(names), _Model(), reconstruction=_reconstruction()
    )
    items = [item for section in sections for item in section.items]
    drawn = [i.drawn() for i in items if isinstance(i, report.FigureCard | report.Gallery)]
    assert len(drawn) >= 8


@pytest.mark.parametrize(
    "sizes", [{"n_frames": 1}, {"n_replicas": 1}, {"latent": 1}, {"latent": 5}]
)
def test_runs_of_unusual_sizes_are_reported(sizes):
    _, sections = _sections(_dataset(**{"n_frames": 3, **sizes}))
    cards = [i for s in sections for i in s.items if isinstance(i, report.FigureCard)]
    names = {card.name for card in cards}
    for card in cards[:-2]:
        assert card.wide == (card.drawn().get_figwidth() > 4.0), card.name
    assert ("chart-inherent-energy" in names) == (sizes != {"latent": 1})


def test_no_colouring_of_the_chart_is_drawn_twice_in_full():
    _, sections = _sections(_dataset(n_frames=3))
    chart = next(s for s in sections if s.title == "Chart")
    names = [item.name for item in chart.items if isinstance(item, report.FigureCard)]
    assert len(names) == len({name.rpartition("-")[2] for name in names})


@pytest.mark.usefixtures("undrawn")
def test_the_report_leads_to_the_explorer(small_copy):
    run = store.open(small_copy / "run.zarr")
    page = workflow.report_run(run, small_copy / "run.html").read_text(encoding="utf-8")
    assert "<code>nanochart explore run.zarr</code>" in page
    (small_copy / "run-explore.html").touch()
    page = workflow.report_run(run, small_copy / "run.html").read_text(encoding="utf-8")
    assert '<a href="run-explore.html">the explorer</a>' in page


def test_an_explained_variance_is_at_most_everything():
    epochs = np.arange(1, 6)
    loss = np.array([1.0, 0.5, 0.2, 0.05, 0.001])
    figure = learning_curves({"epoch": epochs, "train_loss": loss, "validation_loss": loss,
                              "explained_variance": 1.0 - loss})  # fmt: skip
    assert figure.axes[1].get_ylim()[1] == 100.0


def test_facts_may_be_few_and_imported_frames_are_called_that():
    dataset = _dataset(n_frames=3)[["positions"]]
    header, _ = _sections(dataset, facts={})
    assert "3 stored frames" in header.subtitle
    header, sections = _sections(dataset, facts={"kind": "imported", "element": "Cu"})
    assert header.subtitle.startswith("Cu13: 3 imported frames")
    assert "another program" in sections[1].text


def test_frames_not_yet_quenched_are_left_out_of_the_energies():
    dataset = _dataset(n_frames=6)
    dataset["inherent_energy"][3:] = np.nan
    dataset["quench_converged"][3:] = -1
    text = _texts(*_sections(dataset))
    assert "12 of 12 converged" in text
    assert f"{dataset['inherent_energy'].values[:3].min():.4f}".replace("-", "−") in text


# -- what it says ----------------------------------------------------------------------------


def test_the_summary_sets_the_lowest_minimum_against_known_structures():
    dataset = _dataset(n_frames=3)
    dataset["inherent_energy"][1, 2] = -41.25
    known = {"icosahedron": -41.0, "glue": -42.0, "same": -41.25}
    text = _texts(*_sections(dataset, references=known))
    assert "−41.2500 eV (frame 1 of replica 2, at" in text
    assert "0.2500 eV below its minimum, −41.0000 eV" in text
    assert "0.7500 eV above its minimum, −42.0000 eV" in text
    assert "equal to its minimum, −41.2500 eV" in text


def test_quenches_that_did_not_converge_are_named():
    dataset = _dataset(n_frames=4)
    dataset["quench_converged"][2, 1] = 0
    text = _texts(*_sections(dataset))
    assert "1 of 16 quenches did not reach their tolerance: frame 2 of replica 1." in text


def test_the_gallery_shows_distinct_minima_from_the_lowest_up():
    dataset = _dataset(n_frames=2, n_replicas=4)
    dataset["inherent_energy"][:] = [[-3.0, -2.9999, -2.5, -1.0], [-2.0, -2.0, -2.0, -2.0]]
    gallery = next(
        item for item in _sections(dataset)[1][2].items if isinstance(item, report.Gallery)
    )
    notes = [picture.note.split(" eV")[0] for picture in gallery.drawn()]
    assert notes == ["+0.000", "+0.500", "+1.000", "+2.000"]


def test_start_structures_are_drawn_where_they_are_given():
    structures = {"icosahedron": Icosahedron("Au", 2).positions}
    _, sections = _sections(_dataset(n_frames=2), start_structures=structures)
    (picture,) = sections[1].items[0].drawn()
    assert picture.name == "start: icosahedron"


def test_explained_variance_is_that_of_the_training_where_it_is_recorded():
    class Recorded(_Model):
        class history:  # noqa: N801  # stands in for an attribute
            curves = ()
            explained_variance = {"train": 0.97, "test": 0.934}  # noqa: RUF012  # read only

    header, _ = _sections(_dataset(n_frames=4), Recorded(), reconstruction=_reconstruction())
    assert ("93.4 %", "explained variance, test frames") in header.tiles
    header, _ = _sections(_dataset(n_frames=4), _Model(), reconstruction=_reconstruction())
    assert any(meaning == "explained variance, test frames" for _, meaning in header.tiles)


def test_time_needs_the_time_step_and_falls_back_to_steps_and_frames():
    dataset = _dataset(n_frames=3)
    time, unit = _data(dataset).time
    assert unit == "ns"
    assert np.allclose(time, [0.005, 0.010, 0.015])
    assert _data(dataset, {}).time[1] == "10⁶ steps"
    assert _data(dataset.drop_vars("step"), {}).time[1] == "stored frames"


def test_narrow_figures_stand_in_pairs_and_a_lone_one_takes_the_row():
    _, sections = _sections(_dataset(n_frames=3))
    places = [place for _, place in sections[1].placed()]
    assert places == ["narrow", "narrow", "wide", "wide", "wide"]
    assert [place for _, place in sections[2].placed()][-1] == "alone"
