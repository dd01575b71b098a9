"""Families of a run on disk: the stage, the file, what clears it, the command, populations."""

import json
import shutil

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import FamiliesConfig, load_families
from nanochart.motifs import DESCRIPTORS
from nanochart.workflow import families_run, thermo_run

LADDER = (400.0, 420.0)
N, REPLICAS, ATOMS = 200, 2, 6
QUICK = FamiliesConfig(size=30, refine=False)
IN_THE_CHART = ("--distances", "chart")


def made(path, *, label=True, chart=True, n=N, nan=False):
    """Three groups in a chart of two dimensions: dh, dh with an island, ih."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, (n, REPLICAS))
    centres = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    coordinates = centres[group] + rng.normal(0, 0.08, (n, REPLICAS, 2))
    if nan:
        coordinates[3, 1] = np.nan
    run = nc.store.create(path, element="Au", n_atoms=ATOMS, n_frames=n, n_replicas=REPLICAS,
                          ladder=LADDER, kind="imported", chunk_frames=100, seed=5)  # fmt: skip
    rungs = np.tile(np.arange(REPLICAS), (n, 1))
    corners = 2.0 * np.concatenate([np.eye(3), -np.eye(3)])
    positions = corners + rng.normal(0, 0.1, (n, REPLICAS, ATOMS, 3))
    blocks = {
        "frames": {"positions": positions, "rung": rungs,
                   "energy": rng.normal(-10.0, 0.5, (n, REPLICAS)),
                   "temperature": np.array(LADDER)[rungs]},
        "quench": {"inherent_positions": positions, "quench_converged": np.ones_like(rungs),
                   "inherent_energy": rng.uniform(-12, -10, (n, REPLICAS))},
        "label": {"motif": np.array([0, 0, 1])[group],
                  **{f"defect_{name}": np.zeros((n, REPLICAS)) for name in DESCRIPTORS},
                  "defect_hcp_islands": (group == 1).astype(float)},
        "train": {"split": np.where(np.arange(n)[:, None] < 0.8 * n, 0, [1, 2])},
        "chart": {"chart": coordinates, "inherent_chart": coordinates},
    }  # fmt: skip
    left_out = {"label": not label, "chart": not chart}
    for stage, data in blocks.items():
        if not left_out.get(stage):
            for block in list(run.pending(stage)):
                run.write(stage, block.start, {k: np.asarray(v)[block] for k, v in data.items()})
    return run, group


@pytest.fixture(scope="module")
def run_with_families(tmp_path_factory):
    run, group = made(tmp_path_factory.mktemp("families") / "au6.zarr")
    return run, group, families_run(run, QUICK)


def test_families_are_written_named_and_saved(run_with_families):
    run, group, found = run_with_families
    codes = nc.store.open(run.path).to_xarray()["family"].to_numpy()
    assert codes.dtype == np.int16
    assert codes.min() >= 0
    assert sorted(found.names) == ["dh/1", "dh/2", "ih/1", "noise"]
    assert run.info("families")["names"] == list(found.names)
    for k in range(3):
        inside = codes[(group == k)]
        assert (inside == np.bincount(inside).argmax()).mean() > 0.95
    chart = run.to_xarray()["inherent_chart"].to_numpy()
    np.testing.assert_array_equal(
        load_families(run.path.with_suffix(".families")).assign(chart), codes
    )


def test_cards_know_the_planted_island(run_with_families):
    run, _, found = run_with_families
    sentences = {card["name"][:2]: card["sentence"] for card in found.cards}
    assert sentences["ih"].startswith("icosahedra")
    assert "decahedra with one hcp island" in {card["sentence"] for card in found.cards}
    for card in found.cards:  # walkers that never exchange: nothing is known, and no digits stand
        assert card["population"]["value"] == [None, None]
        assert "not mixed" in card["population"]["why"]
    assert json.loads(json.dumps(run.info("families")["cards"])) == json.loads(
        json.dumps(found.cards)
    )


def test_measures_of_a_run(run_with_families):
    measures = run_with_families[2].provenance["measures"]
    assert measures["purity"] > 0.95
    assert 0.4 < measures["trustworthiness"] < 0.65  # the chart knows nothing of these positions
    assert measures["explained_by_families"] > 0.9
    assert measures["explained_by_chance"] < 0.1


def test_populations_of_families_by_mbar(run_with_families):
    run, _, found = run_with_families
    result = thermo_run(run, nc.tempering.ThermodynamicsConfig(5, 40), labels="family")
    assert set(result.populations) <= set(found.names)
    total = sum(p.value for p in result.populations.values())
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_populations_of_what_is_not_there_are_refused(tmp_path):
    run, _ = made(tmp_path / "plain.zarr")
    with pytest.raises(StoreError, match=r"has 0 grouped frames of .*: run `nanochart families"):
        thermo_run(run, labels="family")
    with pytest.raises(ValueError, match="labels must be one of motif, family; got 'colour'"):
        thermo_run(run, labels="colour")


def test_a_new_chart_drops_the_families(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    for block in list(run.pending("families")):
        codes = np.ones((block.stop - block.start, run.metadata.n_replicas), np.int16)
        run.write("families", block.start, {"family": codes})
    assert run.committed("families") == run.committed()
    nc.workflow.chart_run(run, nc.autoencoder.load(small_copy / "run.nanochart"))
    assert run.committed("families") == 0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"label": False}, "has 0 labelled frames of .*: run `nanochart label"),
        ({"chart": False}, "has 0 charted frames of .*: run `nanochart chart"),
        ({"nan": True}, "has NaN in 1 frames: run `nanochart chart"),
    ],
)
def test_a_run_that_is_not_ready_is_one_sentence(tmp_path, settings, sentence):
    run, _ = made(tmp_path / "run.zarr", **settings)
    with pytest.raises(StoreError, match=sentence):
        families_run(run, QUICK)
    assert run.committed("families") == 0


def test_ten_structures_are_too_few(tmp_path):
    run, _ = made(tmp_path / "run.zarr", n=5)
    with pytest.raises(ValueError, match="at least 50 quenched frames to be told apart; got 10"):
        families_run(run)
    assert not run.path.with_suffix(".families").exists()


def test_the_command_prints_a_table_and_json(run_with_families, tmp_path):
    path = tmp_path / "copy.zarr"
    shutil.copytree(run_with_families[0].path, path)
    table = nanochart("families", path, *IN_THE_CHART, "--size", 30, "-q").stdout
    assert "decahedra with one hcp island" in " ".join(table.split())
    assert "motif purity of 15 neighbours" in table
    result = json.loads(
        nanochart("families", path, *IN_THE_CHART, "--size", 30, "-q", "--json").stdout
    )
    assert [card["name"] for card in result["cards"]] == result["names"][1:]
    assert result["size"] == 30


def test_settings_of_the_command_that_do_not_fit_are_one_sentence(run_with_families):
    done = nanochart("families", run_with_families[0].path, "--size", 1, "-q", code=1)
    assert "size must be greater than or equal to 2; got 1" in done.stderr
    assert done.stderr.count("\n") == 1


class Decoder:
    """What families need of a model."""

    rdf, n_bins = nc.descriptors.RDF(r_min=2.0, r_max=12.0, n_bins=50, sigma=0.2), 50

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint

    def decode(self, s):
        """Functions that tell places apart by the first coordinate alone."""
        return 0.1 + 0.01 * s[:, :1] * np.sin(np.arange(50))


def test_distances_are_those_of_the_decoder_of_the_model(tmp_path):
    run, group = made(tmp_path / "au6.zarr")
    run.record_info("chart", {"model": "abc"})
    found = families_run(run, QUICK, model=Decoder("abc"))
    assert found.provenance["distances"] == "reconstruction"
    # The groups 0 and 2 differ in the second coordinate, of which the functions know nothing.
    assert found.n_families == 2
    codes = run.to_xarray()["family"].to_numpy()
    assert np.bincount(codes[group != 1]).argmax() != np.bincount(codes[group == 1]).argmax()


def test_a_refused_run_keeps_its_file_of_families(tmp_path):
    run, _ = made(tmp_path / "au6.zarr")
    path = run.path.with_suffix(".families")
    path.write_text("as it was")
    with (
        nc.store.open(run.path, mode="a").lock(),
        pytest.raises(StoreError, match="is being written by"),
    ):
        families_run(nc.store.open(run.path, mode="a"), QUICK)
    assert path.read_text() == "as it was"


def test_a_descriptor_that_some_structures_lack_is_judged_on_the_others(tmp_path):
    run, group = made(tmp_path / "au6.zarr")
    offset = np.where(group == 2, np.nan, 0.0)  # no axis in one motif: undefined there
    with run.lock():
        run.clear("label")
        for block in list(run.pending("label")):
            run.write("label", block.start, {
                "motif": np.array([0, 0, 1])[group][block],
                **{f"defect_{n}": np.zeros((N, REPLICAS))[block] for n in DESCRIPTORS},
                "defect_hcp_islands": (group == 2).astype(float)[block],
                "defect_axis_offset": offset[block],
            })  # fmt: skip
    measures = families_run(run, QUICK).provenance["measures"]
    # Islands tell the third group apart, which the undefined offset must not shut out.
    assert measures["explained_by_families"] > 0.9


def test_half_of_the_sample_is_the_largest_size(tmp_path):
    run, _ = made(tmp_path / "au6.zarr")
    with pytest.raises(ValueError, match="size must be at most half of the sample of"):
        families_run(run, FamiliesConfig(size=5000))


def test_another_model_than_that_of_the_chart_is_one_sentence(tmp_path):
    run, _ = made(tmp_path / "au6.zarr")
    run.record_info("chart", {"model": "abc"})
    with pytest.raises(ModelError, match=r"the one that charted .*, abc; got xyz: run `nan"):
        families_run(run, QUICK, model=Decoder("xyz"))
    assert run.committed("families") == 0


def test_a_missing_model_is_one_sentence(tmp_path):
    run, _ = made(tmp_path / "au6.zarr")
    done = nanochart("families", run.path, "-q", code=1)
    assert "whose decoder says how far apart two places are: name it with --model" in done.stderr
