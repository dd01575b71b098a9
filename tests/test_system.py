"""The system that a run stores, and that no later command needs the file it came from."""

import json
import shutil

import ase.io
import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from helpers.stored import as_before_seals
from nanochart.config import load_bias_config, load_config
from nanochart.config.changes import Change, changes
from nanochart.errors import StoreError
from nanochart.store import share_stream, stream_seed
from nanochart.system import System
from nanochart.tempering import TemperingConfig, initialize_tempering, langevin_segment, step
from nanochart.workflow import (
    bias_run,
    chart_run,
    families_run,
    fes_run,
    label_run,
    quench_run,
    refine_run,
    sample,
    track_run,
    train_run,
)
from nanochart.workflow.starts import make_starts, stream_of
from nanochart.workflow.system import make_dynamics

GOLD = nc.potentials.gupta("Au")


def platinum_table(path, potential=GOLD):
    """A table of a metal that has no Gupta potential."""
    potential.write_setfl(path, 2_000, 2_000)
    path.write_text(path.read_text().replace("Au", "Pt"))
    return path


def platinum_frames(path, n=3):
    atoms = nc.clusters.build("icosahedron", "Au", 55)
    atoms.symbols[:] = "Pt"
    atoms.info.clear()
    frames = []
    for seed in range(n):
        frames.append(atoms.copy())
        frames[-1].rattle(0.1, seed=seed)
    ase.io.write(path, frames)
    return path


def imported(folder):
    table = platinum_table(folder / "pt.setfl")
    return nc.interop.import_trajectories(
        [platinum_frames(folder / "pt.xyz")],
        folder / "run.zarr",
        potential=nc.potentials.eam(table, "Pt"),
    )


def edit_metadata(path, **changes):
    """Change attributes of a run's group, as an earlier version would have written them."""
    root = path / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"].update(changes)
    root.write_text(json.dumps(document))
    as_before_seals(path)


# --------------------------------------------------------------------------------- system


def test_a_system_knows_its_cluster():
    system = System.pure(GOLD, 38)
    assert (len(system), system.formula, system.elements) == (38, "Au38", ("Au",))
    assert system.masses.shape == (38,)
    assert not system.masses.flags.writeable
    assert system.nearest_neighbour() == system.nearest_neighbour("Au", "Au") == 2.88


def test_the_distance_of_a_metal_that_only_a_table_knows_is_the_tables(tmp_path):
    potential = nc.potentials.eam(platinum_table(tmp_path / "pt.setfl"), "Pt")
    assert System.pure(potential, 5).nearest_neighbour() == potential.nearest_neighbour


@pytest.mark.parametrize(
    ("species", "masses", "sentence"),
    [
        (["Au", "Au"], [197.0], r"one mass \(amu\) for each of its atoms.*got 2 species"),
        (["Au"], [-1.0], r"masses of a system \(amu\) must be above 0; got -1"),
        (["Au", "Ag"], [197.0, 108.0], r"Gupta Au does not know Ag"),
    ],
)
def test_a_system_that_cannot_be_is_refused(species, masses, sentence):
    with pytest.raises(ValueError, match=sentence):
        System(species, masses, GOLD)


def test_a_distance_of_another_species_is_refused():
    with pytest.raises(ValueError, match=r"must be of Au, those of Au2; got Ag and Au"):
        System.pure(GOLD, 2).nearest_neighbour("Au", "Ag")


# --------------------------------------------------------------------------- stored systems


