"""Which motif or family a frame of a biased run belongs to, against frames whose own are known."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

import nanochart as nc
from helpers.command import nanochart
from helpers.membership import disguised, left_out, settings
from nanochart.errors import ConfigError, StoreError
from nanochart.landscape import OWN, PLACE, fit_families, load_families, place_membership
from nanochart.motifs import LABELS
from nanochart.workflow import (
    bias_run,
    fes_run,
    fes_summary,
    report_run,
    thermo_run,
    thermo_summary,
)
from nanochart.workflow.bias.resolve import check_stop, resolve
from nanochart.workflow.fes.run import state_difference
from nanochart.workflow.fes.samples import weighted_frames


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
    # What was asked before: the same frames, told by thermal neighbours in what one may bias.
    voted = [old_vote(trained, "motif", len(LABELS), [axis]) for axis in (0, 1)]
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
    assert "The variables of all walkers against time (ns)" in text
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
