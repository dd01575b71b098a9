"""Starts of a ladder: lowest minima, runs that hold minima, and what is said of the others."""

import json
import re

import ase.io
import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart.clusters import known_minima
from nanochart.config.run import check_files
from nanochart.errors import ConfigError
from nanochart.search import SearchConfig
from nanochart.testing import LennardJones
from nanochart.workflow import found_minima, sample, search_run, start_words
from nanochart.workflow.starts import make_starts, stream_of

COPPER = nc.potentials.gupta("Cu")


def copper(*starts, n_atoms=20, **changes):
    system = {"metal": "Cu", "n_atoms": n_atoms, **changes}
    return small_config(system=system, starts=list(starts))


def gold(*starts):
    return small_config(system={"n_atoms": 147}, starts=list(starts))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A search of 20 atoms of copper that found minima of several motifs."""
    path = tmp_path_factory.mktemp("starts") / "cu20.zarr"
    settings = SearchConfig(seed=2, n_quenches=40, keep=12)
    return search_run(COPPER, 20, path, settings, random_starts=True)


def lowest_by_motif(run):
    lowest = {}
    for minimum in found_minima(run):
        lowest.setdefault(minimum.motif, minimum.energy)
    return lowest


def test_a_run_of_a_search_starts_a_ladder_at_the_lowest_minimum_of_each_motif(found):
    lowest = lowest_by_motif(found)
    assert len(lowest) > 1
    starts = make_starts(copper(str(found.path)), COPPER)
    assert starts.names == tuple(lowest)
    np.testing.assert_allclose(COPPER.energy(starts.positions), list(lowest.values()), atol=1e-5)
    for motif, energy in lowest.items():
        one = make_starts(copper(f"{found.path}:{motif}"), COPPER)
        assert one.names == (motif,)
        assert COPPER.energy(one.positions[0]) == pytest.approx(energy, abs=1e-5)


def test_a_ladder_from_a_search_goes_on_without_the_search(found, tmp_path):
    config = copper(str(found.path)).replaced(tempering={"time_per_replica": 0.005})
    whole = sample(config, tmp_path / "whole.zarr")
    motifs = tuple(lowest_by_motif(found))
    assert whole.metadata.start_motifs == tuple(motifs[k % len(motifs)] for k in range(3))
    path = tmp_path / "run.zarr"
    sample(config, path, stop=lambda: True)
    moved = found.path.rename(found.path.with_name("away.zarr"))
    try:
        resumed = sample(config, path, resume=True)
    finally:
        moved.rename(found.path)
    assert resumed.to_xarray().equals(whole.to_xarray())


def test_the_stream_of_a_ladder_depends_on_the_minima_and_not_on_their_folder(found, tmp_path):
    link = tmp_path / "other.zarr"
    link.symlink_to(found.path)
    motif = next(iter(lowest_by_motif(found)))
    streams = [
        stream_of(copper(start), COPPER)
        for start in (f"{found.path}:{motif}", f"{link}:{motif}", str(found.path))
    ]
    assert streams[0] == streams[1] != streams[2]


def test_a_search_with_a_potential_of_ones_own_starts_a_ladder_with_it(tmp_path):
    own = LennardJones()
    settings = SearchConfig(seed=2, n_quenches=8, keep=3)
    run = search_run(own, 13, tmp_path / "lj13.zarr", settings, random_starts=True)
    config = small_config(system={"metal": "Au", "n_atoms": 13}, starts=[str(run.path)])
    starts = make_starts(config, own)
    energy = found_minima(run)[0].energy
    assert own.energy_forces(starts.positions[:1])[0][0] == pytest.approx(energy, abs=1e-4)
    with pytest.raises(ConfigError, match=r"potential that is sampled, Gupta Au; got "):
        make_starts(config, nc.potentials.gupta("Au"))


def test_a_search_with_a_table_starts_a_ladder_with_it(tmp_path):
    COPPER.write_setfl(tmp_path / "cu.alloy", 2_000, 2_000)
    table = nc.potentials.eam(tmp_path / "cu.alloy", "Cu")
    settings = SearchConfig(seed=2, n_quenches=8, keep=3)
    run = search_run(table, 20, tmp_path / "cu20.zarr", settings, random_starts=True)
    config = copper(str(run.path), potential=str(tmp_path / "cu.alloy"))
    starts = make_starts(config, table)
    energy = found_minima(run)[0].energy
    assert table.energy(starts.positions[0]) == pytest.approx(energy, abs=1e-5)
    with pytest.raises(ConfigError, match=r"must be those of the potential that is sampled, Gupta"):
        make_starts(copper(str(run.path)), COPPER)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"n_atoms": 21}, r"must be of the cluster that is sampled, Cu21; got Cu20"),
        ({"metal": "Ag"}, r"must be of the cluster that is sampled, Ag20; got Cu20"),
    ],
)
def test_a_run_of_another_cluster_is_no_start(config, sentence, found):
    asked = copper(str(found.path), **config)
    with pytest.raises(ConfigError, match=rf"starts: the minima of .*cu20.zarr {sentence}"):
        make_starts(asked, nc.potentials.gupta(asked.system.metal))


def test_a_run_without_the_minima_that_are_asked_for_is_no_start(found, small_run, tmp_path):
    lacking = next(m for m in nc.motifs.LABELS if m not in lowest_by_motif(found))
    with pytest.raises(
        ConfigError, match=rf"cu20.zarr holds no minimum of {lacking}, of its motif"
    ):
        make_starts(copper(f"{found.path}:{lacking}"), COPPER)
    settings = SearchConfig(seed=2, n_quenches=40)
    begun = search_run(
        COPPER, 20, tmp_path / "begun.zarr", settings, random_starts=True, stop=lambda: True
    )
    with pytest.raises(ConfigError, match=r"begun.zarr holds no labelled minima: let its search"):
        make_starts(copper(str(begun.path)), COPPER)
    sampled = small_run / "run.zarr"  # quenched, and not labelled
    with pytest.raises(ConfigError, match=r"run.zarr holds no labelled minima.*nanochart label"):
        make_starts(small_config(starts=[str(sampled)]), nc.potentials.gupta("Au"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"starts: .*empty"):
        make_starts(copper(str(tmp_path / "empty")), COPPER)


def test_what_a_user_may_call_a_start_is_checked_when_it_is_read(found, monkeypatch):
    monkeypatch.chdir(found.path.parent)
    checked = check_files(copper("best", "best:dh", "cu20.zarr", "cu20.zarr:fcc"))
    assert checked.starts == ("best", "best:dh", str(found.path), f"{found.path}:fcc")
    for wrong in ("best:gold", "icosahedron:dh", "cu20.zarr:gold", "none.zarr:dh"):
        with pytest.raises(ConfigError, match=r"a run with minima, RUN or RUN:dh; got .*no such"):
            check_files(copper(wrong))


@pytest.mark.parametrize(("start", "motif"), [("best", "dh"), ("best:ih", "ih")])
def test_the_best_start_is_the_lowest_minimum_known(start, motif):
    potential = nc.potentials.gupta("Au")
    starts = make_starts(gold(start), potential)
    energy = known_minima("Au", 147)[motif].energy
    assert potential.energy(starts.positions[0]) == pytest.approx(energy, abs=2e-5)
    assert starts.above == ()


def test_where_no_search_is_on_record_the_best_start_is_built():
    potential = nc.potentials.gupta("Au")
    config = small_config(starts=["best", "best:fcc", "octahedron"])
    energies = potential.energy(make_starts(config, potential).positions)
    np.testing.assert_allclose(energies, energies[2], atol=1e-6)  # the octahedron of 38 atoms
    with pytest.raises(
        ConfigError, match=r"no minimum of mix is known of Au38, .*search --motif mix"
    ):
        make_starts(small_config(starts=["best:mix"]), potential)


def test_a_start_above_a_known_minimum_is_told_with_what_takes_that_one(tmp_path):
    """Of built structures and of files; the rosette lies 0.95 eV below the Mackay icosahedron."""
    built = nc.clusters.build("icosahedron", "Au", 147)
    ase.io.write(tmp_path / "mine.xyz", built)
    config = gold("decahedron", "icosahedron", str(tmp_path / "mine.xyz"), "random")
    starts = make_starts(config, nc.potentials.gupta("Au"))
    known = built.info["above_known"]
    assert [each["start"] for each in starts.above] == ["icosahedron", "mine.xyz"]
    assert [each["motif"] for each in starts.above] == ["ih", "ih"]
    assert [each["energy"] for each in starts.above] == pytest.approx([known, known], abs=1e-5)


def test_a_start_is_judged_by_its_own_motif_whatever_it_was_built_as():
    config = gold("hcp")
    (told,) = make_starts(config, nc.potentials.gupta("Au")).above
    assert told["motif"] == "twin"
    assert told["energy"] == pytest.approx(0.38, abs=0.01)


def test_higher_minima_beside_the_lowest_of_their_motif_are_meant():
    assert make_starts(gold("icosahedron", "best:ih"), nc.potentials.gupta("Au")).above == ()
    (told,) = make_starts(
        gold("icosahedron", "icosahedron", "best:dh"), nc.potentials.gupta("Au")
    ).above
    assert told["motif"] == "ih"


def test_the_commands_say_when_a_start_lies_above_a_known_minimum(tmp_path):
    sentence = (
        "icosahedron: 0.95 eV above the lowest known minimum of its motif, ih, of Au147; starts: "
        "best:ih takes that one"
    )
    config = gold("icosahedron").replaced(
        tempering={"t_min": 300.0, "t_max": 310.0, "n": 2, "discard": 0, "time_per_replica": 5e-4}
    )
    values = config.model_dump(mode="json", exclude_none=True)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))
    done = nanochart("sample", "run.yaml", cwd=tmp_path)
    assert f"sample: starts: 1/1, 0 s, start {sentence}" in done.stderr
    assert "2 replicas of" in done.stderr  # the estimate is said, too
    assert f"start {sentence}" in done.stdout
    assert start_words(nc.store.open(tmp_path / "run.zarr")) == [f"start {sentence}"]
    assert f"start       {sentence}" in nanochart("info", tmp_path / "run.zarr").stdout
    facts = json.loads(nanochart("info", tmp_path / "run.zarr", "--json").stdout)
    assert facts["made_from"]["starts"] == [f"start {sentence}"]
    values["tempering"]["t_max"] = 330.0
    (tmp_path / "tune.yaml").write_text(yaml.safe_dump(values))
    tuned = nanochart("sample", "tune.yaml", "--tune-ladder", "--pilot", "20ps", cwd=tmp_path)
    assert sentence in tuned.stderr


def test_starts_that_no_rung_takes_are_named(tmp_path):
    said = []
    sample(
        small_config(
            starts=["octahedron", "decahedron", "icosahedron", "twin"],
            tempering={"time_per_replica": 0.002},
        ),
        tmp_path / "run.zarr", progress=lambda stage, *more: said.append((stage, more[-1])),
    )  # fmt: skip
    assert ("starts", "4 starts on 3 rungs: no replica starts from twin") in said


def test_a_search_says_of_which_motifs_it_did_not_find_the_lowest_known(tmp_path):
    done = nanochart(
        "search", "Au", 147, "--quenches", 8, "--keep", 8, "--output", tmp_path / "au.zarr"
    )
    said = re.findall(
        r"^lowest (\w+) found: ([\d.]+) eV above the lowest known minimum of its motif of Au147; "
        r"search for longer \(--patience\), or with --motif (\w+)$", done.stdout, re.MULTILINE
    )  # fmt: skip
    known, lowest = known_minima("Au", 147), lowest_by_motif(nc.store.open(tmp_path / "au.zarr"))
    above = {m: e - known[m].energy for m, e in lowest.items() if m in known}
    assert "ih" in above
    assert {m: float(e) for m, e, _ in said} == pytest.approx(
        {m: e for m, e in above.items() if e > 1e-3}, abs=0.006
    )
