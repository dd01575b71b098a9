"""What the report says and draws of a ladder."""

import dataclasses
import re

import numpy as np
import pytest
import xarray as xr

from helpers.report_runs import results_of, run_data
from nanochart.report.figures.exchange import ladder_mixing
from nanochart.report.page.sampling import sampling_section
from nanochart.tempering import Ladder, exchange
from nanochart.tempering.diagnostics import diagnose_ladder
from nanochart.units import BOLTZMANN, kelvin

LADDER = Ladder.geometric(300.0, 450.0, 5)
METADATA = {"n_atoms": 13, "n_replicas": 5, "config": {"dynamics": {"time_step": 5.0}}}


def whole(dataset):
    """A run of these arrays, of frames 5 ps apart."""
    frames = run_data(dataset, **METADATA).frames
    return run_data(dataset, results_of(frames, 0.005), **METADATA)


def run(n_frames=1_500, gap=0.0, seed=0):
    """Independent harmonic energies with real exchanges; ``gap`` (eV) parts the upper rungs."""
    rng = np.random.default_rng(seed)
    T, rungs = np.array(LADDER.temperatures), np.arange(5)
    places, energies, outcomes = [], [], []
    for k in range(n_frames):
        e = BOLTZMANN * T[rungs] * rng.gamma(33 / 2, 1.0, 5) + gap * (rungs >= 3)
        outcome = exchange(rungs, e, LADDER, k % 2, rng)
        places.append(rungs)
        energies.append(e)
        outcomes.append(outcome.accepted)
        rungs = outcome.rungs
    walker = ("frame", "replica")
    return whole(
        xr.Dataset(
            {
                "ladder": (("ladder",), T),
                "energy": (walker, np.array(energies)),
                "temperature": (walker, T[np.array(places)]),
                "rung": (walker, np.array(places, np.int16)),
                "step": (("frame",), 1000 * np.arange(1, n_frames + 1)),
                "exchange_accepted": (("frame", "pair"), np.array(outcomes)),
            }
        ),
    )


def test_a_good_ladder_is_called_good_with_numbers_before_all_else():
    section = sampling_section(run(), 60)
    assert section.text.startswith("The ladder is connected, mixed and equilibrated. Neighbours")
    assert "5 of 5 replicas made" in section.text
    assert " ns on average" in section.text
    assert [item.name for item in section.items if item.name == "ladder-mixing"]


def test_round_trips_shorter_than_a_frame_are_told_to_three_digits():
    """As where many exchanges lie between two frames."""
    data, many = run(), 200
    data = dataclasses.replace(data, results=shortened(data.results, many))
    found = data.results.ladder
    (card,) = (x for x in sampling_section(data, 60).items if x.name == "ladder-mixing")
    assert max(found.ideal_time, found.trips.time) < 0.5
    times = f"{found.time_of(found.trips.time)} on average; the exchanges alone would need "
    assert f"One takes {times}{found.time_of(found.ideal_time)}." in card.caption
    assert re.search(r"One takes [\d.]+ ps on average; .* need [\d.]+ ps\.", card.caption)


def shortened(results, many):
    """Of a ladder with so many exchanges to a frame, which passes as often for each exchange."""
    trips = dataclasses.replace(results.ladder.trips, time=results.ladder.trips.time / many)
    ladder = dataclasses.replace(results.ladder, trips=trips, attempts_per_frame=many)
    return dataclasses.replace(results, ladder=ladder)


def test_a_broken_ladder_is_said_before_all_else():
    section = sampling_section(run(gap=2.0), 60)
    T = LADDER.temperatures
    assert section.text.startswith(
        f"The ladder is broken between {kelvin(T[2])} and {kelvin(T[3])} K, which never exchanged"
    )
    assert "The ladder is not mixed" in section.text
    assert "Parallel tempering: every replica" in section.text


def test_a_run_without_exchanges_or_energies_still_has_its_section():
    data = run(50)
    for missing in (["exchange_accepted"], ["energy"], ["rung"], ["ladder"]):
        section = sampling_section(whole(data.frames._data.drop_vars(missing)), 60)
        names = {item.name for item in section.items}
        assert ("ladder-mixing" in names) == (missing[0] not in {"rung", "ladder"})


def test_the_mixing_figure_shows_the_numbers_of_the_diagnostics():
    data = run()
    diagnostics = data.results.ladder
    flow, trips, overlap, memory = ladder_mixing(diagnostics).axes
    np.testing.assert_allclose(flow.lines[1].get_ydata(), 100 * diagnostics.flow)
    np.testing.assert_allclose(flow.lines[0].get_ydata(), np.linspace(0, 100, 5))
    assert [bar.get_height() for bar in trips.patches] == diagnostics.trips.counts.tolist()
    np.testing.assert_allclose(overlap.lines[0].get_ydata(), 100 * diagnostics.overlap)
    np.testing.assert_allclose(memory.lines[0].get_ydata(), diagnostics.inefficiency)
    for axes in (flow, trips, overlap, memory):
        assert "(" in axes.get_xlabel()
        assert "(" in axes.get_ylabel()


@pytest.mark.parametrize("kept", [2, 6, 40])
def test_figures_of_short_runs_are_drawn(kept):
    data = run(40)
    diagnostics = diagnose_ladder(LADDER, data.frames.thermal.rungs[:kept], data.energy[:kept])
    figure = ladder_mixing(diagnostics)
    figure.canvas.draw()
    assert len(figure.axes) == 4


def test_a_run_that_is_not_finished_says_so():
    data = run(50)
    more = dataclasses.replace(data.results, planned=data.n_frames + 30)
    section = sampling_section(dataclasses.replace(data, results=more), 60)
    n = data.n_frames
    assert section.text.startswith(f"The run is not finished: {n} of {n + 30} frames are stored. ")