def test_a_stored_table_gives_equal_bits_without_its_file(tmp_path):
    run = imported(tmp_path)
    potential = nc.potentials.eam(tmp_path / "pt.setfl", "Pt")
    (tmp_path / "pt.setfl").unlink()
    stored = nc.store.open(run.path).system
    assert (stored.formula, stored.potential.mass) == ("Pt55", potential.mass)
    x = run.to_xarray()["positions"].to_numpy().astype(float)
    for a, b in zip(potential.energy_forces(x), stored.potential.energy_forces(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stored_formula_gives_equal_bits(opened):
    x = opened.to_xarray()["positions"][:5].to_numpy().astype(float)
    stored = nc.store.open(opened.path).system.potential
    for a, b in zip(GOLD.energy_forces(x), stored.energy_forces(x), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("place", [0.02, 0.3, 0.9])
def test_a_flipped_bit_of_a_stored_table_is_refused(tmp_path, place):
    run = imported(tmp_path)
    file = run.path / "restart" / "files" / "system"
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"system, which holds the potential of the run, is damag"):
        _ = nc.store.open(run.path).system


def test_other_numbers_in_the_metadata_are_refused(small_copy):
    path = small_copy / "run.zarr"
    known = dict(nc.store.open(path).metadata.potential)
    edit_metadata(path, potential={**known, "xi": 1.9})
    with pytest.raises(StoreError, match=r"not the one that the run's zarr.json describes"):
        _ = nc.store.open(path).system


def test_a_run_made_before_systems_were_stored_opens_with_its_formula(small_copy):
    path = small_copy / "run.zarr"
    (path / "restart" / "files" / "system").unlink()
    run = nc.store.open(path, mode="a")
    assert not run.holds_system
    assert run.system.potential.parameters == GOLD.parameters
    quench_run(run, again=True)
    assert run.holds_system


def test_changed_digits_in_the_formula_of_an_earlier_run_are_refused(small_copy):
    path = small_copy / "run.zarr"
    (path / "restart" / "files" / "system").unlink()
    known = dict(nc.store.open(path).metadata.potential)
    edit_metadata(path, potential={**known, "r0": 2.98})
    with pytest.raises(StoreError, match=r"numbers of its potential do not fit each other.*zarr"):
        _ = nc.store.open(path).system


def test_a_run_made_before_with_a_table_takes_it_once(tmp_path):
    run = imported(tmp_path)
    (run.path / "restart" / "files" / "system").unlink()
    for command in ("quench", "label"):
        said = nanochart(command, run.path, "-q", code=1).stderr
        if command == "quench":
            assert "quench" in said
            assert "--potential pt.setfl`, and it is stored in the run" in " ".join(said.split())
    nanochart("quench", run.path, "--potential", tmp_path / "pt.setfl", "-q")
    (tmp_path / "pt.setfl").unlink()
    nanochart("quench", run.path, "--again", "-q")
    nanochart("label", run.path, "-q")


def test_a_run_without_a_potential_says_how_to_give_one(tmp_path):
    run = nc.interop.import_trajectories([platinum_frames(tmp_path / "pt.xyz")], tmp_path / "r")
    with pytest.raises(StoreError, match=r"no Gupta potential of its metal, Pt: give an eam/alloy"):
        quench_run(run)
    quench_run(run, table=platinum_table(tmp_path / "pt.setfl"))
    assert nc.store.open(run.path).system.potential.name == "EAM Pt (pt.setfl)"


def test_minima_of_two_potentials_do_not_mix(tmp_path):
    frames = platinum_frames(tmp_path / "pt.xyz")
    run = nc.interop.import_trajectories([frames], tmp_path / "r")
    quench_run(run, table=platinum_table(tmp_path / "pt.setfl"))
    silver = nc.potentials.gupta("Ag")
    softer = platinum_table(tmp_path / "soft.setfl", silver)
    softer.write_text(softer.read_text().replace("Ag", "Pt"))
    with pytest.raises(StoreError, match=r"those of the potential EAM Pt \(pt.setfl\).*--again"):
        quench_run(run, table=softer)
    quench_run(run, table=softer, again=True)
    assert nc.store.open(run.path).system.potential.name == "EAM Pt (soft.setfl)"


def test_a_table_under_another_name_is_the_same_potential(tmp_path):
    run = imported(tmp_path)
    shutil.move(tmp_path / "pt.setfl", tmp_path / "platinum.setfl")
    quench_run(run, table=tmp_path / "platinum.setfl")
    assert run.committed("quench") == run.committed()


# ------------------------------------------------------------- no file is needed afterwards


def test_every_stage_of_a_run_of_a_table_works_without_the_table(tmp_path):
    table = tmp_path / "gold.setfl"
    GOLD.write_setfl(table)
    config = {
        "system": {"metal": "Au", "n_atoms": 38, "potential": str(table)},
        "starts": ["octahedron", "icosahedron"],
        "tempering": {"t_min": 300, "t_max": 500, "n": 3, "swap_interval": 1,
                      "time_per_replica": 0.12},
        "training": {"target": "inherent", "bottleneck": 2, "epochs": 1, "batch_size": 64},
    }  # fmt: skip
    settings = load_config(config)
    run = sample(settings, tmp_path / "au.zarr")
    table.unlink()
    quench_run(run)
    label_run(run)
    model = train_run(run, tmp_path / "au.nanochart", settings.training)
    chart_run(run, model)
    families_run(run, model=model, measures=False)
    bias = {"run": "au.zarr", "temperature": 400, "variables": ["s1"], "opes": {"barrier": 0.2},
            "walkers": 2, "time": 0.06, "pace": 0.5}  # fmt: skip
    (tmp_path / "opes.yaml").write_text(yaml.safe_dump(bias))
    asked = load_bias_config(tmp_path / "opes.yaml")
    biased = bias_run(asked, tmp_path / "opes.zarr")
    assert biased.system.potential.name == "EAM Au (gold.setfl)"
    names = run.info("families")["names"]
    stop = {"between": [names[1], names[-1]], "error": 0.02}
    for length, error in ((0.04, 0.02), (0.05, 0.05)):  # resumed with another error of its stop
        values = {**bias, "time": length, "stop": {**stop, "error": error}}
        (tmp_path / "stop.yaml").write_text(yaml.safe_dump(values))
        settings = load_bias_config(tmp_path / "stop.yaml")
        stopping = bias_run(settings, tmp_path / "stop.zarr", resume=length > 0.04)
    assert stopping.committed() == round(length / 0.0005)
    fes_run(biased, by="family")
    (found,) = refine_run(run, asked)
    assert found.frames == 240


@pytest.fixture
def from_file(tmp_path, monkeypatch):
    """A run from a start of the user's, whose file is gone, seen from another folder."""
    made, elsewhere = tmp_path / "made", tmp_path / "elsewhere"
    made.mkdir()
    elsewhere.mkdir()
    nc.clusters.build("octahedron", "Au", 38).write(made / "mine.xyz")
    monkeypatch.chdir(made)
    config = small_config(starts=["mine.xyz"], tempering={"time_per_replica": 0.004})
    sample(config, made / "run.zarr")
    (made / "mine.xyz").unlink()
    monkeypatch.chdir(elsewhere)
    return made / "run.zarr"


def test_a_run_from_a_file_needs_it_no_more(from_file, small_run, tmp_path):
    run = nc.store.open(from_file, mode="a")
    quench_run(run)
    label_run(run)
    assert run.committed("label") == run.committed() == 8
    model = nc.autoencoder.load(small_run / "run.nanochart")
    nc.workflow.chart_run(run, model)
    x = run.to_xarray()["positions"][:, 0].to_numpy()
    frames = [nc.interop.to_atoms(p, "Au") for p in x]
    ase.io.write(tmp_path / "frames.xyz", frames)
    assert len(track_run(run, tmp_path / "frames.xyz", model)) == 8


def test_a_run_made_before_paths_were_absolute_is_read(from_file):
    config = dict(nc.store.open(from_file).metadata.config)
    edit_metadata(from_file, config={**config, "starts": ["mine.xyz"]})
    run = nc.store.open(from_file, mode="a")
    quench_run(run)
    assert run.committed("quench") == run.committed() > 0


def test_a_resumed_run_from_a_file_asks_what_it_stored(from_file, tmp_path):
    """The sphere of the dynamics was made of the start: another file must not move it."""
    config = load_config(nc.store.open(from_file).metadata.config)
    whole = tmp_path / "made"
    nc.clusters.build("octahedron", "Au", 38).write(whole / "mine.xyz")
    longer = config.replaced(tempering={"time_per_replica": 0.008})
    sample(longer, whole / "whole.zarr")
    far = nc.clusters.build("octahedron", "Au", 38)
    far.positions *= 1.1
    far.write(whole / "mine.xyz")
    resumed = sample(longer, from_file, resume=True)
    never_stopped = nc.store.open(whole / "whole.zarr").to_xarray()
    np.testing.assert_array_equal(resumed.to_xarray()["positions"], never_stopped["positions"])


def test_quenching_a_run_without_frames_is_one_sentence(tmp_path):
    size = {"element": "Au", "n_atoms": 38, "n_frames": 4, "n_replicas": 1}
    nc.store.create(tmp_path / "run.zarr", **size, kind="imported")
    said = nanochart("quench", tmp_path / "run.zarr", "-q", code=1).stderr
    assert "has no frames to quench: sample or import some first" in " ".join(said.split())


# -------------------------------------------------------------------------------- changes


def test_changes_are_data_by_path():
    was = {"seed": 1, "stop": {"error": 0.02, "between": ["a", "b"]}, "old": 3}
    now = {"seed": 1, "stop": {"error": 0.05, "between": ["a", "b"]}, "new": [1]}
    found = changes(was, now)
    assert found == (
        Change(("stop", "error"), 0.02, 0.05),
        Change(("old",), 3, None),
        Change(("new",), None, [1]),
    )
    assert str(found[0]) == "stop.error was 0.02, is 0.05"
    assert [c.within("stop") for c in found] == [True, False, False]


# -------------------------------------------------------------------------------- streams


def one_temperature(T, **changes):
    """Cu38 at one temperature, 0.1 ns."""
    values = {
        "system": {"metal": "Cu", "n_atoms": 38},
        "starts": ["octahedron"],
        "tempering": {"temperatures": [T], "swap_interval": 1.0, "time_per_replica": 0.3},
    }
    return load_config({**values, **changes})


def test_runs_of_one_seed_do_not_share_their_noise(tmp_path):
    """Equal noise synchronizes neighbouring temperatures: their energies correlated by 0.98."""
    a = sample(one_temperature(150.0), tmp_path / "a.zarr")
    b = sample(one_temperature(155.0), tmp_path / "b.zarr")
    first, second = (run.to_xarray()["energy"][100:, 0].to_numpy() for run in (a, b))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.5
    assert a.metadata.stream != b.metadata.stream


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"training": {"epochs": 3}, "quench": {"max_force": 1e-3}}, True),
        ({"starts": ["twin"]}, False),
        ({"dynamics": {"time_step": 2.5}}, False),
        ({"seed": 1}, False),
        ({"system": {"metal": "Ag", "n_atoms": 38}}, False),
    ],
)
def test_the_stream_is_that_of_what_is_sampled(changes, same):
    first, other = one_temperature(150.0), one_temperature(150.0, **changes)
    streams = [stream_of(c, nc.potentials.gupta(c.system.metal)) for c in (first, other)]
    assert (streams[0] == streams[1]) is same


