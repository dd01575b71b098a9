"""Several exchanges between two stored frames: the same dynamics, seen more rarely."""

import re

import numpy as np
import pytest

import nanochart as nc
from helpers.configs import small_config
from nanochart import store
from nanochart.config import changes, load_config
from nanochart.errors import ConfigError, StoreError
from nanochart.tempering import diagnose_ladder, walks
from nanochart.tempering.ladder import Ladder
from nanochart.workflow import ladder_words, quench_run, run_info, sample
from nanochart.workflow.ladder import ladder_diagnostics
from nanochart.workflow.mapped_energies import mapped_energies_of
from nanochart.workflow.sample import _begun_with
from nanochart.workflow.starts import stream_of


def asked(exchanges_per_frame=4, frames=15, **changes):
    """Exchanges every 0.5 ps, of which two frames' worth are discarded."""
    interval = 0.5e-3 * exchanges_per_frame
    tempering = {
        "t_max": 340.0,
        "exchanges_per_frame": exchanges_per_frame,
        "discard": 0.004,
        "time_per_replica": frames * interval,
    }
    return small_config(starts=["octahedron"], tempering=tempering, **changes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run with four exchanges to a frame, and the same with a frame for each exchange."""
    folder = tmp_path_factory.mktemp("frames")
    return (
        sample(asked(), folder / "few.zarr"),
        sample(asked(1, 60), folder / "every.zarr"),
    )


def test_frames_are_those_of_a_run_that_stores_one_for_each_exchange(runs):
    few, every = (run.to_xarray() for run in runs)
    assert few.sizes["frame"] == 15
    assert few["exchange_history"].dims == ("frame", "attempt", "pair")
    assert "exchange_accepted" not in few
    for name in ("positions", "energy", "temperature", "rung", "step"):
        np.testing.assert_array_equal(few[name], every[name][::4], err_msg=name)
    history = few["exchange_history"].to_numpy().reshape(60, 2)
    np.testing.assert_array_equal(history, every["exchange_accepted"])


def test_the_ladder_is_diagnosed_from_every_exchange(runs):
    few, every = (ladder_diagnostics(run.frames(), run) for run in runs)
    assert few.attempts_per_frame == 4
    np.testing.assert_array_equal(few.acceptance.attempts, every.acceptance.attempts)
    np.testing.assert_array_equal(few.acceptance.accepted, every.acceptance.accepted)
    np.testing.assert_array_equal(few.flow, every.flow)
    np.testing.assert_array_equal(few.trips.counts, every.trips.counts)
    assert few.trips.crossings == every.trips.crossings > 0
    assert 4 * few.trips.time == pytest.approx(every.trips.time)  # counted in frames
    assert 4 * few.ideal_time == pytest.approx(every.ideal_time)
    # The times that are told do not depend on what a frame is.
    trips = [re.search(r"a round trip takes ([\d.]+ \w+)", ladder_words(run))[1] for run in runs]
    assert trips[0] == trips[1]
    share = [run_info(run)["exchange"]["acceptance"] for run in runs]
    assert share[0] == share[1]


def test_changes_of_minima_are_counted_where_every_exchange_led(tmp_path, monkeypatch):
    """Of two frames on one rung with others in between, not all the time belongs to that rung."""
    run = sample(asked(5, 20), tmp_path / "run.zarr")
    quench_run(run)
    given = []
    monkeypatch.setattr(
        "nanochart.workflow.mapped_energies.mapped_energies", lambda *those: given.append(those)
    )
    mapped_energies_of(run, None, np.arange(4, 20))
    ((_, frames, frame_time, _, exchanges),) = given
    assert (frames.changed.shape, frame_time) == ((16, 3), 2500.0)
    history = run.to_xarray()["exchange_history"].to_numpy()
    np.testing.assert_array_equal(exchanges, history[4:])


def test_walks_follow_every_exchange():
    rungs, outcome = np.array([[0, 1, 2], [1, 0, 2]]), np.full((2, 3, 2), -1)
    outcome[0] = [[1, -1], [-1, 0], [0, -1]]
    outcome[1] = [[1, -1], [-1, 1], [0, -1]]
    expected = [[0, 1, 2], [1, 0, 2], [1, 0, 2], [1, 0, 2], [0, 1, 2], [0, 2, 1]]
    np.testing.assert_array_equal(walks(rungs, outcome), expected)


def test_a_passage_between_two_frames_is_counted():
    """A replica that goes up and comes back within a frame is seen by its exchanges alone."""
    n = 40
    rungs, outcome = np.tile([0, 1], (n, 1)), np.ones((n, 2, 1), int)
    ladder = Ladder((300.0, 400.0))
    assert diagnose_ladder(ladder, rungs, None, outcome[:, 0]).trips.crossings == 0
    found = diagnose_ladder(ladder, rungs, None, outcome)
    assert found.trips.crossings == 2 * (2 * n - 1)
    assert found.trips.time == pytest.approx(1.0)  # frames


def test_a_run_with_several_exchanges_to_a_frame_goes_on_with_equal_bits(runs, tmp_path):
    whole, path, rounds = runs[0], tmp_path / "run.zarr", []
    sample(asked(), path, stop=lambda: len(rounds) >= 6 or bool(rounds.append(1)))
    timings, kept = run_info(store.open(path))["timings"], store.open(path).load_checkpoint().info
    (session,) = timings["sessions"]
    assert session["rounds"] == kept["round"] == 4 * 7  # a round is from one exchange to the next
    assert timings["rounds_left"] == 4 * (15 + 2 - 7)
    pace = timings["seconds_per_round"]
    assert pace == pytest.approx(session["seconds"] / 28)
    assert timings["seconds_left"] == pytest.approx(40 * pace)
    assert timings["replica_steps_per_second"] == pytest.approx(3 * 100 / pace)
    assert timings["ns_per_day"] == pytest.approx(0.5e-3 / pace * 86400)
    resumed = sample(asked(), path, resume=True)
    assert resumed.complete
    assert resumed.to_xarray().equals(whole.to_xarray())
    info = run_info(resumed)
    assert info["checkpoint"]["round"] == 4 * (15 + 2)
    assert info["timings"]["rounds_left"] == 0
    with pytest.raises(StoreError, match=r"exchanges_per_frame was 4, is 2"):
        sample(asked(2, 30), path, resume=True)


def test_a_run_of_an_earlier_version_has_one_exchange_to_a_frame():
    """Its stored configuration does not say so, and is compared with one that does."""
    now = asked(1, 4).model_dump(mode="json")
    before = {**now, "tempering": dict(now["tempering"])}
    del before["tempering"]["exchanges_per_frame"]
    assert changes(_begun_with(before, 5.0), _begun_with(now, 5.0)) == ()
    assert load_config(before).frame_interval == 0.5


def test_how_often_frames_are_stored_has_no_part_in_the_random_numbers():
    gold = nc.potentials.gupta("Au")
    assert stream_of(asked(4), gold) == stream_of(asked(1), gold)


def test_lengths_are_counted_in_frames():
    config = asked(4, 15)
    assert (config.frame_interval, config.n_frames, config.n_discarded) == (2.0, 15, 2)
    assert config.steps_per_frame(5.0) == 400
    values = config.model_dump(mode="json")
    values["tempering"]["time_per_replica"] = 0.001
    values["tempering"]["exchanges_per_frame"] = 1_001  # a run stops only after a frame
    with pytest.raises(ConfigError, match=r"exchanges_per_frame .* equal to 1000; got 1001"):
        load_config(values)
    values["tempering"]["exchanges_per_frame"] = 4
    with pytest.raises(ConfigError, match=r"at least one frame, swap_interval times .*, 0.002"):
        load_config(values)
