"""Which motif or family a frame of a biased run belongs to, against frames whose own are known."""

import hashlib
import json
import shutil
from dataclasses import replace

import ase.io
import numpy as np
import pytest
from scipy.spatial import cKDTree

import nanochart as nc
from helpers.command import nanochart
from nanochart.autoencoder import TrainingConfig
from nanochart.config import load_bias_config, load_config
from nanochart.errors import ConfigError, ModelError, StoreError
from nanochart.landscape import (
    OWN,
    PLACE,
    check_same_states,
    fit_families,
    load_families,
    place_membership,
)
from nanochart.motifs import LABELS
from nanochart.workflow import (
    bias_run,
    chart_run,
    explore_run,
    export_chemiscope,
    families_run,
    fes_run,
    fes_runs,
    fes_summary,
    label_run,
    quench_run,
    report_run,
    sample,
    thermo_run,
    thermo_summary,
    train_run,
)
from nanochart.workflow.bias.resolve import check_stop, resolve
from nanochart.workflow.bias.run import _create
from nanochart.workflow.fes.run import state_difference
from nanochart.workflow.fes.samples import weighted_frames

#: Rung of the ladder at 522 K, where motifs of Cu38 overlap in the chart.
RUNG = 4


def ladder(folder, name, seed, time=0.6):
    """Cu38 from 300 to 600 K, quenched and labelled."""
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron", "icosahedron", "decahedron"],
            "tempering": {"t_min": 300, "t_max": 600, "n": 6, "swap_interval": 1,
                          "time_per_replica": time, "discard": 0.05},
            "seed": seed,
        }
    )  # fmt: skip
    run = sample(config, folder / f"{name}.zarr")
    quench_run(run)
    label_run(run)
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """``cu38.zarr``, charted and grouped, and ``other.zarr``, replicas no training has seen."""
    folder = tmp_path_factory.mktemp("membership")
    run = ladder(folder, "cu38", 0)
    training = TrainingConfig(target="inherent", bottleneck=2, epochs=3, batch_size=64)
    model = train_run(run, folder / "cu38.nanochart", training)
    chart_run(run, model)
    families_run(run, model=model, measures=False)
    other = ladder(folder, "other", 1)
    chart_run(other, model)
    return folder


def settings(folder, **changes):
    values = {"run": "cu38.zarr", "temperature": 522, "variables": ["s1"], "walkers": 1,
              "time": 0.06, "pace": 0.5, **changes}  # fmt: skip
    path = folder / "bias.yaml"
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return load_bias_config(path)


def left_out(folder):
    """Which replica of the run that no training has seen is on the rung, by frame."""
    return nc.store.open(folder / "other.zarr").to_xarray()["rung"].to_numpy() == RUNG


def disguised(trained, folder):
    """The frames of that rung as a biased run without a bias, its variable s1."""
    data = nc.store.open(trained / "other.zarr").to_xarray()
    there = left_out(trained)
    config = settings(folder, time=0.5e-3 * len(there))
    run = _create(config, folder / "plain.zarr", resolve(config))
    columns = {name: data[name].to_numpy()[there][:, None] for name in ("positions", "energy")}
    columns |= {
        "cv": data["chart"].to_numpy()[there][:, None, :1],
        "temperature": np.full((len(there), 1), 522.0),
        "step": data["step"].to_numpy(),
        **{name: np.zeros((len(there), 1))
           for name in ("kinetic_energy", "bias_energy", "work", "log_weight")},
        "restraint": np.zeros((len(there), 1, 1)),
    }  # fmt: skip
    for block in run.pending():
        run.write_frames(block.start, {name: values[block] for name, values in columns.items()})
    run.finalize()
    return run


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the source, its model and families."""
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if name.endswith("zarr") else shutil.copy)(trained / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def plain(trained, copied):
    """The disguised run, beside a copy of the source."""
    return disguised(trained, copied)


def true_motifs(folder):
    motif = nc.store.open(folder / "other.zarr").to_xarray()["motif"].to_numpy()
    return np.bincount(motif[left_out(folder)], minlength=len(LABELS)) / len(motif)


def true_families(folder):
    """Of the left-out frames' own inherent structures, by hand."""
    families = load_families(folder / "cu38.families")
    s = nc.store.open(folder / "other.zarr").to_xarray()["inherent_chart"].to_numpy()
    codes = families.assign(s[left_out(folder)].astype(float))
    return np.bincount(codes, minlength=len(families.names)) / len(codes)


