"""The explorer: what it shows of a run, and that a browser shows it."""

import json
import os
import shutil
from colorsys import rgb_to_hsv
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import nanochart as nc
from helpers.command import nanochart
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import decimate
from nanochart.report import Explorer, Property, StructureBlock, write_explorer
from nanochart.report.structures.atom_types import ATOM_TYPE_COLORS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


# ------------------------------------------------------------------------------- decimation


def test_nothing_is_left_out_of_few():
    chosen = decimate(30, 30)
    assert chosen.complete
    np.testing.assert_array_equal(chosen.indices, np.arange(30))


def crowd():
    """Of 20,000 structures: families of 12,000, 7,940 and 7, and 53 of noise; random energies."""
    rng = np.random.default_rng(4)
    families = np.repeat([1, 2, 3, 0], [12_000, 7_940, 7, 53])
    rng.shuffle(families)
    return families, rng.normal(size=len(families))


def test_decimation_keeps_every_family_and_every_outlier():
    families, energies = crowd()
    chosen = decimate(len(families), 2_000, families=families, extremes=(energies, -energies))
    kept = chosen.indices
    assert len(kept) == len(np.unique(kept)) == 2_000
    assert (families[kept] == 3).sum() == 7
    assert (families[kept] == 0).sum() == chosen.n_noise == chosen.n_noise_total == 53
    order = np.argsort(energies)
    assert set(order[:100]) | set(order[-100:]) <= set(kept.tolist())
    assert chosen.n_extreme == 200
    # The rest is a fair sample: 12,000 to 7,940.
    share = (families[kept] == 1).sum() / (families[kept] > 0).sum()
    assert abs(share - 12_000 / 19_947) < 4 * np.sqrt(0.24 / 1_900)


def test_noise_gets_half_of_the_choice_at_most():
    families = np.repeat([0, 1], [5_000, 500])
    chosen = decimate(5_500, 400, families=families)
    assert chosen.n_noise == 200
    assert (families[chosen.indices] == 1).sum() == 200


def test_many_small_families_all_stay():
    families = np.arange(3_000) % 30 + 1
    chosen = decimate(3_000, 400, families=families)
    assert set(families[chosen.indices]) == set(range(1, 31))
    assert len(chosen.indices) == 400


