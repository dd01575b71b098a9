"""A trajectory in a chart: what lasts, what is drawn, and what is refused."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from nanochart.errors import ModelError
from nanochart.landscape import lasting_states
from nanochart.report.figures.movie import follow
from nanochart.workflow.track import _doubt_of_order


def spelled(text):
    """Labels by letter: a is dh, b is amorphous (of another length), c is ih."""
    return [{"a": "dh", "b": "amorphous", "c": "ih"}[letter] for letter in text]


def changes(text, persistence, share=0.75):
    found = lasting_states(spelled(text), persistence, share)
    return [(t.frame, t.before, t.after) for t in found.transitions]


# -------------------------------------------------------------------------- lasting states


def test_flickers_are_no_transitions():
    assert changes("aaaabaaaacaaabbaaaa", 4) == []


def test_a_change_begins_with_the_first_frame_of_what_lasts():
    assert changes("aaaabbbbbb", 4) == [(4, "dh", "amorphous")]


def test_a_flicker_inside_the_new_state_is_allowed_for():
    assert changes("aaaabbabbbbb", 4) == [(4, "dh", "amorphous")]
    assert changes("aaaabbabbbbb", 4, share=1.0) == [(7, "dh", "amorphous")]


def test_a_change_at_the_end_is_not_known_to_last():
    assert changes("aaaaaabbb", 4) == []
    assert changes("aaaaaabbbb", 4) == [(6, "dh", "amorphous")]


def test_persistence_of_one_takes_every_change():
    assert [f for f, *_ in changes("aabca", 1)] == [2, 3, 4]


def test_states_keep_their_whole_names():
    found = lasting_states(spelled("aaaabbbbccccaaaa"), 3)
    assert found.states.tolist() == spelled("aaaabbbbccccaaaa")


def test_without_anything_that_lasts_the_most_frequent_is_the_state():
    found = lasting_states(spelled("abcabcaba"), 4)
    assert set(found.states) == {"dh"}
    assert found.transitions == ()


def test_fewer_frames_than_the_persistence():
    assert changes("aab", 10) == []


def test_random_flicker_below_the_share_changes_nothing():
    rng = np.random.default_rng(2)
    flicker = np.where(rng.random(2_000) < 0.1, "ih", "dh")
    assert lasting_states(flicker, 20).transitions == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 3), "at least one, one for each frame"),
        ((["a"], 0), "persistence must be at least 1 frame; got 0"),
        ((["a"], 3, 0.5), "share must be above 0.5 and at most 1; got 0.5"),
    ],
)
def test_settings_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        lasting_states(*arguments)


# ------------------------------------------------------------------------------------ movie


def test_following_undoes_rotations_and_mirrors_nothing():
    from scipy.spatial.transform import Rotation

    x = nc.clusters.build("decahedron", "Au", 38).positions
    turned = np.stack([Rotation.random(rng=k).apply(x) + k for k in range(4)])
    still = follow(turned)
    np.testing.assert_allclose(still, np.broadcast_to(still[0], still.shape), atol=1e-9)
    mirrored = follow(np.stack([x, x * [1.0, 1.0, -1.0]]))
    assert np.linalg.det(np.linalg.lstsq(x * [1, 1, -1.0], mirrored[1], rcond=None)[0]) > 0


# ---------------------------------------------------------------------------------- command


@pytest.fixture(scope="module")
def trajectory(small_run, tmp_path_factory):
    """The first replica of the small run as a file."""
    run = nc.store.open(small_run / "run.zarr")
    file = tmp_path_factory.mktemp("track") / "one.extxyz"
    positions = run.to_xarray()["positions"][:40, 0].to_numpy()
    from nanochart.interop.extxyz import format_frame

    text = [format_frame("Au", x, {"step": 100 * k}) for k, x in enumerate(positions)]
    file.write_text("".join(text), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def track(small_run, trajectory):
    run = nc.store.open(small_run / "run.zarr")
    model = nc.autoencoder.load(small_run / "run.nanochart")
    return nc.workflow.track_run(run, trajectory, model, persistence=5, interval=0.0005)


def test_track_of_a_run_s_own_frames_is_the_run(track, opened):
    data = opened.to_xarray().isel(frame=slice(40), replica=0)
    np.testing.assert_allclose(track.inherent_energy, data["inherent_energy"], atol=1e-3)
    np.testing.assert_allclose(track.chart, data["inherent_chart"], atol=5e-3)
    quenched = data["inherent_positions"].to_numpy().astype(float)
    assert track.motif.tolist() == nc.motifs.classify(quenched, "Au").tolist()
    assert track.time[-1] == pytest.approx(39 * 0.0005)
    assert track.lowest_energy <= float(opened.to_xarray()["inherent_energy"].min()) + 1e-9
    assert track.converged.all()


def test_numbers_are_written(track, tmp_path):
    happened, table = nc.workflow.write_track(track, tmp_path / "out")
    told = json.loads(happened.read_text(encoding="utf-8"))
    assert told["frames"] == 40
    assert told["persistence"] == 5
    assert set(told["transitions"]) == {"motif"}
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 40
    assert [row["motif"] for row in rows] == track.motif.tolist()
    np.testing.assert_allclose([float(r["s1"]) for r in rows], track.chart[:, 0], rtol=1e-7)
    nc.workflow.write_track(track, tmp_path / "out")  # its own files are replaced
    other = replace(track, trajectory="another.extxyz")
    with pytest.raises(ValueError, match=r"holds the track of .*one\.extxyz: name another folder"):
        nc.workflow.write_track(other, tmp_path / "out")


def test_figures_and_movie(track, opened, tmp_path):
    from PIL import Image

    cards = nc.workflow.track_cards(track, opened)
    assert [card.name for card in cards] == ["track-path", "track-time", "track-structures"]
    for card in cards:
        card.drawn().savefig(tmp_path / f"{card.name}.png", dpi=30)
    movie = nc.workflow.track_movie(track, opened, tmp_path / "track.gif", n_pictures=3)
    with Image.open(movie) as picture:
        assert picture.n_frames == 3


def test_command_tracks(small_copy, trajectory, tmp_path):
    done = nanochart("track", small_copy / "run.zarr", trajectory, "-o", tmp_path / "t",
                     "--interval", "0.5ps", "--no-movie", "--json", "--quiet")  # fmt: skip
    told = json.loads(done.stdout)
    assert told["units"]["time"] == "ns"
    assert {"track.json", "track.csv"} <= {p.name for p in (tmp_path / "t").iterdir()}


# ------------------------------------------------------------------------- order and reading


def test_frames_that_are_no_more_alike_than_any_others_are_doubted():
    rng = np.random.default_rng(3)
    hidden = np.repeat(rng.normal(size=20), 10)  # places kept for ten frames
    chart = np.stack([hidden, 0.3 * rng.normal(size=200)], axis=1)
    motif = np.where(hidden > 0.0, "ih", "dh")
    steps = np.full(200, -1)
    assert _doubt_of_order(steps, chart, motif) == ""
    order = rng.permutation(200)
    told = _doubt_of_order(steps, chart[order], motif[order])
    assert told.startswith("neighbouring frames are no more alike than any others")
    assert _doubt_of_order(steps, chart[order], np.full(200, "ih")) == ""  # nothing to follow
    assert _doubt_of_order(steps[:10], chart[order[:10]], motif[order[:10]]) == ""
    assert "falls from 7 to 3 after 2 frames" in _doubt_of_order(
        np.array([1, 7, 3, 4]), chart[:4], motif[:4]
    )


def test_a_trajectory_is_read_as_for_import(small_run, tmp_path):
    """In Bohr, with one frame that is damaged, its steps out of order."""
    from nanochart.interop.extxyz import format_frame

    run = nc.store.open(small_run / "run.zarr")
    x = run.to_xarray()["positions"][:5, 0].to_numpy() / 0.529177210903
    text = [format_frame("Au", x[k], {"step": s}) for k, s in enumerate((0, 300, 100, 200, 400))]
    text[3] = text[3].replace("Au ", "Au nan ", 1)
    file = tmp_path / "bohr.extxyz"
    file.write_text("".join(text), encoding="utf-8")
    options = ("--unit", "bohr", "--skip-bad-frames", "--interval", "1ps", "--no-movie", "-q")
    said = nanochart("track", small_run / "run.zarr", file, "-o", tmp_path / "t", *options).stdout
    assert "bohr.extxyz: 4 frames" in said
    assert "left out 1 bad frames of bohr.extxyz; the first: " in said
    assert "warning: the step of the trajectory falls from 300 to 100 after 2 frames" in said
    rows = list(csv.DictReader((tmp_path / "t" / "track.csv").read_text("utf-8").splitlines()))
    assert [row["frame"] for row in rows] == ["0", "1", "2", "4"]
    assert float(rows[-1]["time (ns)"]) == pytest.approx(0.004)
    data = run.to_xarray()["inherent_energy"][:5, 0].to_numpy()
    found = [float(row["inherent energy (eV)"]) for row in rows]
    np.testing.assert_allclose(found, data[[0, 1, 2, 4]], atol=1e-3)


# -------------------------------------------------------------------------------- bad input


def refuse(small_run, file, error, message, **settings):
    run = nc.store.open(small_run / "run.zarr")
    model = nc.autoencoder.load(small_run / "run.nanochart")
    with pytest.raises(error, match=message):
        nc.workflow.track_run(run, file, model, **settings)


def written(tmp_path, symbol, motif, n):
    file = tmp_path / "other.extxyz"
    nc.clusters.build(motif, symbol, n).write(file)
    return file


def test_another_size_is_refused(small_run, tmp_path):
    file = written(tmp_path, "Au", "icosahedron", 55)
    refuse(small_run, file, ModelError, r"frame 0 must be Au38, the cluster of the model; got Au55")


def test_another_metal_is_refused(small_run, tmp_path):
    file = written(tmp_path, "Ag", "octahedron", 38)
    refuse(small_run, file, ValueError, r"frame 0 must be of the element Au; got Ag")


def test_a_trajectory_without_frames_is_refused(small_run, tmp_path):
    (tmp_path / "empty.extxyz").write_text("", encoding="utf-8")
    refuse(small_run, tmp_path / "empty.extxyz", ValueError, "empty.extxyz is empty")


def test_a_missing_trajectory_is_refused(small_run, tmp_path):
    refuse(small_run, tmp_path / "no.extxyz", FileNotFoundError, "does not exist or is not a file")


def test_a_missing_model_is_told_before_anything_is_written(small_copy, trajectory, tmp_path):
    (small_copy / "run.nanochart").unlink()
    done = nanochart("track", small_copy / "run.zarr", trajectory, "-o", tmp_path / "t", code=1)
    assert "there is no model" in done.stderr
    assert not (tmp_path / "t").exists()