def old_vote(folder, states, n, axes):
    """Shares by a majority of nine thermal neighbours of all temperatures in some variables."""
    data = nc.store.open(folder / "cu38.zarr").to_xarray()
    chart = data["chart"].to_numpy()[..., axes].reshape(-1, len(axes))
    s = nc.store.open(folder / "other.zarr").to_xarray()["chart"].to_numpy()[left_out(folder)]
    votes = data[states].to_numpy().ravel()[cKDTree(chart).query(s[:, axes], k=9)[1]]
    codes = [np.bincount(v, minlength=n).argmax() for v in votes]
    return np.bincount(codes, minlength=n) / len(codes)


def inside(found, truth):
    p = found.populations.shares
    return bool(((p.low <= truth + 1e-9) & (truth - 1e-9 <= p.high)).all())


# ------------------------------------------------------------------------------- left out


def test_motifs_of_replicas_that_were_left_out_come_back_by_their_own_structures(trained, plain):
    found = fes_run(plain, by="motif", discard=0.0)
    truth = true_motifs(trained)
    assert found.states.definition == OWN
    assert found.states.shares is None
    np.testing.assert_allclose(found.populations.shares.value, truth, atol=0.005)
    assert inside(found, truth)
    # What was asked before: the same frames, told by their thermal neighbours.
    voted = old_vote(trained, "motif", len(LABELS), [0])
    assert np.abs(voted - truth).max() > 0.05


def test_families_are_those_of_all_coordinates_whatever_was_biased(trained, plain):
    found = fes_run(plain, by="family", discard=0.0)
    truth = true_families(trained)
    np.testing.assert_allclose(found.populations.shares.value, truth, atol=0.01)
    assert found.states.names == load_families(trained / "cu38.families").names
    assert found.states.families == load_families(trained / "cu38.families").fingerprint
    families = load_families(trained / "cu38.families")
    s = plain.to_xarray()["inherent_chart"].to_numpy()  # both coordinates, where s1 is biased
    np.testing.assert_array_equal(found.states.codes, families.assign(s.astype(float)))
    assert 0.0 <= found.states.new < 0.2


def test_shares_by_place_are_right_within_their_stated_error(trained, plain):
    states = weighted_frames(plain, 0.0, membership="place").states("motif")
    truth = true_motifs(trained)
    assert states.definition == PLACE
    assert states.shares.shape == (*states.codes.shape, len(LABELS))
    np.testing.assert_allclose(states.shares.sum(axis=-1), 1.0)
    off = np.abs(states.shares.mean(axis=(0, 1)) - truth)
    assert (off <= 2.0 * states.error + 0.005).all()
    voted = old_vote(trained, "motif", len(LABELS), [0])
    assert off.max() < np.abs(voted - truth).max()
    assert plain.committed("quench") == 0  # nothing was made