def test_the_stream_does_not_depend_on_length_or_folder(tmp_path, monkeypatch):
    config = one_temperature(150.0)
    copper = nc.potentials.gupta("Cu")
    longer = config.replaced(tempering={"time_per_replica": 9.0})
    assert stream_of(longer, copper) == stream_of(config, copper)
    found = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        nc.clusters.build("twin", "Cu", 38).write(tmp_path / name / f"{name}.xyz")
        monkeypatch.chdir(tmp_path / name)
        found.add(stream_of(config.replaced(starts=[f"{name}.xyz"]), copper))
    assert len(found) == 1


def metadata(**changes):
    facts = {"element": "Au", "n_atoms": 38, "n_replicas": 2, "chunk_frames": 4, "seed": 7}
    return nc.store.Metadata(**{**facts, **changes})


def test_a_run_made_before_streams_goes_on_with_its_seed():
    assert stream_seed(metadata()) == 7
    assert stream_seed(metadata(stream="ff" * 32)) == 2**128 - 1


def test_a_run_made_before_streams_is_resumed_with_equal_bits(tmp_path):
    config = small_config(tempering={"time_per_replica": 0.002})
    path = tmp_path / "run.zarr"
    sample(config, path, stop=lambda: True)
    edit_metadata(path, stream=None)  # killed before its first checkpoint, by an earlier version
    for file in (path / "restart" / "files").glob("checkpoint-*"):
        file.unlink()
    resumed = sample(config, path, resume=True).to_xarray()["positions"]
    starts = make_starts(config, GOLD).positions
    tempering = TemperingConfig(config.tempering.ladder, config.steps_per_round(5.0))
    segment = langevin_segment(GOLD, make_dynamics(config, GOLD, starts))
    state = initialize_tempering(starts, GOLD, tempering, config.seed)
    for _ in range(config.n_discarded + 1):
        state, observed = step(state, segment, tempering)
    x = observed.positions - observed.positions.mean(axis=1, keepdims=True)
    np.testing.assert_array_equal(resumed[0], x.astype(np.float32))


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({}, True),
        ({"seed": 8}, False),
        ({"n_replicas": 3}, False),
        ({"kind": "imported"}, False),
        ({"stream": "ff"}, False),
    ],
)
def test_runs_made_before_streams_share_by_seed_and_size(other, shared):
    assert share_stream(metadata(), metadata(**other)) is shared


def test_a_copy_shares_its_stream():
    assert share_stream(metadata(stream="ab"), metadata(stream="ab"))
    assert not share_stream(metadata(stream="ab"), metadata(stream="cd"))