def test_decimation_repeats_with_its_seed():
    families, _ = crowd()
    a, b, c = (decimate(20_000, 500, families=families, seed=s).indices for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_too_small_a_choice_is_refused():
    with pytest.raises(ValueError, match="at least 30, ten for each of 3 families; got 29"):
        decimate(100, 29, families=np.arange(100) % 3 + 1)


# ------------------------------------------------------------------------------------- page


def explorer(**changes):
    values = {
        "title": "Au2",
        "subtitle": "",
        "element": "Au",
        "n_atoms": 2,
        "color": "#ffffff",
        "radius": 1.4,
        "properties": [Property("x", np.arange(2.0)), Property("y", np.arange(2.0))],
        "axes": ("x", "y"),
        "blocks": [StructureBlock(np.zeros((2, 2, 3)))],
    }
    return Explorer(**{**values, **changes})


def test_page_needs_two_numbers(tmp_path):
    with pytest.raises(ValueError, match="two properties with numbers"):
        write_explorer(explorer(properties=[Property("x", np.arange(2.0))]), tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_properties_must_agree_in_length(tmp_path):
    uneven = [Property("x", np.arange(2.0)), Property("y", np.arange(3.0))]
    with pytest.raises(ValueError, match=r"one length; got 2 with numbers and lengths \[2, 3\]"):
        write_explorer(explorer(properties=uneven), tmp_path / "a.html")


def test_structures_must_be_finite_and_nothing_is_left_behind(tmp_path):
    broken = [StructureBlock(np.full((2, 2, 3), np.nan))]
    with pytest.raises(ValueError, match=r"must be finite and within 327\.68 Å"):
        write_explorer(explorer(blocks=broken), tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_categories_are_limited():
    with pytest.raises(ValueError, match="at most 20 categories"):
        Property("c", np.zeros(2), categories=tuple("abcdefghijklmnopqrstu"), colors=("#fff",) * 21)


def test_text_cannot_leave_its_script(tmp_path):
    page = write_explorer(explorer(title="</script><script>alert(1)"), tmp_path / "a.html")
    text = page.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "Copyright" in text  # the viewer's licence travels with it


def test_a_family_has_one_colour_whichever_others_are_shown():
    names = ("noise", "dh/1", "dh/2", "dh/3", "dh/4", "ih/1", "7 smaller families")
    colors = nc.report.category_colors(names)
    assert len(set(colors)) == len(names)
    for name, color in zip(names, colors, strict=True):
        assert nc.report.category_colors((name,)) == (color,)
    assert colors[1] == nc.report.category_colors(("dh",))[0]


def test_what_is_pooled_has_no_motifs_hue():
    red, green, blue = to_rgb(nc.report.category_colors(("7 smaller families",))[0])
    assert max(red, green, blue) - min(red, green, blue) < 0.1


def test_types_of_atoms_share_no_hue_with_motifs():
    def hue(color):
        return 360.0 * rgb_to_hsv(*to_rgb(color))[0]

    atoms = [hue(c) for name, c in ATOM_TYPE_COLORS.items() if name != "other"]
    motifs = [hue(c) for c in nc.report.category_colors(nc.motifs.LABELS)]
    apart = np.abs(np.subtract.outer(atoms, motifs))
    assert np.minimum(apart, 360.0 - apart).min() > 14.0


# ---------------------------------------------------------------------------------- command


def test_run_without_a_chart_is_shown_by_energy_and_temperature(tmp_path, small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    for stage in ("train", "chart"):
        run.clear(stage)
    page = nc.workflow.explore_run(run, tmp_path / "a.html")
    assert page.shown == page.total == 300
    assert page.colorings == ("energy", "temperature")


def test_decimation_is_stated_on_the_page(tmp_path, opened):
    page = nc.workflow.explore_run(opened, tmp_path / "a.html", max_structures=50)
    assert (page.shown, page.total) == (50, 300)
    assert "Of 300 structures 50 are shown" in page.path.read_text(encoding="utf-8")


def test_model_of_another_cluster_is_refused(tmp_path, opened, small_run):
    from dataclasses import replace

    model = replace(nc.autoencoder.load(small_run / "run.nanochart"), n_atoms=55)
    with pytest.raises(ModelError, match="charts Au55"):
        nc.workflow.explore_run(opened, tmp_path / "a.html", model)
    assert not list(tmp_path.iterdir())


def test_run_without_frames_is_refused(tmp_path):
    run = nc.store.create(
        tmp_path / "new.zarr", element="Au", n_atoms=38, n_frames=10, n_replicas=1
    )
    with pytest.raises(StoreError, match="has no frames yet"):
        nc.workflow.explore_run(run, tmp_path / "a.html")


# ---------------------------------------------------------------------------------- browser


@pytest.fixture(scope="module")
def labelled(small_run, tmp_path_factory):
    """The small run with motifs, and its page."""
    folder = tmp_path_factory.mktemp("explored")
    shutil.copytree(small_run, folder / "copy")
    run = nc.store.open(folder / "copy" / "run.zarr", mode="a")
    nc.workflow.label_run(run)
    model = nc.autoencoder.load(folder / "copy" / "run.nanochart")
    return run, nc.workflow.explore_run(run, folder / "page.html", model).path


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; its absence is an error where it is required."""
    required = os.environ.get("NANOCHART_REQUIRE_CHROMIUM")
    if CHROMIUM is None:
        if required:
            pytest.fail("NANOCHART_REQUIRE_CHROMIUM is set and there is no chromium on the path")
        pytest.skip("there is no chromium on the path")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # Drawing in software: there is no display. Root, as in a container, needs no sandbox.
        flags = ["--enable-unsafe-swiftshader", "--use-angle=swiftshader", "--no-sandbox"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page(browser, labelled):
    """The page of the labelled run, opened once; complaints and requests are collected."""
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.complaints, opened.requests = [], []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and opened.complaints.append(said.text))
    opened.on("request", lambda request: opened.requests.append(request.url))
    opened.goto(labelled[1].as_uri())
    opened.wait_for_function("document.documentElement.dataset.ready === 'yes'", timeout=120_000)
    opened.wait_for_timeout(1_200)  # the map marks its active point a second after it is drawn
    yield opened
    opened.close()


#: Place of a point of the map on the screen.
PLACE = """(k) => {
  const plot = explorer.map._plot, layout = plot._fullLayout, box = plot.getBoundingClientRect();
  const trace = plot._fullData[0];
  return [box.left + layout.xaxis._offset + layout.xaxis.l2p(trace.x[k]),
          box.top + layout.yaxis._offset + layout.yaxis.l2p(trace.y[k])];
}"""
#: What the structure viewer draws now, and of which structure.
DRAWN = """() => {
  const grid = explorer.structure, cell = grid._cellsData.get(grid.active);
  const atoms = cell.viewer._current.model.selectedAtoms({});
  return [cell.current.structure, atoms.map((a) => [a.x, a.y, a.z])];
}"""


def lonely(run):
    """The structure whose neighbours on the first two axes of the chart are farthest."""
    points = run.to_xarray()["inherent_chart"].to_numpy().reshape(-1, 2)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(len(points))
    return int(distance.min(axis=1).argmax())


def test_a_click_on_a_point_shows_its_structure(page, labelled):
    run, _ = labelled
    wanted = lonely(run)
    page.mouse.click(*page.evaluate(PLACE, wanted))
    page.wait_for_function(f"document.getElementById('details').dataset.structure == {wanted}")
    page.wait_for_timeout(300)
    shown, atoms = page.evaluate(DRAWN)
    assert shown == wanted
    frame, replica = divmod(wanted, 3)
    data = run.to_xarray().isel(frame=frame, replica=replica)
    expected = data["inherent_positions"].to_numpy().astype(float)
    expected -= expected.mean(axis=0)
    np.testing.assert_allclose(atoms, expected, atol=0.0051)  # half of 0.01 Å, and rounding
    told = page.inner_text("#details")
    assert f"frame {frame}, replica {replica}" in told
    motif = nc.motifs.LABELS[int(data["motif"])]
    assert f"· {motif} ·" in told
    types = nc.motifs.atom_types(expected, "Au")
    legend = page.inner_text("#atom-legend").split()
    counts = dict(zip(legend[::2], map(int, legend[1::2]), strict=True))
    assert counts == {name: int((types == name).sum()) for name in nc.motifs.ATOM_TYPES}
    assert page.complaints == []
    assert page.requests == [labelled[1].as_uri()]


def test_points_take_the_colours_of_the_legend(page, labelled):
    run, _ = labelled
    page.click("[data-color=motif]")
    page.wait_for_timeout(500)
    scale = page.evaluate("explorer.map._plot._fullLayout.coloraxis.colorscale")
    colors = nc.report.category_colors(nc.motifs.LABELS)
    present = np.unique(run.to_xarray()["motif"].to_numpy())
    assert {color for _, color in scale} == {colors[k] for k in present}
    legend = page.inner_text("#map-legend")
    assert [name for name in nc.motifs.LABELS if name in legend.split()] == [
        nc.motifs.LABELS[k] for k in present
    ]
    assert page.complaints == []


@pytest.fixture(scope="module")
def solid(tmp_path_factory):
    """A page with three axes, of random points and two atoms each."""
    x = np.random.default_rng(0).normal(size=(3, 40))
    axes = [Property(f"s{k + 1}", x[k]) for k in range(3)]
    halves = {"categories": ("left", "right"), "colors": ("#0072b2", "#d55e00")}
    axes.append(Property("side", (x[0] > 0).astype(float), button=True, **halves))
    pairs = np.zeros((40, 2, 3))
    pairs[:, 0, 0] = 2.9
    shown = explorer(properties=axes, axes=("s1", "s2", "s3"), blocks=[StructureBlock(pairs)])
    return write_explorer(shown, tmp_path_factory.mktemp("solid") / "page.html")


def test_axes_turn_to_three_dimensions_and_back(browser, solid):
    page = browser.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(solid.as_uri())
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'", timeout=120_000)
    for view, kind in (("0 1 2", "scatter3d"), ("2 1", "scattergl"), ("0 1 2", "scatter3d")):
        page.click(f"[data-view='{view}']")
        page.wait_for_function(f"explorer.map._plot._fullData[0].type === '{kind}'")
        page.wait_for_timeout(500)
        told = page.evaluate("explorer.saveSettings().map")
        chosen = [told[axis]["property"] for axis in "xyz"]
        assert chosen == [f"s{int(k) + 1}" for k in view.split()] + [""] * (3 - len(view.split()))
        # The legend names the categories; a bar that numbers them stays away.
        page.wait_for_function("explorer.map._plot._fullLayout.coloraxis.showscale === false")
    page.close()
    assert complaints == []


def test_command_writes_the_page(small_copy):
    done = nanochart("explore", small_copy / "run.zarr", "--json", "--quiet")
    told = json.loads(done.stdout)
    assert told["structures"] == told["shown"] == 300
    assert Path(told["page"]) == small_copy / "run-explore.html"
    page = Path(told["page"]).read_text("utf-8")
    assert "Copyright" in page  # the viewer is in it
    assert "inherent energy" in page


def test_export_holds_the_run(opened, tmp_path):
    import gzip

    file = tmp_path / "run.json.gz"
    assert nc.workflow.export_chemiscope(opened, file, "inherent", slice(None, None, 10)) == 30
    held = json.loads(gzip.decompress(file.read_bytes()))
    assert len(held["structures"]) == 30
    assert held["structures"][4]["size"] == 38
    data = opened.to_xarray().isel(frame=10, replica=1)
    np.testing.assert_allclose(
        held["structures"][4]["x"], data["inherent_positions"][:, 0], atol=1e-5
    )
    assert held["properties"]["s1"]["values"][4] == pytest.approx(float(data["inherent_chart"][0]))


@pytest.mark.parametrize("size", [(1440, 900), (1100, 680)])
def test_the_table_of_numbers_stays_in_its_card_and_scrolls(browser, labelled, size):
    page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.goto(labelled[1].as_uri())
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'", timeout=120_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
    page.evaluate("""() => {
      const panel = document.querySelector('#info > *').shadowRoot;
      panel.querySelector('.chsp-info-structure-btn').focus();
    }""")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('#info > *').shadowRoot.querySelector('.chsp-info-table.show')"
    )
    top, card, held, shown = page.evaluate("""() => {
      const panel = document.querySelector('#info > *').shadowRoot;
      const table = panel.querySelector('.chsp-info-table.show');
      return [table.getBoundingClientRect().top,
        document.getElementById('structure').getBoundingClientRect().top,
        table.scrollHeight, table.clientHeight];
    }""")
    assert top >= card - 1
    assert held > shown  # more than fits, behind a bar


def test_the_legend_shows_one_category_alone_by_the_keyboard(page):
    page.click("[data-color=motif]")
    page.wait_for_timeout(300)
    entries = page.query_selector_all("#map-legend button")
    colors = "explorer.map._plot._fullLayout.coloraxis.colorscale.map((pair) => pair[1])"
    everything = page.evaluate(colors)
    entries[0].focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert entries[0].get_attribute("aria-pressed") == "true"
    seen = {color for color in page.evaluate(colors) if color.startswith("#")}
    assert len(seen) == 1
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert entries[0].get_attribute("aria-pressed") == "false"
    assert page.evaluate(colors) == everything
    assert page.complaints == []