def test_shares_of_places_do_not_depend_on_how_often_a_bias_visits_them():
    """Two states that overlap; the bias is flat in the chart, and its weights take it out."""
    rng = np.random.default_rng(0)
    n, rare = 6000, 0.1

    def drawn(n):
        b = rng.random(n) < rare
        return rng.normal(np.where(b, 1.5, 0.0)[:, None], 1.0, (n, 1)), b.astype(int)

    points, states = drawn(n)
    places = place_membership(points, states, np.arange(n) // 600, 2)
    s = rng.uniform(-4, 5, (20_000, 1))
    weight = (1 - rare) * np.exp(-0.5 * s[:, 0] ** 2) + rare * np.exp(-0.5 * (s[:, 0] - 1.5) ** 2)
    shares = places.shares(s)
    population = weight @ shares[:, 1] / weight.sum()
    assert population == pytest.approx(rare, abs=3.0 * places.error[1])
    assert places.error[1] < 0.03
    voted = weight @ (shares[:, 1] > 0.5) / weight.sum()
    assert voted < 0.5 * rare  # a vote takes from the rare


def test_the_error_by_place_covers_what_another_run_finds():
    """Groups whose states differ in a way that the chart does not show."""
    inside = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        hidden = rng.normal(0.0, 0.15, 13)
        group = np.repeat(np.arange(13), 150)
        s = rng.normal(size=(len(group), 1))
        states = (rng.random(len(group)) < np.clip(0.5 + hidden[group], 0.0, 1.0)).astype(int)
        new = group == 12
        places = place_membership(s[~new], states[~new], group[~new], 2)
        off = places.shares(s[new])[:, 1].mean() - states[new].mean()
        inside.append(abs(off) <= 1.96 * places.error[1])
    assert np.mean(inside) > 0.88


@pytest.mark.parametrize(
    ("n", "groups", "sentence"),
    [(40, 4, "at least 50 known frames"), (400, 1, "got 400 in 1: sample longer")],
)
def test_too_few_known_frames_are_one_sentence(n, groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        place_membership(np.zeros((n, 1)), np.zeros(n, int), np.arange(n) % groups, 2)


# ------------------------------------------------------------------------------ what is new


def test_minima_far_from_every_family_are_told():
    rng = np.random.default_rng(0)
    families = fit_families(np.concatenate([rng.normal(c, 0.1, (300, 2)) for c in (0.0, 1.0)]))
    points = [[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]]
    assert families.is_new(points).tolist() == [False, False, True]
    assert families.assign(points)[2] == 0
    moved = fit_families(np.concatenate([rng.normal(c, 0.1, (300, 2)) for c in (0.0, 1.2)]))
    assert families.fingerprint != moved.fingerprint
    with pytest.raises(ValueError, match=r"must have the shape \(..., 2\), that of the chart"):
        families.is_new([[1.0]])


def test_the_command_makes_what_is_missing_and_says_what_is_new(trained, copied):
    path = copied / "cu38.families"
    replace(load_families(path), reach=1e-6).save(path)
    source = nc.store.open(copied / "cu38.zarr", mode="a")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source.record_info("families", {**source.info("families"), "sha256": digest})
    plain = disguised(trained, copied)
    text = nanochart("fes", plain.path, "-q").stdout
    assert "states by: own inherent structure" in text
    assert "of the frames are new: their inherent structures are far from every" in text
    assert plain.committed("quench") == plain.committed("chart") == plain.committed()
    assert fes_run(plain).states.new > 0.2


# ------------------------------------------------------------------------------- thinning


def test_of_a_long_run_one_frame_in_so_many_is_quenched_and_counts(trained, plain):
    found = fes_run(plain, by="motif", discard=0.1, every=4)
    n = plain.committed()
    data = plain.to_xarray()
    quenched = data["quench_converged"].to_numpy()[:, 0]
    np.testing.assert_array_equal(quenched >= 0, np.arange(n) % 4 == 0)
    np.testing.assert_array_equal(data["motif"].to_numpy()[:, 0] >= 0, np.arange(n) % 4 == 0)
    np.testing.assert_array_equal(
        np.isfinite(data["inherent_positions"].to_numpy()[:, 0, 0, 0]), np.arange(n) % 4 == 0
    )
    first = -(-int(0.1 * n) // 4) * 4
    own = nc.store.open(trained / "other.zarr").to_xarray()["motif"].to_numpy()[left_out(trained)]
    expected = np.bincount(own[first::4], minlength=len(LABELS)) / len(own[first::4])
    np.testing.assert_allclose(found.populations.shares.value, expected, atol=0.02)
    assert found.populations.shares.value.sum() == pytest.approx(1.0)
    assert found.states.codes.min() >= 0
    # The same frames are asked again, in coarser steps if wanted, and not in finer ones.
    assert len(fes_run(plain, by="motif").states.codes) == pytest.approx(0.8 * n / 4, abs=1)
    assert len(weighted_frames(plain, 0.0, every=8).frames) == -(-n // 8)
    with pytest.raises(StoreError, match="--every must be a multiple of it; got 3: leave it out"):
        fes_run(plain, every=3)
    assert fes_run(plain, by="family").populations.shares.value.sum() == pytest.approx(1.0)


@pytest.mark.usefixtures("undrawn")
def test_a_thinned_run_can_be_read_by_what_needs_inherent_structures(plain, tmp_path):
    fes_run(plain, every=4)
    fes_run(plain, by="motif")
    n = -(-plain.committed() // 4)
    assert explore_run(plain, tmp_path / "explorer.html").total == n
    page = (tmp_path / "explorer.html").read_text()
    assert f"frames {n:,} were quenched, one in so many" in page
    for structures in ("inherent", "thermal"):
        file = tmp_path / f"{structures}.json"
        assert export_chemiscope(plain, file, structures, slice(None, None, 8)) == -(-n // 2)
        written = json.loads(file.read_text())["properties"]
        assert written["frame"]["values"] == list(range(0, plain.committed(), 8))
        assert "unknown" not in written["motif"]["values"]
        assert np.isfinite(written["energy"]["values"]).all()
    file = tmp_path / "minima.extxyz"
    assert nc.interop.export_extxyz(plain, file, "inherent") == n
    images = ase.io.read(file, ":")
    assert [atoms.info["frame"] for atoms in images] == list(range(0, plain.committed(), 4))
    assert all(np.isfinite(atoms.positions).all() for atoms in images)
    report_run(plain, tmp_path / "report.html")
    with pytest.raises(StoreError, match="of one frame in 4, and training needs that of all: run"):
        train_run(plain, tmp_path / "m.nanochart", TrainingConfig(epochs=1))
    with pytest.raises(StoreError, match="of one frame in 4, and a division into families needs"):
        families_run(plain)
    text = nanochart("quench", plain.path, "-q").stdout
    assert f"{-(-plain.committed() // 4)} inherent structures" in text
    with pytest.raises(StoreError, match="of one frame in 4; got a request for all frames: run"):
        quench_run(plain, every=1)
    nanochart("quench", plain.path, "--again", "-q")
    assert (plain.to_xarray()["quench_converged"].to_numpy() >= 0).all()


def test_a_run_is_thinned_to_some_twenty_thousand_frames(plain, monkeypatch):
    monkeypatch.setattr("nanochart.workflow.fes.samples._MOST_QUENCHED", 200)
    n = plain.n_frames
    assert len(weighted_frames(plain, 0.0).frames) <= 200 + 1
    assert weighted_frames(plain, 0.0).every == -(-n // 200)
    assert weighted_frames(plain, 0.0, membership="place").every == 1


# ------------------------------------------------------------------------------- sentences


def test_what_is_missing_is_made_once_and_kept(plain):
    told = []
    fes_run(plain, by="family", progress=lambda *what: told.append(what))
    n = plain.committed()
    assert ("quench", 0, n, f"{n:,} frames, which are kept with the run") in told
    assert plain.committed("quench") == plain.committed("chart") == n
    told.clear()
    fes_run(nc.store.open(plain.path), by="family", progress=lambda *what: told.append(what))
    assert {stage for stage, *_ in told} == {"fes"}


@pytest.mark.usefixtures("undrawn")
def test_the_report_of_a_biased_run_says_what_it_is_with_the_numbers_of_fes(
    plain, tmp_path, monkeypatch
):
    found = fes_run(plain)
    monkeypatch.setattr("nanochart.workflow.fes.run.free_energy_surface", lambda *_, **__: 1 / 0)
    text = report_run(plain, tmp_path / "report.html").read_text()
    for word in ("Parallel tempering", "ladder", "nanochart families RUN", "nanochart train RUN"):
        assert word not in text
    assert f"Plain dynamics at {found.temperature:g} K" in text
    assert f"Populations at {found.temperature:g} K" in text
    shares = found.populations.shares
    for k, name in enumerate(found.states.names):
        if name != "noise":
            assert name in text
        if shares.known[k] and shares.value[k] > 0:
            assert f"<td>{100 * shares.value[k]:.2f}</td>" in text


def test_a_run_opened_for_reading_is_one_sentence(plain):
    reading = nc.store.open(plain.path)
    with pytest.raises(StoreError, match=r"has no inherent structures of some of its frames, .* or "
                       "take the membership by place"):  # fmt: skip
        fes_run(reading, by="motif")
    assert fes_run(reading, by="motif", membership="place").states.definition == PLACE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"by": "label"}, "by must be family or motif; got 'label'"),
        ({"membership": "vote"}, "membership must be own or place; got 'vote'"),
    ],
)
def test_unknown_states_or_definitions_are_one_sentence(plain, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        fes_run(plain, **options)


def test_families_or_a_model_that_are_gone_are_told_before_a_run_is_begun(copied):
    (copied / "cu38.nanochart").unlink()
    with pytest.raises(ModelError, match=r"the model that charted .* must lie beside it"):
        resolve(settings(copied, variables=["energy"]))
    (copied / "cu38.families").unlink()
    with pytest.raises(StoreError, match=r"cu38\.families is missing, the file of the families"):
        resolve(settings(copied, variables=["energy"]))


@pytest.mark.parametrize("by", ["motif", "family"])
def test_a_run_may_stop_by_motifs_or_by_families(plain, by):
    names = load_families(plain.path.with_name("cu38.families")).names
    pair = ("fcc", "ih") if by == "motif" else names[1:3]
    config = settings(plain.path.parent, stop={"between": pair})
    assert check_stop(config, names, "cu38.zarr") == by
    found = state_difference(plain, config, pair)
    same = fes_run(plain, by=by, between=pair).difference
    np.testing.assert_array_equal(found.value, same.value)
    mixed = settings(plain.path.parent, stop={"between": ("fcc", names[1])})
    with pytest.raises(ConfigError, match=r"or two motifs, of dh, ih, fcc, twin, .*; got fcc, "):
        check_stop(mixed, names, "cu38.zarr")


# ------------------------------------------------------------------------------- the source


@pytest.mark.parametrize(
    ("by", "membership"), [("family", "own"), ("motif", "own"), ("family", "place")]
)
def test_states_are_told_without_the_source(plain, tmp_path, by, membership):
    moved = tmp_path / "elsewhere" / "plain.zarr"
    shutil.copytree(plain.path, moved)
    here = fes_run(plain, by=by, membership=membership)
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        path = tmp_path / name
        (shutil.rmtree if name.endswith("zarr") else type(path).unlink)(path)
    there = fes_run(nc.store.open(moved, mode="a"), by=by, membership=membership)
    assert here.states.names == there.states.names
    assert here.states.families == there.states.families
    assert here.outside == there.outside
    np.testing.assert_array_equal(here.known, there.known)
    np.testing.assert_array_equal(here.states.codes, there.states.codes)
    np.testing.assert_array_equal(here.populations.shares.value, there.populations.shares.value)
    np.testing.assert_array_equal(here.surface.energy, there.surface.energy)
    if membership == "place":
        np.testing.assert_array_equal(here.states.shares, there.states.shares)


def test_the_chart_by_which_a_run_of_another_variable_is_told_is_kept(trained, copied):
    run = bias_run(settings(copied, variables=["energy"], walkers=2), copied / "energy.zarr")
    moved = shutil.move(run.path, copied / "elsewhere.zarr")
    shutil.rmtree(copied / "cu38.zarr")
    (copied / "cu38.nanochart").unlink()
    found = fes_run(nc.store.open(moved, mode="a"), by="family")
    assert found.states.families == load_families(trained / "cu38.families").fingerprint


def test_a_source_without_families_is_one_sentence(copied):
    source = nc.store.open(copied / "cu38.zarr", mode="a")
    source.clear("families")
    run = bias_run(settings(copied), copied / "early.zarr")
    for membership in ("own", "place"):
        with pytest.raises(StoreError, match=r"holds no families, because its source cu38\.zarr"):
            fes_run(run, by="family", membership=membership)
    assert fes_run(run, by="motif").states.definition == OWN


def test_results_of_different_definitions_are_not_combined(plain):
    own = fes_run(plain, by="motif").states
    place = weighted_frames(plain, 0.2, membership="place").states("motif")
    with pytest.raises(StoreError, match="must have one definition of membership; got own inherent"
                       " structure in a and place in the chart in b"):  # fmt: skip
        check_same_states(own, place, "a", "b")
    source = nc.store.open(plain.path.with_name("cu38.zarr"), mode="a")
    with pytest.raises(ValueError, match="have states of their own, and all of them count: leave"):
        fes_runs([source, plain], by="motif", temperature=522.0, membership="place")
    tempered = weighted_frames(source, 0.2, 522.0).states("family")
    mine = weighted_frames(plain, 0.2).states("family")
    check_same_states(tempered, mine, "a", "b")
    shutil.copytree(source.path, plain.path.with_name("again.zarr"))
    again = nc.store.open(plain.path.with_name("again.zarr"), mode="a")
    model = nc.autoencoder.load(plain.path.with_name("cu38.nanochart"))
    families_run(again, nc.workflow.families_config({"size": 40}), model=model)
    divided = weighted_frames(again, 0.2, 522.0).states("family")
    with pytest.raises(StoreError, match=r"must have one (set of states|division into families)"):
        check_same_states(tempered, divided, "a", "b")


def test_every_result_says_its_definition(trained, plain):
    source = nc.store.open(trained / "cu38.zarr")
    assert thermo_summary(thermo_run(source, labels="motif"))["membership"] == OWN
    assert source.info("families")["membership"] == OWN
    assert fes_summary(fes_run(plain, by="motif"))["membership"] == OWN


# ---------------------------------------------------------------------------- length of runs


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"time": 0.02}, "at least 50 frames of each walker after the first 20%; got 32 in 0.02"),
        ({"variables": ["s1"], "walkers": None, "time": 0.2, "pace": 2.5,
          "umbrella": {"low": [0], "high": [1], "shape": [5], "stiffness": 1}},
         "at least 100 frames of each window after the first 20%; got 64 in 0.2 ns"),
    ],
)  # fmt: skip
def test_too_short_a_run_is_refused_before_it_begins(trained, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        bias_run(settings(trained, **changes), trained / "never.zarr")
    assert not (trained / "never.zarr").exists()


def test_walkers_of_umbrella_sampling_are_walkers(trained):
    windows = {"low": [0], "high": [0.5], "shape": [2], "stiffness": 0.2}
    config = settings(trained, walkers=4, time=0.04, umbrella=windows)
    config.require_length()  # two walkers of a window have its frames together
    assert resolve(config).plan.n_walkers == 4
    with pytest.raises(ConfigError, match="must be a multiple of the 2 windows; got 3: leave"):
        settings(trained, walkers=3, umbrella=windows)


def test_a_run_that_ends_by_a_difference_tells_families_by_their_own_structures(plain, monkeypatch):
    """Four blocks are committed, and each time what is new is quenched and charted."""
    monkeypatch.setattr("nanochart.workflow.bias.run._BLOCK_BYTES", 50_000)
    folder = plain.path.parent
    names = load_families(folder / "cu38.families").names
    stop = {"between": names[1:3], "error": 1e-9, "every": 2}
    run = bias_run(settings(folder, time=0.2, stop=stop), folder / "stopped.zarr")
    n = run.committed()
    assert run.committed("quench") == run.committed("chart") == n == 400
    quenched = run.to_xarray()["quench_converged"].to_numpy()[:, 0]
    np.testing.assert_array_equal(quenched >= 0, np.arange(n) % 2 == 0)
    model = nc.autoencoder.load(folder / "cu38.nanochart")
    minima = run.to_xarray()["inherent_positions"][::2].to_numpy().astype(float)
    charted = run.to_xarray()["inherent_chart"][::2].to_numpy()
    np.testing.assert_allclose(charted, model.encode(minima), atol=1e-4)
